"""How many reviewers and prototypes a study needs, by simulating it many times.

widths(reviewers=[3, 5], prototypes=[20, 40, 80], measure="mean", spread=Spread())
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from review_db.statistics.agreement import agreement
from review_db.statistics.bootstrap import Array, mean_interval

MEASURES = ("mean", "alpha")
POINTS = (1.0, 2.0, 3.0, 4.0, 5.0)
_SIMULATIONS = 100
_RESAMPLES = 200


@dataclass(frozen=True)
class Spread:
    """What ratings from 1 to 5 are like before they are rounded.

    `mean` of all; standard deviations between `prototypes`, between `reviewers` (some are
    stricter), and of the rest, `residual`.
    """

    mean: float = 3.5
    prototypes: float = 0.8
    reviewers: float = 0.4
    residual: float = 0.7


def widths(
    reviewers: Sequence[int],
    prototypes: Sequence[int],
    *,
    measure: str = "mean",
    spread: Spread | None = None,
    seed: int = 0,
    simulations: int = _SIMULATIONS,
) -> pd.DataFrame:
    """Simulate studies of each size; one row a size.

    Columns: `reviewers`, `prototypes`, `value` (mean of the measure over the simulations),
    `width` of its 95 % interval (median), and `width_90`, which 90 % of studies stay below.

    Raises
    ------
    ValueError
        If the measure is none of `MEASURES`, or a size is too small to have an interval.
    """
    if measure not in MEASURES:
        raise ValueError(f"The measure is {measure!r}, expected {' or '.join(MEASURES)}.")
    if min(reviewers) < 1 + (measure == "alpha") or min(prototypes) < 2:
        raise ValueError(
            "An interval needs at least two prototypes, and agreement at least two reviewers."
        )
    rows = []
    for n in reviewers:
        for k in prototypes:
            chance = np.random.default_rng([seed, n, k])
            found = np.array(
                [_one(simulate(n, k, spread, chance), measure) for _ in range(simulations)]
            )
            value, width = found[:, 0], found[:, 1]
            rows.append(
                {
                    "reviewers": n,
                    "prototypes": k,
                    "value": np.nanmean(value),
                    "width": np.nanmedian(width),
                    "width_90": np.nanquantile(width, 0.9),
                }
            )
    return pd.DataFrame(rows)


def smallest(table: pd.DataFrame, width: float) -> pd.DataFrame:
    """Return of each number of reviewers the fewest prototypes that reach the width in 90 %."""
    enough = table[table["width_90"] <= width].sort_values("prototypes")
    return enough.drop_duplicates("reviewers").sort_values("reviewers").reset_index(drop=True)


def simulate(
    reviewers: int, prototypes: int, spread: Spread | None, chance: np.random.Generator
) -> Array:
    """Return made-up ratings, (prototypes, reviewers), 1 to 5."""
    s = spread or Spread()
    latent = (
        s.mean
        + chance.normal(0, s.prototypes, (prototypes, 1))
        + chance.normal(0, s.reviewers, (1, reviewers))
        + chance.normal(0, s.residual, (prototypes, reviewers))
    )
    return np.clip(np.rint(latent), 1, 5)


def spread_of(ratings: Array) -> Spread:
    """Estimate the spread from earlier ratings, (prototypes, reviewers), NaN where missing.

    Variance components of the two-way layout without replication, from the prototypes that all
    reviewers rated; rounding to points is taken as part of the residual.

    Raises
    ------
    ValueError
        If fewer than two reviewers rated the same two prototypes.
    """
    full = ratings[~np.isnan(ratings).any(axis=1)]
    k, n = full.shape
    if k < 2 or n < 2:
        raise ValueError(
            f"Only {k} prototypes were rated by all {n} reviewers, expected two of each or more."
        )
    left = full - full.mean(axis=1, keepdims=True) - full.mean(axis=0) + full.mean()
    residual = (left**2).sum() / ((k - 1) * (n - 1))
    between_prototypes = full.mean(axis=1).var(ddof=1) - residual / n
    between_reviewers = full.mean(axis=0).var(ddof=1) - residual / k
    return Spread(
        mean=float(full.mean()),
        prototypes=float(np.sqrt(max(between_prototypes, 0))),
        reviewers=float(np.sqrt(max(between_reviewers, 0))),
        residual=float(np.sqrt(residual)),
    )


def _one(ratings: Array, measure: str) -> tuple[float, float]:
    if measure == "alpha":
        found = agreement(ratings, POINTS, "alpha", resamples=_RESAMPLES)
        return found.value, found.high - found.low
    prototypes = np.repeat(np.arange(len(ratings)), ratings.shape[1])
    low, high = mean_interval(ratings.ravel(), prototypes, resamples=_RESAMPLES)
    return ratings.mean(), high - low
