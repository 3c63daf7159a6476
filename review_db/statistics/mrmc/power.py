"""How likely a study is to find a difference between two treatments, if there is one.

table = powers(assumed(Readings(without=0.6, with_=0.7)), 0.1, readers=[4, 6], cases=[60, 100])

Source: S. L. Hillis, N. A. Obuchowski and K. S. Berbaum, Academic Radiology 18, 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from review_db.statistics import Array
from review_db.statistics.mrmc import Comparison, compare_ratings
from review_db.statistics.mrmc.ratings import of_array
from review_db.statistics.power import Deal

ENOUGH = 0.8
# So many that the variances of what is assumed are as good as known.
_READERS, _CASES = 400, 1200


@dataclass(frozen=True)
class Variances:
    """What a difference between two treatments varies by.

    Parameters
    ----------
    effect : variance between readers of what they gain, halved
    own : variance by the cases of a reader's difference, halved, times the number of cases, less
        `shared`
    shared : what the readers' differences have in common by the cases, halved, times their number
    """

    effect: float
    own: float
    shared: float


@dataclass(frozen=True)
class Readings:
    """How readings are assumed to be, each right or wrong.

    Parameters
    ----------
    without, with_ : shares of right readings
    readers : standard deviation between readers, in logits, as are all of these
    effect : standard deviation between readers of what they gain
    cases : standard deviation between cases
    cases_effect : standard deviation between cases of what is gained in them
    """

    without: float = 0.6
    with_: float = 0.7
    readers: float = 0.5
    effect: float = 0.5
    cases: float = 1.0
    cases_effect: float = 0.5


def of_pilot(pilot: Comparison) -> Variances:
    """Return the variances that an earlier comparison of two treatments found.

    Raises
    ------
    ValueError
        If it was of a single reader.
    """
    if pilot.readers < 2:
        raise ValueError("A pilot study of one reader does not tell how readers differ.")
    shared = max(pilot.cov2 - pilot.cov3, 0.0)
    own = max(pilot.var_error - pilot.cov1 - shared, 0.0)
    return Variances(max(pilot.var_tr, 0.0), own * pilot.cases, shared * pilot.cases)


def assumed(readings: Readings) -> Variances:
    """Return the variances that readings have, if they are as assumed.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or a standard deviation is negative.
    """
    drawn = simulated(readings, _READERS, _CASES, np.random.default_rng(0))
    return of_pilot(compare_ratings(of_array(drawn, np.ones(_CASES)), "mean"))


def simulated(readings: Readings, readers: int, cases: int, chance: np.random.Generator) -> Array:
    """Return made-up readings, (2, readers, cases): with, then without; 1 where right, else 0.

    Effects of many readers and cases are spread as evenly as a normal distribution is.
    """
    _refuse_impossible(readings)
    even = readers >= _READERS

    def normal(n: int) -> Array:
        middle = (np.arange(n) + 0.5) / n
        return chance.permutation(stats.norm.ppf(middle)) if even else chance.normal(size=n)

    level = readings.readers * normal(readers)[:, None] + readings.cases * normal(cases)
    gain = readings.effect * normal(readers)[:, None] + readings.cases_effect * normal(cases)
    spread = np.hypot(readings.readers, readings.cases)
    more = np.hypot(readings.effect, readings.cases_effect)
    logits = np.stack(
        [
            _intercept(readings.with_, np.hypot(spread, more)) + level + gain,
            _intercept(readings.without, spread) + level,
        ]
    )
    return (chance.random(logits.shape) < _logistic(logits)).astype(float)


def power(
    variances: Variances,
    difference: float,
    readers: int,
    cases: int,
    alpha: float = 0.05,
    met: Array | None = None,
) -> float:
    """Return the chance of p below alpha, for readers and cases like these, two-sided.

    Parameters
    ----------
    met : who reads which case, (cases, readers) of True and False; everybody all, if None
    """
    own, common = _overlap(np.ones((cases, readers), bool) if met is None else met)
    # What two readers share by the cases is in each one's own error too.
    single = variances.effect + (variances.own + variances.shared) * own
    single -= variances.shared * common
    error = single + readers * variances.shared * common
    if readers < 2 or error <= 0:
        return float("nan")
    df = error**2 / (single**2 / (readers - 1)) if single > 0 else np.inf
    least = stats.t.ppf(1 - alpha / 2, df)
    # Beyond, t is as good as normal.
    t = stats.nct(min(df, 1e6), difference / np.sqrt(2 * error / readers))
    return float(t.sf(least) + t.cdf(-least))


def _overlap(met: Array) -> tuple[float, float]:
    """Return 1 over the cases of a reader, and the share that two readers' means have in common.

    Means over the readers, and over pairs of them.
    """
    n = met.sum(axis=0)
    readers = len(n)
    common = (met.T.astype(float) @ met) / np.outer(n, n)
    pairs = ~np.eye(readers, dtype=bool)
    return float((1 / n).mean()), float(common[pairs].mean()) if readers > 1 else 0.0


def powers(
    variances: Variances,
    difference: float,
    readers: Sequence[int],
    cases: Sequence[int],
    alpha: float = 0.05,
    deal: Deal | None = None,
) -> pd.DataFrame:
    """Return the power of each size: columns `readers`, `cases`, `power`.

    `deal` says who reads which of so many cases, by so many readers; everybody all, if None.
    """
    rows = [
        (n, k, power(variances, difference, n, k, alpha, deal(k, n) if deal else None))
        for n in readers
        for k in cases
    ]
    return pd.DataFrame(rows, columns=["readers", "cases", "power"])


def _refuse_impossible(readings: Readings) -> None:
    if not (0 < readings.without < 1 and 0 < readings.with_ < 1):
        raise ValueError("Shares of right readings lie between 0 and 1, without these ends.")
    if min(readings.readers, readings.effect, readings.cases, readings.cases_effect) < 0:
        raise ValueError("A standard deviation is 0 or more.")


def _intercept(share: float, spread: float) -> float:
    """Return the logit around which probabilities with this spread have the share as mean."""
    normal = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    return float(
        optimize.brentq(lambda at: _logistic(at + spread * normal).mean() - share, -30, 30)
    )


def _logistic(logits: Array) -> Array:
    return 1 / (1 + np.exp(-logits))
