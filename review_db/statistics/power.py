"""How many reviewers and prototypes an interval needs, by simulating a study many times.

widths(reviewers=[3, 5], prototypes=[20, 40, 80], measure="mean", spread=Spread())
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from review_db.statistics import Array
from review_db.statistics.agreement import agreement
from review_db.statistics.components import components
from review_db.statistics.intervals import Estimate
from review_db.statistics.means import mean_of

Measure = Literal["mean", "alpha"]
HoldsFor = Literal["new", "these"]
Deal = Callable[[int, int], Array]
"""Who meets what of so many items, by so many reviewers: (items, reviewers) of True and False."""
MEASURES: tuple[Measure, ...] = get_args(Measure)
POINTS = (1.0, 2.0, 3.0, 4.0, 5.0)
# The fewest reviewers with whom there is an interval.
_FEWEST = {
    ("mean", "these"): 1,
    ("mean", "new"): 2,
    ("alpha", "these"): 2,
    ("alpha", "new"): 3,
}
_SIMULATIONS = 100


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
    measure: Measure = "mean",
    holds_for: HoldsFor = "new",
    spread: Spread | None = None,
    deal: Deal | None = None,
    seed: int = 0,
    simulations: int = _SIMULATIONS,
) -> pd.DataFrame:
    """Simulate studies of each size, and what `findings` would say of them; one row a size.

    `holds_for` new reviewers or for these; `deal` says who meets what, everybody all where it is
    None. Columns: `reviewers`, `prototypes`, `value` (mean of the measure over the simulations),
    `width` of its 95 % interval (median), and `width_90`, which 90 % of studies stay below; NaN
    where such a study has no interval.

    Raises
    ------
    ValueError
        If the measure is none of `MEASURES`, or a size is too small to have an interval.
    """
    if measure not in MEASURES:
        raise ValueError(f"The measure is {measure!r}, expected {' or '.join(MEASURES)}.")
    least = _FEWEST[measure, holds_for]
    if min(reviewers) < least or min(prototypes) < 2:
        raise ValueError(
            f"An interval of the {measure} for {holds_for} reviewers needs at least two prototypes "
            f"and {least} reviewers."
        )
    rows = []
    for n in reviewers:
        for k in prototypes:
            chance = np.random.default_rng([seed, n, k])
            found = np.array(
                [
                    _one(_met(simulate(n, k, spread, chance), deal), measure, holds_for)
                    for _ in range(simulations)
                ]
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

    Rounding to points is taken as part of the residual; a variance that comes out negative as 0.

    Raises
    ------
    ValueError
        If too few reviewers rated the same prototypes to tell them apart.
    """
    found = components(ratings)
    if np.isnan(found.residual):
        raise ValueError(
            "The earlier ratings don't tell how prototypes and reviewers differ: two reviewers or "
            "more have to have rated the same two prototypes or more."
        )
    parts = (found.items, found.reviewers, found.residual)
    return Spread(found.mean, *(float(np.sqrt(max(part, 0.0))) for part in parts))


def _met(ratings: Array, deal: Deal | None) -> Array:
    """Return the ratings of who meets what."""
    return ratings if deal is None else np.where(deal(*ratings.shape), ratings, np.nan)


def _one(ratings: Array, measure: Measure, holds_for: HoldsFor) -> tuple[float, float]:
    found: Estimate = (
        agreement(ratings, POINTS, "alpha")
        if measure == "alpha"
        else mean_of(ratings, (POINTS[0], POINTS[-1]))
    )
    low, high = found.these if holds_for == "these" else found.new
    return found.value, high - low
