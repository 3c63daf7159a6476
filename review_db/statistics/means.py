"""Means and shares of ratings, with intervals for these reviewers and for new ones.

A table holds one row an item and one column a reviewer; NaN where nobody rated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from review_db.statistics import Array
from review_db.statistics.components import components
from review_db.statistics.intervals import (
    NO_INTERVAL,
    UNKNOWN,
    Error,
    Estimate,
    Interval,
    of_share,
    on_scale,
    over_both,
)


@dataclass(frozen=True)
class Mean(Estimate):
    """A mean with its intervals, and how many items, reviewers and ratings it rests on."""

    items: int
    reviewers: int
    ratings: int


def mean_of(table: Array, limits: Interval, *, share: bool = False) -> Mean:
    """Return the mean of all ratings in a table.

    `limits` are the lowest and highest rating that can be given. The interval of a `share`, of
    ratings 0 and 1, is Wilson's for as many independent ratings as would vary as much; where all
    ratings are the same, there are as many as there are items or reviewers, whatever is fewer.
    """
    table = _rated(table)
    given = ~np.isnan(table)
    if not given.any():
        return Mean(np.nan, NO_INTERVAL, NO_INTERVAL, 0, 0, 0)
    value, (items, reviewers) = float(np.nanmean(table)), table.shape

    def interval(error: Error, alike: int) -> Interval:
        return of_share(value, error, alike) if share else on_scale(value, error, limits)

    over_items, over_reviewers = _clustered(table), _over_reviewers(table)
    if items > 1:
        new = interval(over_both(over_items, over_reviewers, _rest(table)), min(items, reviewers))
    else:
        new = interval(over_reviewers, reviewers)
    return Mean(
        value=value,
        these=interval(over_items, items),
        new=new,
        items=items,
        reviewers=reviewers,
        ratings=int(given.sum()),
    )


def difference_of(first: Array, second: Array, limits: Interval) -> Estimate:
    """Return the mean of one table's ratings less that of another's, of other items.

    The columns of both are the same reviewers.

    Source: B. L. Welch, Biometrika 34, 1947 (degrees of freedom).
    """
    both = ~np.isnan(first).all(axis=0) & ~np.isnan(second).all(axis=0)
    tables = [_rated(table[:, both]) for table in (first, second)]
    if not both.any():
        return Estimate(np.nan, NO_INTERVAL, NO_INTERVAL)
    value = float(np.nanmean(tables[0]) - np.nanmean(tables[1]))
    parts = [_clustered(table) for table in tables]
    variance = sum(part.variance for part in parts)
    spread = sum(part.variance**2 / part.df for part in parts)
    over_items = Error(variance, variance**2 / spread) if spread > 0 else UNKNOWN
    of_each = np.nanmean(tables[0], axis=0) - np.nanmean(tables[1], axis=0)
    over_reviewers = _clustered(of_each[:, None])
    rest = sum(_rest(table) for table in tables)
    return Estimate(
        value,
        these=on_scale(value, over_items, limits),
        new=on_scale(value, over_both(over_items, over_reviewers, rest), limits),
    )


def _rated(table: Array) -> Array:
    given = ~np.isnan(table)
    return table[given.any(axis=1)][:, given.any(axis=0)]


def _over_reviewers(table: Array) -> Error:
    """Return the error of the mean where the reviewers are a sample, and the items are not.

    Of items that few of them rated, what lies between reviewers is not what ratings of an item
    differ by: it is then taken from the components.
    """
    given = ~np.isnan(table)
    found = _clustered(table.T)
    if given.all() or len(table) < 2:
        return found
    n, by_reviewer, parts = given.sum(), given.sum(axis=0), components(table)
    # Not below what the ratings of an item differ by, as an estimate may come out negative.
    between = parts.reviewers * (by_reviewer**2).sum() + parts.residual * n
    return Error(float(np.maximum(found.variance, between / n**2)), found.df)


def _rest(table: Array) -> float:
    """Return the variance of the mean by what is neither the items' nor the reviewers'."""
    return max(float(np.nan_to_num(components(table).residual)), 0.0) / (~np.isnan(table)).sum()


def _clustered(table: Array) -> Error:
    """Return the error of the mean where the rows are a sample and the columns are not."""
    given = ~np.isnan(table)
    rows, n = len(table), given.sum()
    if rows < 2:
        return UNKNOWN
    sums = np.nansum(table - np.nanmean(table, axis=0), axis=1)
    return Error(
        float(rows / (rows - 1) * (sums**2).sum() / n**2),
        float(n**2 / (given.sum(axis=1) ** 2).sum() - 1),
    )
