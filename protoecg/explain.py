"""ECG and bundle to Explanation: the decision, taken apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from protoecg.bundle import Bundle
from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.explanation import Explanation, Finding, Match, Measured, add_up, ranked
from protoecg.measure import Delineation, delineate, quantities
from protoecg.measured.contradictions import guarded, judgeable
from protoecg.network.protoecgnet import Output
from protoecg.prototypes.prototype import Prototype
from protoecg.quality import quality
from protoecg.signals import MODEL_RATE, model_input


@torch.inference_mode()
def explain(ecg: ECG, bundle: Bundle, found: Delineation | None = None) -> Explanation:
    """Explain the first ten seconds of an ECG by the prototypes of a bundle.

    A finding's matches are all prototypes with a weight for it; their contributions, those of the
    measurements and the bias add up to its logit.

    Parameters
    ----------
    found : what `delineate` returns of this ECG, where that is known
    """
    x = model_input(ecg)
    tensor = torch.from_numpy(x)[None]
    output = bundle.network(tensor)
    seen = _seen(bundle, tensor, output)
    values, recording = quantities(found or delineate(ecg)), quality(ecg)
    measured = bundle.measured.contributions(values) if bundle.measured else {}
    findings = [
        _finding(bundle, column, seen, measured.get(code, ()))
        for column, code in enumerate(bundle.statements)
    ]
    return Explanation(
        bundle=bundle.name,
        simulated=bundle.simulated,
        source=ecg.source,
        notes=(*ecg.notes, *_too_long(ecg)),
        abstains=_abstains(ecg, x, bundle),
        findings=ranked(guarded(findings, judgeable(values, recording.wander))),
        quality=recording.sentences,
    )


@torch.inference_mode()
def without_leads(ecg: ECG, bundle: Bundle, match: Match) -> dict[str, float]:
    """Return by how much a match's similarity falls when a lead is silent: leave one lead out.

    An approximation of each lead's part for branches that do not split by lead: the falls do not
    add up to the similarity, and leads that say the same stand in for one another.
    """
    index = bundle.prototypes.index(match.prototype)
    name = match.prototype.branch
    first = bundle.network.columns(name).start
    start, end = (round(seconds * MODEL_RATE) for seconds in match.window_s)
    window = torch.from_numpy(model_input(ecg)[:, start:end])
    silenced = window.repeat(len(LEADS) + 1, 1, 1)
    silenced[torch.arange(len(LEADS)), torch.arange(len(LEADS))] = 0
    seen = bundle.network.branches[name].similarities(silenced).values[:, index - first]
    falls = seen[-1] - seen[:-1]
    return dict(zip(LEADS, falls.tolist(), strict=True))


class _Seen(NamedTuple):
    """What a prototype sees: similarity, the window of the query in seconds, each lead's part."""

    similarity: float
    window_s: tuple[float, float]
    lead_parts: tuple[float, ...] | None


def _seen(bundle: Bundle, x: Tensor, output: Output) -> list[_Seen]:
    """Of each prototype, in the bundle's order."""
    seen: list[_Seen] = []
    for name, branch in bundle.network.branches.items():
        own = bundle.network.columns(name)
        similarities, cells = output.similarities[:, own], output.cells[:, own]
        windows = [branch.window_s(cell) for cell in cells[0].tolist()]
        parts: list[tuple[float, ...] | None] = [None] * len(windows)
        if branch.splits_by_lead:
            parts = [tuple(part) for part in branch.lead_parts(x, cells)[0].tolist()]
        seen += map(_Seen, similarities[0].tolist(), windows, parts)
    return seen


def _finding(
    bundle: Bundle, column: int, seen: list[_Seen], measured: tuple[Measured, ...]
) -> Finding:
    code = bundle.statements[column]
    decision = bundle.decisions[code]
    weights = bundle.network.fusion.weight[column]
    matches = [
        _match(bundle.prototypes[index], weight, seen[index])
        for index, weight in zip(
            weights.nonzero().flatten().tolist(), weights[weights != 0].tolist(), strict=True
        )
    ]
    return add_up(
        bundle.labels[code],
        bias=float(bundle.network.fusion.bias[column]),
        threshold=decision.threshold,
        low_evidence=decision.low_evidence,
        matches=matches,
        possible_from=decision.possible_from,
        measured=measured,
    )


def _match(prototype: Prototype, weight: float, seen: _Seen) -> Match:
    contribution = weight * seen.similarity
    return Match(prototype, seen.similarity, weight, contribution, seen.window_s, seen.lead_parts)


def _abstains(ecg: ECG, x: np.ndarray, bundle: Bundle) -> str | None:
    """Why the findings of an ECG are not to be relied on; None where they may be."""
    if ecg.limb_leads_contradict:
        return (
            "The model abstains: the limb leads contradict each other, so that some of them are "
            "not what the file says."
        )
    return bundle.familiarity.abstains(x) if bundle.familiarity else None


def _too_long(ecg: ECG) -> tuple[str, ...]:
    if ecg.duration <= DURATION_S + 0.1:
        return ()
    return (f"Only the first {DURATION_S:g} of {ecg.duration:.0f} seconds were read by the model.",)
