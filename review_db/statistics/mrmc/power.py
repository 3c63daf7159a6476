"""How likely a study is to find a difference between two treatments, if there is one.

table = powers(assumed(Readings(without=0.6, with_=0.7)), 0.1, readers=[4, 6], cases=[60, 100])

Source: S. L. Hillis, N. A. Obuchowski and K. S. Berbaum, Academic Radiology 18, 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

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


@dataclass(frozen=True)
class Confidences:
    """How the ratings behind an AUC are assumed to be, normal with a variance of 1.

    Parameters
    ----------
    without, with_ : AUC, mean over readers
    readers : standard deviation between readers of how far apart they rate cases with and without
        the finding, in standard deviations of a rating, as is the next
    effect : standard deviation between readers of what they gain
    cases, cases_effect : share of a rating's variance that is the case's own, whoever rates it, and
        that of the case in one of the treatments
    share : of the cases that have the finding
    """

    without: float = 0.8
    with_: float = 0.88
    readers: float = 0.3
    effect: float = 0.2
    cases: float = 0.4
    cases_effect: float = 0.1
    share: float = 0.5


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
    level, gain = (
        of_readers * _normal(readers, chance)[:, None] + of_cases * _normal(cases, chance)
        for of_readers, of_cases in (
            (readings.readers, readings.cases),
            (readings.effect, readings.cases_effect),
        )
    )
    spread = np.hypot(readings.readers, readings.cases)
    more = np.hypot(readings.effect, readings.cases_effect)
    logits = np.stack(
        [
            _intercept(readings.with_, np.hypot(spread, more)) + level + gain,
            _intercept(readings.without, spread) + level,
        ]
    )
    return (chance.random(logits.shape) < _logistic(logits)).astype(float)


def assumed_auc(confidences: Confidences) -> Variances:
    """Return the variances that an AUC has, if the ratings are as assumed; cases of that share.

    Raises
    ------
    ValueError
        If an AUC is not between a half and 1, or a share or standard deviation is impossible.
    """
    drawn, truth = simulated_confidences(confidences, _READERS, _CASES, np.random.default_rng(0))
    return of_pilot(compare_ratings(of_array(drawn, truth), "auc"))


def simulated_confidences(
    confidences: Confidences, readers: int, cases: int, chance: np.random.Generator
) -> tuple[Array, Array]:
    """Return made-up ratings, (2, readers, cases), with, then without; and the truth, (cases,).

    Source of the model: C. A. Roe and C. E. Metz, Academic Radiology 4, 1997.
    """
    c = confidences
    _refuse_impossible_ratings(c)
    truth = (np.arange(cases) < round(c.share * cases)).astype(float)
    level = c.readers * _normal(readers, chance)[:, None]
    gain = c.effect * _normal(readers, chance)[:, None]
    own = np.sqrt(c.cases) * _normal(cases, chance)
    rest = np.sqrt(max(1 - c.cases - c.cases_effect, 0.0))
    ratings = [
        truth * (_apart(auc, spread) + level + more)
        + own
        + np.sqrt(c.cases_effect) * chance.normal(size=cases)
        + rest * chance.normal(size=(readers, cases))
        for auc, more, spread in (
            (c.with_, gain, np.hypot(c.readers, c.effect)),
            (c.without, 0.0, c.readers),
        )
    ]
    return np.stack(ratings), truth


def _apart(auc: float, spread: float) -> float:
    """Return how far apart the means lie, for this mean of AUCs over readers."""
    return float(scipy.stats.norm.ppf(auc) * np.sqrt(2 + spread**2))


def _normal(n: int, chance: np.random.Generator) -> Array:
    """Return what is normal; of many, spread as evenly as the distribution is."""
    if n < _READERS:
        return chance.normal(size=n)
    return chance.permutation(scipy.stats.norm.ppf((np.arange(n) + 0.5) / n))


def _refuse_impossible_ratings(c: Confidences) -> None:
    if not (0.5 <= c.without < 1 and 0.5 <= c.with_ < 1):
        raise ValueError("An AUC that is assumed lies between 0.5 and 1.")
    shares = (c.cases, c.cases_effect)
    if min(c.readers, c.effect, *shares) < 0 or sum(shares) > 1 or not 0 < c.share < 1:
        raise ValueError("Standard deviations are 0 or more, shares between 0 and 1.")


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
    least = scipy.stats.t.ppf(1 - alpha / 2, df)
    # Beyond, t is as good as normal.
    t = scipy.stats.nct(min(df, 1e6), difference / np.sqrt(2 * error / readers))
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

    `deal` says which reader reads which case, by numbers of both; everybody all, if None.
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
    normal = scipy.stats.norm.ppf((np.arange(400) + 0.5) / 400)
    return float(
        scipy.optimize.brentq(lambda at: _logistic(at + spread * normal).mean() - share, -30, 30)
    )


def _logistic(logits: Array) -> Array:
    return 1 / (1 + np.exp(-logits))
