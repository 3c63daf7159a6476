"""ECG and bundle to Explanation: the decision, taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from protoecg.bundle import Bundle
from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.explanation import Explanation, Finding, Match, Measured, add_up, ranked
from protoecg.measure import Delineation, delineate, quantities
from protoecg.measured.contradictions import guarded, judgeable
from protoecg.prototypes.prototype import Prototype
from protoecg.quality import quality
from protoecg.signals import MODEL_RATE, model_input


def explain(ecg: ECG, bundle: Bundle, found: Delineation | None = None) -> Explanation:
    """Explain the first ten seconds of an ECG by the prototypes of a bundle.

    A finding's matches are all prototypes with a weight for it; their contributions, those of the
    measurements and the bias add up to its logit.

    Parameters
    ----------
    found : what `delineate` returns of this ECG, where that is known
    """
    return explain_all([ecg], bundle, [found or delineate(ecg)])[0]


@torch.inference_mode()
def explain_all(
    ecgs: Sequence[ECG], bundle: Bundle, found: Sequence[Delineation]
) -> list[Explanation]:
    """Explain several ECGs at once, each as `explain` does; `found` is where their waves lie.

    The network sees them as one batch, so that similarities may differ in the last bit.
    """
    inputs = [model_input(ecg) for ecg in ecgs]
    seen = _seen(bundle, torch.from_numpy(np.stack(inputs)))
    each = zip(ecgs, inputs, found, seen, strict=True)
    return [_explained(ecg, x, waves, bundle, of_one) for ecg, x, waves, of_one in each]


def _explained(
    ecg: ECG, x: np.ndarray, waves: Delineation, bundle: Bundle, seen: list[_Seen]
) -> Explanation:
    values, recording = quantities(waves), quality(ecg)
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


def _seen(bundle: Bundle, x: Tensor) -> list[list[_Seen]]:
    """Of each ECG, of each prototype, in the bundle's order."""
    output = bundle.network(x)
    seen: list[list[_Seen]] = [[] for _ in x]
    for name, branch in bundle.network.branches.items():
        own = bundle.network.columns(name)
        similarities, cells = output.similarities[:, own], output.cells[:, own]
        parts = branch.lead_parts(x, cells).tolist() if branch.splits_by_lead else None
        for row, of_one in enumerate(seen):
            windows = [branch.window_s(cell) for cell in cells[row].tolist()]
            by_lead = map(tuple, parts[row]) if parts else [None] * len(windows)
            of_one += map(_Seen, similarities[row].tolist(), windows, by_lead)
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
