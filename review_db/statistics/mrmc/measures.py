"""What is measured of a reader under a treatment, and how far each case moves it.

A measure takes the `ratings` of one reader under one treatment, (cases,), NaN where a case was not
rated, and the `truth`, (cases,), 1 for diseased and 0 for not. It returns its value and the
influence of each case on it, (cases,), scaled so that the inner product of two influences is the
covariance of the two values over samples of cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from review_db.statistics import Array

Measured = tuple[float, Array]
MeasureName = Literal["auc", "sensitivity", "specificity", "mean"]
Covariance = Literal["jackknife", "delong"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """A measure by its name.

    `needs` are the truths of which a reader must have rated two cases or more, `at_threshold`
    whether ratings are cut in two.
    """

    words: str
    of: Callable[..., Measured]
    needs: tuple[int, ...] = ()
    at_threshold: bool = False


def mean_rating(ratings: Array, truth: Array) -> Measured:
    """Return the mean of all ratings."""
    return _mean(ratings, ~np.isnan(ratings))


def sensitivity(ratings: Array, truth: Array, threshold: float) -> Measured:
    """Return the share of the diseased that were rated at the threshold or above.

    Only the diseased are a sample here: a jackknife over all cases, as some programs do, makes
    covariances larger by (n - 1) / n over (d - 1) / d for d diseased among n cases.
    """
    return _mean(_where_rated(ratings, ratings >= threshold), (truth == 1) & ~np.isnan(ratings))


def specificity(ratings: Array, truth: Array, threshold: float) -> Measured:
    """Return the share of those without disease that were rated below the threshold."""
    return _mean(_where_rated(ratings, ratings < threshold), (truth == 0) & ~np.isnan(ratings))


def auc(ratings: Array, truth: Array, covariance: str = "jackknife") -> Measured:
    """Return the area under the empirical ROC curve, ties counted half.

    `covariance` is "jackknife" over the cases or "delong".

    Source: E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44, 1988.
    """
    sick, well = ((truth == state) & ~np.isnan(ratings) for state in (1, 0))
    n, of_all = {1: sick.sum(), 0: well.sum()}, sick.sum() + well.sum()
    above = _share_below(ratings[sick], ratings[well])
    below = 1 - _share_below(ratings[well], ratings[sick])
    value, influence = float(above.mean()), np.zeros(len(ratings))
    for state, chosen, placed in ((1, sick, above), (0, well, below)):
        left_out = (placed - value) / (n[state] - 1)
        # The jackknife's sum over all cases, and DeLong's over those of each truth.
        shrunk = of_all if covariance == "jackknife" else n[state]
        influence[chosen] = left_out * np.sqrt((shrunk - 1) / shrunk)
    return value, influence


MEASURES: dict[str, Measure] = {
    "auc": Measure("area under the ROC curve", auc, needs=(0, 1)),
    "sensitivity": Measure("sensitivity", sensitivity, needs=(1,), at_threshold=True),
    "specificity": Measure("specificity", specificity, needs=(0,), at_threshold=True),
    "mean": Measure("mean rating", mean_rating),
}
COVARIANCES: tuple[Covariance, ...] = get_args(Covariance)


def measure_function(
    name: str, threshold: float | None = None, covariance: str = "jackknife"
) -> Callable[[Array, Array], Measured]:
    """Return the function of ratings and truth that is meant.

    Raises
    ------
    ValueError
        If there is no such measure or covariance, or a threshold is missing or of no use.
    """
    if name not in MEASURES:
        raise ValueError(f"There is no measure {name!r}, expected one of {', '.join(MEASURES)}.")
    if covariance not in COVARIANCES:
        raise ValueError(
            f"Covariances by {covariance!r} are not known, expected jackknife or delong."
        )
    measure = MEASURES[name]
    if measure.at_threshold and threshold is None:
        raise ValueError(
            f"The {name} needs a threshold: from which rating on a case counts as called diseased."
        )
    if threshold is not None and not measure.at_threshold:
        raise ValueError(f"The measure {name!r} has no threshold. Leave it out.")
    if covariance == "delong" and name != "auc":
        raise ValueError("DeLong's covariances are those of the measure auc. Take jackknife.")
    if measure.at_threshold:
        return partial(measure.of, threshold=threshold)
    return partial(auc, covariance=covariance) if name == "auc" else measure.of


def _mean(values: Array, chosen: Mask) -> Measured:
    n, influence = int(chosen.sum()), np.zeros(len(values))
    value = float(values[chosen].mean())
    influence[chosen] = (values[chosen] - value) / np.sqrt(n * (n - 1))
    return value, influence


def _where_rated(ratings: Array, answers: Mask) -> Array:
    return np.where(np.isnan(ratings), np.nan, answers)


def _share_below(values: Array, others: Array) -> Array:
    """Return of each value the share of the others that are below it, half of those equal."""
    ordered = np.sort(others)
    sides = [np.searchsorted(ordered, values, side) for side in ("left", "right")]
    return (sides[0] + sides[1]) / (2 * len(ordered))
