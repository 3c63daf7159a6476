"""Figures of merit, over whole folds and never averaged over batches.

Each is computed for many resamples at once: a resample is how often each ECG was drawn, and the
data as they are is the resample that draws each once.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

RESAMPLES = 1000
# Of Fmax, as its authors' own evaluation has them.
THRESHOLDS = np.linspace(0, 1, 101)
BINS = 10
# Of the evidence for a finding, by the matches that an explanation needs.
CARRIED = 0.9


def auroc(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each column, NaN where one class is missing.

    Parameters
    ----------
    labels, scores : (n, c); ties count half (Mann-Whitney)
    """
    return ranking(labels, scores, once(len(labels)))[0][0]


def macro_auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean AUROC over the statements that occur."""
    return float(np.nanmean(auroc(labels, scores)))


def once(n: int) -> np.ndarray:
    """Return the resample that is the data: every ECG once, (n, 1)."""
    return np.ones((n, 1), dtype=np.float32)


def resamples(patients: np.ndarray) -> np.ndarray:
    """How often each ECG is drawn: (n, 1 + RESAMPLES) float32, the data as they are first.

    Patients are drawn, with all their ECGs, since ECGs of one patient are not independent. The
    draws are always the same, so that two models measured on the same ECGs are paired.

    Parameters
    ----------
    patients : (n,) patient of each ECG
    """
    _, patient = np.unique(patients, return_inverse=True)
    n = patient.max() + 1
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    return np.hstack([once(len(patients)), drawn.T[patient].astype(np.float32)])


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the central 95 % of a metric's values (1 + r,) in the resamples."""
    drawn = values[1:][~np.isnan(values[1:])]
    if not len(drawn):
        return np.nan, np.nan
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def p_value(differences: np.ndarray) -> float:
    """Two-sided p of no difference, from a difference's values (1 + r,) in paired resamples.

    Twice the share of values on the far side of zero; the data themselves count on either side,
    so that it is never zero (Davison and Hinkley, Bootstrap Methods and their Application, 1997).
    """
    drawn = differences[1:]
    far = 1 + min(np.sum(drawn <= 0), np.sum(drawn >= 0))
    return float(min(1, 2 * far / len(differences)))


def macro(values: np.ndarray, weights: np.ndarray | float = 1.0) -> np.ndarray:
    """Mean over the statements, but for those that are NaN: (r, c) to (r,)."""
    weights = np.where(np.isnan(values), 0, weights)
    with np.errstate(invalid="ignore"):
        return np.nansum(values * weights, axis=-1) / weights.sum(axis=-1)


