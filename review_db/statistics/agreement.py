"""How far reviewers agree, beyond what chance would give.

A table holds one row an item and one column a reviewer; NaN where nobody rated. The functions
count each kind of statistic for itself; `agreement` adds the interval and what it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from review_db.statistics import Array
from review_db.statistics.components import components
from review_db.statistics.few_reviewers import lowered
from review_db.statistics.intervals import (
    Error,
    Estimate,
    Interval,
    of_coefficient,
    of_share,
)
from review_db.statistics.jackknife import jackknife


@dataclass(frozen=True)
class Agreement(Estimate):
    """One statistic with its 95 % intervals, and what it rests on.

    Parameters
    ----------
    statistic : its name in `STATISTICS`
    value : NaN where the ratings do not define it, such as one category for all
    these, new : intervals, see `Estimate`
    items, raters, ratings : that it rests on: items with two ratings or more
    prevalence : share of each category among these ratings
    undefined, computed : how often the statistic was computed without a part of the ratings, and
        was not defined; there is no interval then
    """

    statistic: str
    items: int
    raters: int
    ratings: int
    prevalence: tuple[float, ...]
    undefined: int
    computed: int


def agreement(table: Array, categories: Sequence[float], statistic: str = "alpha") -> Agreement:
    """Compute a statistic with its intervals, by a jackknife over items and reviewers.

    Parameters
    ----------
    table : (items, raters) ratings, NaN where missing
    categories : every point of the scale in its order, given or not
    statistic : one of `STATISTICS`

    Raises
    ------
    ValueError
        If the statistic is not known, or a rating is none of the categories.
    """
    if statistic not in STATISTICS:
        raise ValueError(
            f"There is no statistic {statistic!r}, expected one of {', '.join(STATISTICS)}."
        )
    compute = STATISTICS[statistic]
    table, points = np.asarray(table, dtype=float), np.asarray(categories, dtype=float)
    rated = _rated_twice(table)
    rated = rated[:, ~np.isnan(rated).all(axis=0)]
    counted = counts(rated, points)
    items, raters = rated.shape
    value = compute(rated, points)
    is_mean = statistic in _MEANS_OVER_ITEMS
    found = jackknife(lambda left: compute(left, points), rated, squares=not is_mean)

    def interval(error: Error, alike: int) -> Interval:
        is_share = statistic == "percent"
        return of_share(value, error, alike) if is_share else of_coefficient(value, error)

    new = interval(found.over_both(len(points)), min(items, raters))
    return Agreement(
        statistic=statistic,
        value=value,
        these=interval(found.over_items, items),
        new=lowered(value, new, rated, _MEANS_OVER_ITEMS[statistic]) if is_mean else new,
        items=items,
        raters=raters,
        ratings=int(counted.sum()),
        prevalence=tuple((counted.sum(axis=0) / max(counted.sum(), 1)).tolist()),
        undefined=found.undefined,
        computed=found.computed,
    )


def krippendorff_alpha(table: Array, categories: Array, distance: Callable | None = None) -> float:
    """Return Krippendorff's alpha, ordinal unless another `distance` is given.

    `distance` takes the totals of the categories and returns their squared differences, (q, q).

    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    n = counts(_rated_twice(table), categories)
    coincidences = (n / (n.sum(axis=1, keepdims=True) - 1)).T @ n
    coincidences -= np.diag((n / (n.sum(axis=1, keepdims=True) - 1)).sum(axis=0))
    totals = coincidences.sum(axis=0)
    expected = np.outer(totals, totals) - np.diag(totals)
    apart = (distance or ordinal_distance)(totals)
    return 1 - _ratio((totals.sum() - 1) * (apart * coincidences).sum(), (apart * expected).sum())


def nominal_distance(totals: Array) -> Array:
    """Return 1 between any two different categories."""
    return 1 - np.eye(len(totals))


def ordinal_distance(totals: Array) -> Array:
    """Return the squared number of ratings between two categories, half of their own included."""
    middle = np.cumsum(totals) - totals / 2
    return (middle[:, None] - middle[None, :]) ** 2


def weighted_kappa(table: Array, categories: Array, weights: Array | None = None) -> float:
    """Return Cohen's weighted kappa, the mean over pairs of raters for more than two.

    `weights` says how far two categories agree, (q, q); quadratic unless given.

    Source: J. Cohen, Psychological Bulletin 70, 1968; the mean over pairs: R. J. Light,
    Psychological Bulletin 76, 1971.
    """
    weights = quadratic_weights(len(categories)) if weights is None else weights
    found = [
        _kappa_of_two(table[:, [a, b]], categories, weights)
        for a, b in combinations(range(table.shape[1]), 2)
    ]
    defined = [kappa for kappa in found if np.isfinite(kappa)]
    return float(np.mean(defined)) if defined else np.nan


def cohen_kappa(table: Array, categories: Array) -> float:
    """Return Cohen's kappa without weights, the mean over pairs of raters for more than two.

    Source: J. Cohen, Educational and Psychological Measurement 20, 1960.
    """
    return weighted_kappa(table, categories, np.eye(len(categories)))


