"""A bundle before and after a curation, on the same ECGs: paired bootstrap over patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.manifest import Decision
from training import metrics
from training.judgement import Offset, fused, rare
from training.measure import calls, evaluate

# Nearest ECGs of a prototype among which those with its statement are counted.
NEAREST = 10


@dataclass(frozen=True, eq=False)
class Side:
    """A network with its decisions, and what it sees in the ECGs.

    Parameters
    ----------
    seen : (n, p) similarities
    offset : (n, c) logits that measurements add
    """

    network: ProtoECGNet
    decisions: Mapping[str, Decision]
    seen: Tensor
    offset: Offset


def compare(before: Side, after: Side, labels: np.ndarray, patients: np.ndarray) -> dict[str, Any]:
    """Return what changed between two networks on the same ECGs.

    Parameters
    ----------
    labels : (n, c)
    patients : (n,) patient of each ECG

    Returns
    -------
    n, patients : how many
    per_part : of all branches fused and of each alone, macro AUROC `before`, `after` and their
        `difference` with `interval` and two-sided `p`
    per_statement : the same of each statement's AUROC; no interval where ten ECGs do not carry it
    before, after : `calibration` and `certainty` as `evaluate.results` has them, by each one's own
        thresholds, and `purity`
    """
    counts = metrics.resamples(patients)
    scores = [evaluate.scores(s.network, s.seen, s.offset) for s in (before, after)]
    codes, few = list(before.network.statements), rare(labels)
    per_part, per_statement = {}, {}
    for part, own in scores[0].items():
        columns = [codes.index(code) for code in own.columns]
        areas = [
            metrics.ranking(labels[:, columns], side[part].to_numpy(), counts)[0] for side in scores
        ]
        per_part[part] = _difference(metrics.macro(areas[0]), metrics.macro(areas[1]))
        if part == evaluate.FUSED:
            per_statement = {
                code: _difference(areas[0][:, c], areas[1][:, c], few=bool(few[c]))
                for c, code in enumerate(codes)
            }
    return {
        "n": len(labels),
        "patients": len(np.unique(patients)),
        "per_part": per_part,
        "per_statement": per_statement,
        "before": _state(before, labels),
        "after": _state(after, labels),
    }


def macro(network: ProtoECGNet, seen: Tensor, offset: Offset, labels: np.ndarray) -> float:
    """Return the macro AUROC of all branches fused."""
    return metrics.macro_auroc(labels, fused(network, seen, offset))


def purity(network: ProtoECGNet, seen: Tensor, labels: np.ndarray) -> float:
    """Mean share of the ECGs most similar to a prototype that carry its statement.

    Prototypes whose statement no ECG carries are left out; NaN where all are.
    """
    pure = [one for one in purity_of_each(network, seen, labels) if one is not None]
    return float(np.mean(pure)) if pure else float("nan")


def purity_of_each(network: ProtoECGNet, seen: Tensor, labels: np.ndarray) -> list[float | None]:
    """Share of the ECGs most similar to each prototype that carry its statement.

    None where no ECG carries it.
    """
    owners = [network.statements.index(code) for _, code in network.owners]
    nearest = seen.topk(min(NEAREST, len(seen)), dim=0).indices.numpy()
    return [
        float(labels[nearest[:, p], column].mean()) if labels[:, column].any() else None
        for p, column in enumerate(owners)
    ]


def _state(side: Side, labels: np.ndarray) -> dict[str, Any]:
    judgement = evaluate.judged(side.network, side.decisions, side.seen, side.offset)
    probability, occur = judgement.probability, labels.any(axis=0)
    briers = [metrics.brier(labels[:, c], probability[:, c]) for c in np.flatnonzero(occur)]
    return {
        "calibration": {
            "pooled_ece": metrics.ece(labels.ravel(), probability.ravel()),
            "macro_brier": float(np.mean(briers)),
        },
        "certainty": calls.certainty(side.network.statements, labels > 0, judgement),
        "purity": _number(purity(side.network, side.seen, labels)),
    }


def _difference(before: np.ndarray, after: np.ndarray, few: bool = False) -> dict[str, Any]:
    """Values (1 + r,) of a metric before and after, the data as they are first."""
    change = after - before
    interval = (np.nan, np.nan) if few else metrics.interval(change)
    return {
        "before": _number(before[0]),
        "after": _number(after[0]),
        "difference": _number(change[0]),
        "interval": [_number(end) for end in interval],
        "p": None if few or np.isnan(change[0]) else metrics.p_value(change[~np.isnan(change)]),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def summary(results: Mapping[str, Any]) -> str:
    """Return the main results of a comparison as lines of text."""
    lines = [
        f"On {results['n']} validation ECGs, which also set the calibration: its figures flatter.",
        *(f"  {_line(part, own)}" for part, own in results["per_part"].items()),
    ]
    moved = {c: d for c, d in results["per_statement"].items() if d["difference"]}
    worst = sorted(moved, key=lambda code: moved[code]["difference"])
    if len(worst) > 1:
        lines += [f"  {_line(f'{c} AUROC', moved[c])}" for c in (worst[0], worst[-1])]
    for words, part, key in (
        ("expected calibration error", "calibration", "pooled_ece"),
        ("Brier score", "calibration", "macro_brier"),
    ):
        one, other = (results[side][part][key] for side in ("before", "after"))
        lines.append(f"  {words}: {one:.4f} before, {other:.4f} after")
    for kind in ("likely", "called"):
        one, other = (results[side]["certainty"][kind] for side in ("before", "after"))
        words = "likely" if kind == "likely" else "likely or possible"
        lines.append(
            f"  {words}: precision {_text(one['ppv'])} before, {_text(other['ppv'])} after; "
            f"sensitivity {_text(one['sensitivity'])} and {_text(other['sensitivity'])}"
        )
    one, other = results["before"]["purity"], results["after"]["purity"]
    lines.append(f"  purity: {_text(one)} before, {_text(other)} after")
    if own := _purity_of_replaced(results):
        lines.append(f"  {own}")
    if chance := results.get("random"):
        refitted, not_refitted = (np.array(chance[key]) for key in ("refitted", "not_refitted"))
        lines.append(
            f"  {chance['retired']} retired at random, {chance['times']} times: fused "
            f"{refitted.mean():+.4f} ({refitted.min():+.4f} to {refitted.max():+.4f}), without the "
            f"fit made anew {not_refitted.mean():+.4f}"
        )
    return "\n".join(lines) + "\n"


def _purity_of_replaced(results: Mapping[str, Any]) -> str:
    """Say how pure the prototypes were that were replaced, and those in their place."""
    sides = [(one["purity_before"], one.get("purity_after")) for one in results.get("changed", ())]
    known = [side for side in sides if None not in side]
    if not known:
        return ""
    one, other = np.mean(known, axis=0)
    return f"purity of the {len(known)} replaced: {one:.4f} before, {other:.4f} after"


def _line(part: str, figures: Mapping[str, Any]) -> str:
    text = (
        f"{part}: {_text(figures['before'])} before, {_text(figures['after'])} after, difference "
        f"{figures['difference']:+.4f}"
    )
    low, high = figures["interval"]
    return text if low is None else f"{text} (95 % {low:+.4f} to {high:+.4f})"


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
