"""What new scales and thresholds are worth on the same ECGs, and how sure that is.

Intervals are 95 % bootstrap intervals over patients, paired: the thresholds that each ECG is judged
by were set by other patients, and are not set anew in each resample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from protoecg.card.recalibration import METRICS, STATES, metric
from training import metrics
from training.judgement import Judgement


def gain(
    statements: Sequence[str],
    unusual: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    before: Judgement,
    after: Judgement,
) -> dict[str, Any]:
    """Return what two judgements of the same ECGs are worth.

    Parameters
    ----------
    unusual : (c,) bool, which statements say more than that the ECG is normal or in sinus rhythm
    labels : (n, c)
    patients : (n,) patient of each ECG

    Returns
    -------
    figures : each of `METRICS` `before`, `after` and their `difference`, each with its interval;
        of the unusual statements together. `called` is likely or possible; `brier` is the mean
        over the statements, and so is its difference
    per_statement : `positives`; how many of them are likely, and likely at all, before and after
    """
    counts = metrics.resamples(patients)
    values = [
        _values(labels[:, unusual] > 0, _only(judgement, unusual), counts)
        for judgement in (before, after)
    ]
    return {
        "figures": {
            name: {
                **_sure("before", values[0][name]),
                **_sure("after", values[1][name]),
                **_sure("difference", values[1][name] - values[0][name]),
            }
            for name in METRICS
        },
        "per_statement": {
            code: _counted(labels[:, c] > 0, before.called[:, c], after.called[:, c])
            for c, code in enumerate(statements)
        },
    }


def _only(judgement: Judgement, columns: np.ndarray) -> Judgement:
    return Judgement(
        judgement.probability[:, columns],
        judgement.called[:, columns],
        judgement.possible[:, columns],
        judgement.cross_fitted,
    )


def _values(present: np.ndarray, judged: Judgement, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return each metric in each resample, (1 + r,)."""
    wrong = (judged.called & ~present).any(axis=1)
    squares = ((judged.probability - present) ** 2).mean(axis=1)
    ecgs = counts.sum(axis=0)
    values = {"ecgs_with_wrong_likely": wrong @ counts / ecgs, "brier": squares @ counts / ecgs}
    for name, called in (("likely", judged.called), ("called", judged.possible)):
        hits, called_ecgs, there = (
            part.sum(axis=1) @ counts for part in (present & called, called, present)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            values |= {f"{name}_precision": hits / called_ecgs, f"{name}_sensitivity": hits / there}
    return values


def _counted(present: np.ndarray, before: np.ndarray, after: np.ndarray) -> dict[str, int]:
    return {
        "positives": int(present.sum()),
        "found_before": int((present & before).sum()),
        "called_before": int(before.sum()),
        "found_after": int((present & after).sum()),
        "called_after": int(after.sum()),
    }


def _sure(name: str, values: np.ndarray) -> dict[str, Any]:
    ends = metrics.interval(values)
    return {name: _number(values[0]), f"{name}_interval": [_number(end) for end in ends]}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def summary(results: Mapping[str, Any]) -> str:
    """Return the results of `gain` as lines of text."""
    lines = [f"  {METRICS[name]}: {_line(own, name)}" for name, own in results["figures"].items()]
    lines.append("  found of those labelled, likely in brackets:")
    for code, n in sorted(results["per_statement"].items(), key=lambda item: -item[1]["positives"]):
        lines.append(
            f"    {code}: {n['found_before']} ({n['called_before']}) before, "
            f"{n['found_after']} ({n['called_after']}) after, of {n['positives']}"
        )
    return "\n".join(lines) + "\n"


def _line(own: Mapping[str, Any], name: str) -> str:
    return ", ".join(f"{metric(own, state, name) or 'undefined'} {state}" for state in STATES)
