"""What ratings vary by: the items, the reviewers, and all else, though some are missing.

A table holds one row an item and one column a reviewer; NaN where nobody rated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from review_db.statistics import Array


@dataclass(frozen=True)
class Components:
    """Variances between items, between reviewers (some are stricter), and of the rest.

    Estimates that came out negative are kept; NaN where the ratings do not tell.
    """

    mean: float
    items: float
    reviewers: float
    residual: float


def components(table: Array) -> Components:
    """Estimate the components of all ratings by their moments.

    Where no rating is missing, these are those of the analysis of variance. No rating is left out
    because another one is missing.

    Source: K. Gao and A. Owen, Electronic Journal of Statistics 11, 2017.
    """
    table = table[~np.isnan(table).all(axis=1)][:, ~np.isnan(table).all(axis=0)]
    given = ~np.isnan(table)
    n, by_item, by_reviewer = given.sum(), given.sum(axis=1), given.sum(axis=0)
    if not n:
        return Components(np.nan, np.nan, np.nan, np.nan)
    mean = float(table[given].mean())
    within_items, within_reviewers = (
        np.nansum((table - np.nanmean(table, axis=axis, keepdims=True)) ** 2) for axis in (1, 0)
    )
    sums = [within_items, within_reviewers, ((table[given] - mean) ** 2).sum()]
    expected = [
        [0, n - len(by_item), n - len(by_item)],
        [n - len(by_reviewer), 0, n - len(by_reviewer)],
        [n - (by_item**2).sum() / n, n - (by_reviewer**2).sum() / n, n - 1],
    ]
    if np.linalg.matrix_rank(expected) < 3:
        return Components(mean, np.nan, np.nan, np.nan)
    items, reviewers, residual = np.linalg.solve(expected, sums)
    return Components(mean, float(items), float(reviewers), float(residual))
