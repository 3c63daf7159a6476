"""Percentile intervals, 95 %, from drawing with replacement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 1000


def interval(
    compute: Callable[[Any], float], rows: Any, *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the interval of `compute`, which takes rows drawn from `rows`, an array.

    Draws of which it is undefined (NaN) don't count; NaN where all are, and of a single row, from
    which all draws are the same.
    """
    if len(rows) < 2:
        return np.nan, np.nan
    spread = np.array([compute(rows[drawn]) for drawn in _draws(len(rows), seed, resamples)])
    return _bounds(spread)


def mean_interval(
    values: Array, clusters: Any, *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the interval of the mean of `values`, drawing whole clusters of them.

    `clusters` names the cluster of each value: ratings of one prototype are no independent ones.
    NaN for fewer than two clusters: all draws from one are the same.
    """
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(cluster, weights=values)
    if len(sums) < 2:
        return np.nan, np.nan
    sizes = np.bincount(cluster)
    drawn = _draws(len(sums), seed, resamples)
    return _bounds(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))


def _draws(n: int, seed: int, resamples: int) -> NDArray[np.intp]:
    return np.random.default_rng(seed).integers(n, size=(resamples, n))


def _bounds(spread: Array) -> tuple[float, float]:
    defined = spread[np.isfinite(spread)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
