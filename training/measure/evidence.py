"""What findings rest on: which prototype leads them, and what measurements give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from protoecg.bundle import Bundle
from training import metrics
from training.data import ptbxl
from training.data.quantities import measured
from training.judgement import Offset, fused
from training.measure.evaluate import judge

# One prototype that leads more of a statement's calls than this leads nearly all.
NEARLY_ALL = 0.8
FEW_CALLS = 10


@torch.inference_mode()
def measure(bundle: Bundle, root: Path, fold: int) -> dict[str, Any]:
    """Measure what the likely findings of a bundle rest on.

    Returns
    -------
    bundle, revision, fold, n : what was measured
    leading : see `_leading`
    measurements : macro AUROC `with` and `without` what measurements add, their `difference` with
        its 95 % interval and two-sided p by paired bootstrap over patients, and both AUROCs
        `per_statement`; the fusion is not fitted anew without them

    Raises
    ------
    DataError
        If the fold has no ECG.
    """
    data = ptbxl.load(root).folds([fold])
    batches = ptbxl.batches(data, "evidence")
    seen = torch.cat([bundle.network(batch).similarities for batch in batches])
    offset: Offset = 0.0
    if bundle.measured:
        offset = bundle.measured.offsets(measured(data), bundle.statements)
    called = judge(bundle, seen, offset).called
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "fold": fold,
        "n": len(seen),
        "leading": _leading(bundle, seen.numpy(), called),
        "measurements": _ablation(bundle, data, seen, offset),
    }


def _leading(bundle: Bundle, seen: np.ndarray, called: np.ndarray) -> dict[str, Any]:
    """Return how findings that are called likely are led.

    Returns
    -------
    calls : how many have a match that speaks for them
    most_similar : the share of these whose first match is the statement's most similar prototype
    statements, by_one : how many have ten calls or more, and in how many of these one prototype
        leads more than four fifths of them
    matches : that carry 90 % of the positive evidence, median
    """
    owners = np.array([prototype.statement for prototype in bundle.prototypes])
    first_is_most, needed, by_one = [], [], []
    for column, code in enumerate(bundle.statements):
        similarities = seen[called[:, column]]
        parts = similarities * bundle.network.fusion.weight[column].numpy()
        speaks = parts.max(axis=1, initial=0) > 0
        if not speaks.any():
            continue
        first, own = parts[speaks].argmax(axis=1), np.flatnonzero(owners == code)
        most = own[similarities[speaks][:, own].argmax(axis=1)]
        first_is_most += (first == most).tolist()
        needed += metrics.matches_needed(parts[speaks]).tolist()
        if len(first) >= FEW_CALLS:
            by_one.append(bool(np.bincount(first).max() > NEARLY_ALL * len(first)))
    return {
        "calls": len(first_is_most),
        "most_similar": float(np.mean(first_is_most)) if first_is_most else None,
        "statements": len(by_one),
        "by_one": sum(by_one),
        "matches": float(np.median(needed)) if needed else None,
    }


def _ablation(
    bundle: Bundle, data: ptbxl.Dataset, seen: torch.Tensor, offset: Offset
) -> dict[str, Any]:
    labels = data.labels(bundle.statements)
    counts = metrics.resamples(data.table["patient"].to_numpy())
    both, alone = (
        metrics.ranking(labels, fused(bundle.network, seen, added), counts)[0]
        for added in (offset, 0.0)
    )
    gained = metrics.macro(both) - metrics.macro(alone)
    low, high = metrics.interval(gained)
    return {
        "with": float(metrics.macro(both)[0]),
        "without": float(metrics.macro(alone)[0]),
        "difference": float(gained[0]),
        "difference_interval": [low, high],
        "p": metrics.p_value(gained),
        "per_statement": {
            code: {"with": _known(both[0, column]), "without": _known(alone[0, column])}
            for column, code in enumerate(bundle.statements)
        },
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def summary(results: dict[str, Any]) -> str:
    """Return the results of `measure` as lines of text."""
    leading, added = results["leading"], results["measurements"]
    low, high = added["difference_interval"]
    gains = {
        code: own["with"] - own["without"]
        for code, own in added["per_statement"].items()
        if own["with"] is not None
    }
    most = sorted(gains, key=lambda code: -gains[code])
    return "\n".join(
        [
            f"{results['n']} ECGs of fold {results['fold']}, {leading['calls']} likely findings",
            f"  led by the most similar prototype of their statement: {_share(leading)}",
            f"  statements led by one prototype in more than 80 %: {leading['by_one']} of "
            f"{leading['statements']}",
            f"  matches that carry 90 % of the evidence, median: {leading['matches']}",
            f"  macro AUROC with measurements {added['with']:.4f}, without {added['without']:.4f}",
            f"  difference {added['difference']:+.4f} ({low:+.4f} to {high:+.4f})",
            f"  most in {_listed(gains, most[:10])}",
            f"  least in {_listed(gains, most[-5:])}",
            "",
        ]
    )


def _share(leading: dict[str, Any]) -> str:
    return "none" if leading["most_similar"] is None else f"{leading['most_similar']:.1%}"


def _listed(gains: dict[str, float], codes: list[str]) -> str:
    return ", ".join(f"{code} {gains[code]:+.3f}" for code in codes)