def ranking(
    labels: np.ndarray, scores: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and AUPRC of each statement in each resample: (r, c) each.

    AUPRC is average precision: the mean, over the positives, of the precision at their score. At
    its own score an ECG counts once, however often it is drawn: its copies would lift the
    precision of every resample above that of the data. Both are NaN where a resample lacks a
    statement's positives or its negatives.

    Parameters
    ----------
    labels, scores : (n, c)
    counts : (n, r) how often each ECG is drawn
    """
    columns = [_rank(y > 0, s, counts) for y, s in zip(labels.T, scores.T, strict=True)]
    areas, precisions = zip(*columns, strict=True)
    return np.stack(areas, axis=1), np.stack(precisions, axis=1)


def _rank(
    present: np.ndarray, scores: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-scores)
    falling, present, drawn = -scores[order], present[order], counts[order]
    own = drawn[present]
    # Row k of a running sum is over the first k ECGs; those of equal score are called together.
    ecgs, hits = _running(drawn), _running(own)
    above, called = _reach(falling, falling[present])
    hits_above, hits_called = (hits[rows] for rows in _reach(falling[present], falling[present]))
    false_above, false_called = ecgs[above] - hits_above, ecgs[called] - hits_called
    positives, negatives = hits[-1], ecgs[-1] - hits[-1]
    lost = (own * (false_above + false_called) / 2).sum(axis=0, dtype=float)
    precision = own * (hits_called - own + 1) / np.maximum(ecgs[called] - own + 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = 1 - lost / (positives * negatives.astype(float))
        average = precision.sum(axis=0, dtype=float) / positives
    return area, np.where(negatives > 0, average, np.nan)


def _reach(ranked: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many values lie before each mark, and how many up to it."""
    return np.searchsorted(ranked, marks, "left"), np.searchsorted(ranked, marks, "right")


def _running(drawn: np.ndarray) -> np.ndarray:
    return np.pad(drawn, ((1, 0), (0, 0))).cumsum(axis=0)


def fmax(labels: np.ndarray, probability: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sample-centric Fmax in each resample: (r,).

    The best harmonic mean, over one threshold for all statements (0, 0.01 ... 1), of precision,
    averaged over the ECGs of which anything is called, and recall, averaged over the ECGs that
    have a statement. After Radivojac et al., Nature Methods 10 (2013) 221, which the PTB-XL
    benchmark follows (Strodthoff et al., IEEE J. Biomed. Health Inform. 25 (2021) 1519); there as
    here, the threshold is the best one of the ECGs that are measured.

    Parameters
    ----------
    labels, probability : (n, c)
    counts : (n, r) how often each ECG is drawn
    """
    true, of_each = labels > 0, labels.sum(axis=1)
    called = [probability >= threshold for threshold in THRESHOLDS]
    size = np.stack([c.sum(axis=1) for c in called], axis=1)
    hits = np.stack([(c & true).sum(axis=1) for c in called], axis=1)
    precision, recall = hits / np.maximum(size, 1), hits / np.maximum(of_each, 1)[:, None]
    drawn = counts.T.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = drawn @ precision / (drawn @ (size > 0))
        r = drawn @ recall / (drawn @ (of_each > 0))[:, None]
        return np.nan_to_num(2 * p * r / (p + r)).max(axis=1)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, `hits` of `of` (Wilson's); NaN of none."""
    if not of:
        return np.nan, np.nan
    low, high = binomtest(hits, of).proportion_ci(method="wilson")
    return float(low), float(high)


def brier(labels: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared error of a probability (n,)."""
    return float(np.mean((probability - labels) ** 2))


def brier_skill(labels: np.ndarray, probability: np.ndarray) -> float:
    """Share of the Brier score of always saying the prevalence that a probability (n,) saves."""
    prevalence = labels.mean(dtype=float)
    chance = prevalence * (1 - prevalence)
    return 1 - brier(labels, probability) / chance if chance else np.nan


def ece(labels: np.ndarray, probability: np.ndarray) -> float:
    """Error of calibration expected of a probability (n,), by bins of equal mass.

    The ECGs are ranked by their probability and cut into `BINS` bins of equally many; the error
    is the mean over the bins of the distance of mean probability and share of positives. Bins of
    equal width would put nearly all ECGs of a rare statement into one. Even a perfect calibration
    has an error above zero, by chance. After Nguyen and O'Connor, EMNLP (2015) 1587.
    """
    ranked = np.argsort(probability, kind="stable")
    bins = np.array_split((probability - labels)[ranked], BINS)
    return float(sum(abs(gaps.sum()) for gaps in bins) / len(ranked))


def reliability(labels: np.ndarray, probability: np.ndarray) -> dict[str, list[float]]:
    """Reliability curve over all given pairs of ECG and statement, by tenths of the probability.

    Returns
    -------
    predicted, observed, count : mean probability, share of positives and number of pairs of each
        tenth that holds any
    """
    labels, probability = labels.ravel(), probability.ravel()
    tenth = np.minimum((probability * BINS).astype(int), BINS - 1)
    count = np.bincount(tenth, minlength=BINS)
    held = count > 0
    predicted, observed = (
        np.bincount(tenth, values, BINS)[held] / count[held] for values in (probability, labels)
    )
    return {
        "predicted": predicted.tolist(),
        "observed": observed.tolist(),
        "count": count[held].tolist(),
    }


def matches_needed(parts: np.ndarray) -> np.ndarray:
    """Return how many of each row's positive parts make up 90 % of them: 0 where none is."""
    positive = -np.sort(-np.clip(parts, 0, None), axis=1)
    total = positive.sum(axis=1)
    # The sum so far is compared with a hair less, or rounding would ask for one match more.
    short = np.cumsum(positive, axis=1) < (CARRIED - 1e-6) * total[:, None]
    return np.where(total > 0, short.sum(axis=1) + 1, 0)