def fleiss_kappa(table: Array, categories: Array) -> float:
    """Return Fleiss' kappa; items may differ in how many rated them.

    Source: J. L. Fleiss, Psychological Bulletin 76, 1971; missing ratings as in K. L. Gwet,
    Handbook of Inter-Rater Reliability, 4th edition, 2014.
    """
    shares = _shares(table, categories)
    return _beyond_chance(percent_agreement(table, categories), float(shares @ shares))


def gwet_ac2(table: Array, categories: Array) -> float:
    """Return Gwet's AC2 with quadratic weights.

    Source: K. L. Gwet, Handbook of Inter-Rater Reliability, 4th edition, 2014.
    """
    return _gwet(table, categories, quadratic_weights(len(categories)))


def gwet_ac1(table: Array, categories: Array) -> float:
    """Return Gwet's AC1: AC2 where only equal answers agree.

    Source: K. L. Gwet, British Journal of Mathematical and Statistical Psychology 61, 2008.
    """
    return _gwet(table, categories, np.eye(len(categories)))


def icc_2_1(table: Array, categories: Array) -> float:
    """Return ICC(2,1): absolute agreement of single ratings, raters and items random.

    All ratings count, those of items too that some did not rate; where none is missing, it is
    that of the analysis of variance.

    Source: P. E. Shrout and J. L. Fleiss, Psychological Bulletin 86, 1979; the variances:
    `components`.
    """
    found = components(_rated_twice(table))
    return _ratio(found.items, found.items + found.reviewers + found.residual)


def percent_agreement(table: Array, categories: Array) -> float:
    """Return the share of equal answers among all pairs of answers to an item, mean over items."""
    return _weighted_agreement(table, categories, np.eye(len(categories)))


def quadratic_weights(q: int) -> Array:
    """Return how far two of `q` points agree, (q, q): 1 on the diagonal, 0 in the far corners."""
    apart = np.subtract.outer(np.arange(q), np.arange(q)) / max(q - 1, 1)
    return 1 - apart**2


def counts(table: Array, categories: Array) -> Array:
    """Return how often each item was given each category, (items, q).

    Raises
    ------
    ValueError
        If a rating is none of the categories.
    """
    given = table[~np.isnan(table)]
    if strange := sorted(set(given.tolist()) - set(np.asarray(categories).tolist())):
        raise ValueError(
            f"The ratings hold {strange[:3]}, expected one of {np.asarray(categories).tolist()}."
        )
    return (table[:, :, None] == np.asarray(categories)).sum(axis=1).astype(float)


def _rated_twice(table: Array) -> Array:
    return table[(~np.isnan(table)).sum(axis=1) > 1]


def _shares(table: Array, categories: Array) -> Array:
    n = counts(table, categories)
    n = n[n.sum(axis=1) > 0]
    return (n / n.sum(axis=1, keepdims=True)).mean(axis=0) if len(n) else n.sum(axis=0)


def _weighted_agreement(table: Array, categories: Array, weights: Array) -> float:
    n = counts(_rated_twice(table), categories)
    if not len(n):
        return np.nan
    raters = n.sum(axis=1)
    return float(((n * (n @ weights - 1)).sum(axis=1) / (raters * (raters - 1))).mean())


def _gwet(table: Array, categories: Array, weights: Array) -> float:
    shares, q = _shares(table, categories), len(categories)
    chance = weights.sum() * float(shares @ (1 - shares)) / (q * (q - 1))
    return _beyond_chance(_weighted_agreement(table, categories, weights), chance)


def _kappa_of_two(table: Array, categories: Array, weights: Array) -> float:
    both = table[~np.isnan(table).any(axis=1)]
    if not len(both):
        return np.nan
    first, second = ((both[:, rater, None] == categories).astype(float) for rater in (0, 1))
    chance = first.mean(axis=0) @ weights @ second.mean(axis=0)
    return _beyond_chance(float((first @ weights * second).sum() / len(both)), float(chance))


def _beyond_chance(observed: float, chance: float) -> float:
    return _ratio(observed - chance, 1 - chance)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if abs(whole) > 1e-12 else np.nan


def _nominal_alpha(table: Array, categories: Array) -> float:
    return krippendorff_alpha(table, categories, nominal_distance)


STATISTICS: dict[str, Callable[[Array, Array], float]] = {
    "alpha": krippendorff_alpha,
    "alpha_nominal": _nominal_alpha,
    "weighted_kappa": weighted_kappa,
    "kappa": cohen_kappa,
    "fleiss_kappa": fleiss_kappa,
    "ac2": gwet_ac2,
    "ac1": gwet_ac1,
    "icc_2_1": icc_2_1,
    "percent": percent_agreement,
}
# The least that each can be. What chance would give hardly grows with how far reviewers differ, if
# it counts at all: their whole disagreement does.
_MEANS_OVER_ITEMS = {"ac1": -1.0, "ac2": -1.0, "percent": 0.0}
