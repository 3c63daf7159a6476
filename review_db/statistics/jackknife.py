"""How far a statistic of a table of ratings would vary, by leaving out parts of it.

A table holds one row an item and one column a reviewer; NaN where nobody rated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from review_db.statistics import Array
from review_db.statistics.intervals import UNKNOWN, Error

# Of a larger table, parts are left out together: the variance needs no more than these.
MOST_PARTS = 60


@dataclass(frozen=True)
class Errors:
    """The errors of a statistic over samples of items and of reviewers.

    `rest` is the variance by single ratings. Of the `computed` times that the statistic was
    computed without a part, it was `undefined` so often; where it ever was, errors are not known.
    """

    over_items: Error
    over_reviewers: Error
    rest: float
    undefined: int
    computed: int

    def over_both(self, categories: int) -> Error:
        """Return the error over samples of items and reviewers at once.

        Agreement is one of pairs of reviewers. Leaving out a reviewer counts the noise of a pair
        several times, leaving out ratings counts it so r / (r - 1) times as often, for r
        reviewers: what is left of the one without the other are the reviewers themselves.
        """
        items, reviewers = self.over_items, self.over_reviewers
        if np.isnan(items.variance + reviewers.variance + self.rest):
            return UNKNOWN
        noise = self.rest * reviewers.df / (reviewers.df + 1)
        themselves = max(reviewers.variance - noise, 0.0)
        variance = items.variance + themselves
        # Reviewers who hardly differ cost no degrees of freedom, few as they may be. Of two answers
        # they seem to differ little just where the share of one is high by chance: there they do.
        cost = themselves if categories > 2 else reviewers.variance
        spread = items.variance**2 / items.df + cost**2 / reviewers.df
        df = variance**2 / spread if spread > 0 else np.inf
        return Error(variance, max(df, min(items.df, reviewers.df)))


def jackknife(compute: Callable[[Array], float], table: Array, *, squares: bool) -> Errors:
    """Leave out each item, each reviewer, and single ratings of a table, and compute again.

    Variances of few rows come out too small for statistics of `squares`, so that those of n rows
    are taken n / (n - 2) times, with n - 2 degrees of freedom; those of a mean over the rows don't.
    Tests hold the coverage that this gives.

    Sources: B. Efron and C. Stein, Annals of Statistics 9, 1981; K. L. Gwet, Handbook of
    Inter-Rater Reliability, 4th edition, 2014 (over raters).
    """
    items, reviewers = table.shape
    parts = min(items, MOST_PARTS)
    without_items = [compute(np.delete(table, slice(n, None, parts), 0)) for n in range(parts)]
    # A single pair of reviewers says nothing of other pairs.
    without_reviewers = (
        [compute(np.delete(table, n, 1)) for n in range(reviewers)] if reviewers > 2 else []
    )
    without_ratings, share = _without_ratings(compute, table)
    found = [np.array(without_items), np.array(without_reviewers), without_ratings.ravel()]
    undefined = sum(int(np.isnan(values).sum()) for values in found)
    return Errors(
        over_items=_error_of_squares(found[0]) if squares else _error(found[0]),
        over_reviewers=_error(found[1]),
        rest=_interaction(without_ratings, share),
        undefined=undefined,
        computed=sum(map(len, found)),
    )


def _without_ratings(compute: Callable[[Array], float], table: Array) -> tuple[Array, float]:
    """Compute without each single rating of some of the items, (items, reviewers).

    Where there is no rating, it is what is computed of all. Returned too: the share of the items
    that these are.
    """
    step = max(1, -(-len(table) // MOST_PARTS))
    found = np.full(table[::step].shape, compute(table))
    for row, column in zip(*np.nonzero(~np.isnan(table[::step])), strict=True):
        left = table.copy()
        left[row * step, column] = np.nan
        found[row, column] = compute(left)
    return found, len(found) / max(len(table), 1)


def _interaction(without_ratings: Array, share: float) -> float:
    """Return the variance by what single ratings do beside their items and reviewers."""
    items, reviewers = without_ratings.shape
    if items < 2 or reviewers < 2:
        return np.nan
    rest = (
        without_ratings
        - without_ratings.mean(axis=1, keepdims=True)
        - without_ratings.mean(axis=0)
        + without_ratings.mean()
    )
    lost = items * reviewers / ((items - 1) * (reviewers - 1))
    return float((rest**2).sum() / share * lost)


def _error(values: Array) -> Error:
    n = len(values)
    if n < 2 or np.isnan(values).any():
        return UNKNOWN
    return Error(float((n - 1) / n * ((values - values.mean()) ** 2).sum()), n - 1)


def _error_of_squares(values: Array) -> Error:
    n, found = len(values), _error(values)
    return Error(found.variance * n / (n - 2), n - 2) if n > 2 else UNKNOWN
