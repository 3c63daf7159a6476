"""Figures of merit, over whole folds and never averaged over batches."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def auroc(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each column, NaN where one class is missing.

    Parameters
    ----------
    labels, scores : (n, c); ties count half (Mann-Whitney)
    """
    positives = labels.sum(axis=0)
    negatives = len(labels) - positives
    ranks = rankdata(scores, axis=0)
    above = (ranks * labels).sum(axis=0) - positives * (positives + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return above / (positives * negatives)


def macro_auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean AUROC over the statements that occur."""
    return float(np.nanmean(auroc(labels, scores)))
