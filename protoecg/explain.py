"""ECG and bundle to Explanation: the decision, taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from protoecg.bundle import Bundle
from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.explanation import Explanation, Finding, Match, probability, ranked, total
from protoecg.measure import Delineation, delineate, quantities
from protoecg.measured.contradictions import guarded, judgeable
from protoecg.measured.curves import MeasuredEvidence
from protoecg.measured.unnamed import sure, unnamed
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


def explain_all(
    ecgs: Sequence[ECG], bundle: Bundle, found: Sequence[Delineation]
) -> list[Explanation]:
    """Explain several ECGs at once, each as `explain` does; `found` is where their waves lie.

    The network sees them as one batch, so that similarities may differ in the last bit.
    """
    return _explained(ecgs, bundle, found, in_full=True)


def decide_all(
    ecgs: Sequence[ECG], bundle: Bundle, found: Sequence[Delineation]
) -> list[Explanation]:
    """Explain several ECGs as `explain_all` does, without what a table doesn't tell, much quicker.

    Absent findings have neither matches nor measurements, though their logits are the same sums,
    and no match has its leads' parts.
    """
    return _explained(ecgs, bundle, found, in_full=False)


def _explained(
    ecgs: Sequence[ECG], bundle: Bundle, found: Sequence[Delineation], *, in_full: bool
) -> list[Explanation]:
    inputs = [model_input(ecg) for ecg in ecgs]
    seen = _seen(bundle, np.stack(inputs), by_lead=in_full)
    sums, calibrated = _sums(bundle), bundle.recalibrations
    explanations = []
    for ecg, x, waves, of_one in zip(ecgs, inputs, found, seen, strict=True):
        values, recording = quantities(waves), quality(ecg)
        judged = judgeable(values, recording.wander)
        findings = guarded(_findings(bundle, sums, of_one, values, in_full), judged)
        abstains = _abstains(ecg, x, bundle)
        explanations.append(
            Explanation(
                bundle=bundle.name,
                simulated=bundle.simulated,
                source=ecg.source,
                notes=(*ecg.notes, *_too_long(ecg)),
                abstains=abstains,
                findings=ranked(findings),
                quality=recording.sentences,
                recalibrations=calibrated,
                unnamed=() if abstains else unnamed(findings, sure(values, recording)),
            )
        )
    return explanations


def without_leads(ecg: ECG, bundle: Bundle, match: Match) -> dict[str, float]:
    """Return by how much a match's similarity falls when a lead is silent: leave one lead out.

    An approximation of each lead's part for branches that do not split by lead: the falls do not
    add up to the similarity, and leads that say the same stand in for one another.
    """
    index = bundle.prototypes.index(match.prototype)
    name = match.prototype.branch
    first = bundle.network.columns(name).start
    start, end = (round(seconds * MODEL_RATE) for seconds in match.window_s)
    window = model_input(ecg)[:, start:end]
    silenced = np.repeat(window[None], len(LEADS) + 1, axis=0)
    silenced[range(len(LEADS)), range(len(LEADS))] = 0
    seen = bundle.network.of_branch(name, silenced)[:, index - first]
    falls = seen[-1] - seen[:-1]
    return dict(zip(LEADS, falls.tolist(), strict=True))


class _Seen(NamedTuple):
    """What all prototypes see in an ECG, in the bundle's order.

    Parameters
    ----------
    windows_s : of the query
    lead_parts : of each similarity; of branches that do not split by lead, None
    """

    similarities: list[float]
    windows_s: list[tuple[float, float]]
    lead_parts: list[tuple[float, ...] | None]


def _seen(bundle: Bundle, x: np.ndarray, *, by_lead: bool) -> list[_Seen]:
    """Return what is seen in each ECG; each lead's part where it is asked for."""
    network = bundle.network
    sight = network.look(x, by_lead=by_lead)
    seen = [_Seen(of_one, [], []) for of_one in sight.similarities.tolist()]
    for name in dict.fromkeys(branch for branch, _ in network.owners):
        cells, parts = sight.cells[:, network.columns(name)], sight.lead_parts.get(name)
        windows = {cell: network.window_s(name, cell) for cell in np.unique(cells).tolist()}
        of_leads = None if parts is None else parts.tolist()
        for row, of_one in enumerate(cells.tolist()):
            seen[row].windows_s.extend(windows[cell] for cell in of_one)
            parts_of_one = map(tuple, of_leads[row]) if of_leads else [None] * len(of_one)
            seen[row].lead_parts.extend(parts_of_one)
    return seen


class _Sum(NamedTuple):
    """What a statement's logit is the sum of: its bias, and prototypes by their weights."""

    bias: float
    prototypes: np.ndarray
    weights: np.ndarray

    def contributions(self, similarities: np.ndarray) -> list[float]:
        """Return what each of its prototypes adds, in logits."""
        return (self.weights * similarities[self.prototypes]).tolist()


def _sums(bundle: Bundle) -> list[_Sum]:
    network = bundle.network
    return [
        _Sum(bias, np.flatnonzero(weights), weights[weights != 0].astype(np.float64))
        for bias, weights in zip(network.biases.tolist(), network.weights, strict=True)
    ]


def _findings(
    bundle: Bundle, sums: list[_Sum], seen: _Seen, values: Mapping[str, float], in_full: bool
) -> list[Finding]:
    curves = bundle.measured or MeasuredEvidence({})
    measured = curves.logits(values)
    similarities = np.array(seen.similarities)
    findings = []
    for code, each in zip(bundle.statements, sums, strict=True):
        decision, added = bundle.decisions[code], measured.get(code, [])
        logit = total(each.bias, each.contributions(similarities), added)
        finding = Finding(
            statement=bundle.labels[code],
            probability=probability(logit),
            threshold=decision.threshold,
            logit=logit,
            bias=each.bias,
            low_evidence=decision.low_evidence,
            matches=(),
            possible_from=decision.possible_from,
        )
        if in_full or finding.certainty != "absent":
            contributions = curves.as_measured(code, values, added) if added else ()
            finding = replace(finding, matches=_matches(bundle, each, seen), measured=contributions)
        findings.append(finding)
    return findings


def _matches(bundle: Bundle, each: _Sum, seen: _Seen) -> tuple[Match, ...]:
    """Return the matches of a finding, the strongest for it first."""
    matches = [
        Match(
            bundle.prototypes[i],
            seen.similarities[i],
            weight,
            weight * seen.similarities[i],
            seen.windows_s[i],
            seen.lead_parts[i],
        )
        for i, weight in zip(each.prototypes.tolist(), each.weights.tolist(), strict=True)
    ]
    return tuple(sorted(matches, key=lambda match: -match.contribution))


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
