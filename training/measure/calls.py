"""What calls are worth, of one statement and of all, and how far probabilities hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training import metrics
from training.judgement import Judgement
from training.measure.with_intervals import number, share

# Called of most ECGs, and hardly a finding.
USUAL = ("SR", "NORM")


def of_statement(labels: np.ndarray, judgement: Judgement, column: int) -> dict[str, Any]:
    """Return the metrics of one statement in ECGs with labels (n, c).

    Returns
    -------
    positives : how many ECGs are labelled with it
    sensitivity, specificity, ppv : of likely calls, each with its interval
    called_sensitivity, called_ppv : of likely and possible calls together
    brier, brier_skill, ece : of its probabilities; null where undefined
    """
    own, present = labels[:, column], labels[:, column] > 0
    return {
        "positives": int(own.sum()),
        **_of_likely(present, judgement.called[:, column]),
        **_of_called(present, judgement.possible[:, column]),
        **_trust(own, judgement.probability[:, column]),
    }


def _of_likely(present: np.ndarray, called: np.ndarray) -> dict[str, Any]:
    hits, rightly_not = int(np.sum(present & called)), int(np.sum(~present & ~called))
    return {
        **share("sensitivity", hits, int(np.sum(present))),
        **share("specificity", rightly_not, int(np.sum(~present))),
        **share("ppv", hits, int(np.sum(called))),
    }


def _of_called(present: np.ndarray, called: np.ndarray) -> dict[str, Any]:
    hits = int(np.sum(present & called))
    return {
        **share("called_sensitivity", hits, int(np.sum(present))),
        **share("called_ppv", hits, int(np.sum(called))),
    }


def certainty(
    statements: Sequence[str], present: np.ndarray, judgement: Judgement
) -> dict[str, Any]:
    """Return what calls other than of sinus rhythm and normality are worth together.

    Returns
    -------
    likely, called : of likely calls, and of these and possible ones together: `ppv` and
        `sensitivity` over all pairs of ECG and statement, each with its interval, and how many
        there are `per_ecg`
    ecgs_with_wrong_likely : share of ECGs with a likely finding that they are not labelled with
    """
    counted = np.array([code not in USUAL for code in statements])
    present, likely = present[:, counted], judgement.called[:, counted]
    wrong = (likely & ~present).any(axis=1)
    return {
        "likely": _together(present, likely),
        "called": _together(present, judgement.possible[:, counted]),
        **share("ecgs_with_wrong_likely", int(wrong.sum()), len(wrong)),
    }


def _together(present: np.ndarray, called: np.ndarray) -> dict[str, Any]:
    hits = int(np.sum(present & called))
    return {
        **share("ppv", hits, int(called.sum())),
        **share("sensitivity", hits, int(present.sum())),
        "per_ecg": float(called.sum() / max(len(called), 1)),
    }


def _trust(labels: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    return {
        "brier": metrics.brier(labels, probability),
        "brier_skill": number(metrics.brier_skill(labels, probability)),
        "ece": metrics.ece(labels, probability),
    }


def calibration(
    labels: np.ndarray,
    judgement: Judgement,
    per_statement: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return how far the probabilities can be taken at their word.

    Returns
    -------
    cross_fitted : see `calibrate`
    macro_brier, macro_brier_skill, macro_ece : means over the statements that occur
    pooled_ece : over all pairs of ECG and statement
    reliability : `metrics.reliability` of all pairs; `results` adds that of each branch
    """
    occur = [row for row in per_statement.values() if row["auroc"] is not None]
    probability = judgement.probability
    return {
        "cross_fitted": judgement.cross_fitted,
        **{
            f"macro_{name}": number(np.mean([row[name] for row in occur]) if occur else np.nan)
            for name in ("brier", "brier_skill", "ece")
        },
        "pooled_ece": metrics.ece(labels.ravel(), probability.ravel()),
        "reliability": metrics.reliability(labels, probability),
    }
