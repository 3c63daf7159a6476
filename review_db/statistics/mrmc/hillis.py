"""Comparing treatments over readers and cases, as Obuchowski and Rockette do, with Hillis' df.

Sources: N. A. Obuchowski and H. E. Rockette, Communications in Statistics - Simulation and
Computation 24, 1995; S. L. Hillis, Statistics in Medicine 26, 2007 (degrees of freedom);
S. L. Hillis, Statistics in Medicine 33, 2014 (readers of different cases).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy

from review_db.statistics import Array

SURE = 0.95
_NO_NUMBER = float("nan")


@dataclass(frozen=True)
class Components:
    """What the values of all readers under all treatments vary by.

    Parameters
    ----------
    treatments, readers : how many
    ms_t, ms_r, ms_tr : mean squares of treatments, readers and their interaction
    var_error : variance of a reader's value over samples of cases, mean over all
    cov1 : covariance of two values of one reader, under different treatments
    cov2 : of two readers under one treatment; NaN for a single reader, as is `cov3`
    cov3 : of two readers under different treatments
    """

    treatments: int
    readers: int
    ms_t: float
    ms_r: float
    ms_tr: float
    var_error: float
    cov1: float
    cov2: float
    cov3: float

    @property
    def var_r(self) -> float:
        """The variance between readers, which can come out negative."""
        return (self.ms_r - self.ms_tr) / self.treatments - self.cov1 + self.cov3

    @property
    def var_tr(self) -> float:
        """The variance of the treatments' effect between readers; it can come out negative."""
        return self.ms_tr - self.var_error + self.cov1 + self.cov2 - self.cov3

    @property
    def shared(self) -> float:
        """What the readers' differences between treatments have in common by the cases."""
        return 0.0 if self.readers < 2 else max(self.cov2 - self.cov3, 0.0)


@dataclass(frozen=True)
class Difference:
    """The first of two treatments less the second.

    `statistic` is the squared difference over its squared error: F with 1 and `df` degrees of
    freedom, or chi squared with one where `df` is infinite. `ci` is the 95 % interval.
    """

    treatments: tuple[str, str]
    difference: float
    se: float
    df: float
    statistic: float
    p: float
    ci: tuple[float, float]


@dataclass(frozen=True)
class Analysis:
    """A comparison of treatments, by what is taken as a sample: readers, cases or both.

    Parameters
    ----------
    difference, se, ci : of the first treatment less the second; NaN for more than two
    df : of the error of F, for `len(treatments) - 1` over it; of fixed readers, whose statistic is
        chi squared, those of chi squared
    statistic, p : of no difference between any of the treatments
    pairs : each two treatments by themselves, without a correction for how many they are
    why : the reason where nothing can be computed; all numbers but the difference are NaN then
    """

    difference: float
    se: float
    df: float
    statistic: float
    p: float
    ci: tuple[float, float]
    pairs: tuple[Difference, ...]
    why: str = ""


def components(values: Array, covariance: Array) -> Components:
    """Return the components of `values`, (treatments, readers).

    `covariance` of the values over samples of cases is (treatments * readers, the same).
    """
    t, r = values.shape
    by_treatment, by_reader = values.mean(axis=1), values.mean(axis=0)
    rest = values - by_treatment[:, None] - by_reader + values.mean()
    treatment, reader = np.divmod(np.arange(t * r), r)
    same_treatment = treatment[:, None] == treatment
    same_reader = reader[:, None] == reader
    return Components(
        treatments=t,
        readers=r,
        ms_t=float(r * by_treatment.var(ddof=1)),
        ms_r=float(t * by_reader.var(ddof=1)) if r > 1 else _NO_NUMBER,
        ms_tr=float((rest**2).sum() / ((t - 1) * (r - 1))) if r > 1 else _NO_NUMBER,
        var_error=_mean(covariance, same_treatment & same_reader),
        cov1=_mean(covariance, ~same_treatment & same_reader),
        cov2=_mean(covariance, same_treatment & ~same_reader),
        cov3=_mean(covariance, ~same_treatment & ~same_reader),
    )


def random_readers_random_cases(c: Components, means: Array, names: tuple[str, ...]) -> Analysis:
    """Compare treatments for readers and cases like these."""
    if c.readers < 2:
        return _nothing(means, names, "A single reader says nothing of others.")
    error = c.ms_tr + c.readers * c.shared
    df = _ratio(error**2, c.ms_tr**2 / ((c.treatments - 1) * (c.readers - 1)))
    return _compared(c, means, names, error, df)


def random_readers_fixed_cases(c: Components, means: Array, names: tuple[str, ...]) -> Analysis:
    """Compare treatments for readers like these and these very cases."""
    if c.readers < 2:
        return _nothing(means, names, "A single reader says nothing of others.")
    return _compared(c, means, names, c.ms_tr, (c.treatments - 1) * (c.readers - 1))


def fixed_readers_random_cases(c: Components, means: Array, names: tuple[str, ...]) -> Analysis:
    """Compare treatments for these very readers and cases like these."""
    error = c.var_error - c.cov1 + (c.readers - 1) * c.shared
    return _compared(c, means, names, error, np.inf)


def _compared(
    c: Components, means: Array, names: tuple[str, ...], error: float, df: float
) -> Analysis:
    """Compare the means; `error` is the mean square that they have without a difference."""
    # Rounding leaves a trace where nothing varies at all.
    if error <= 1e-12 * max(1.0, float(np.abs(means).max()) ** 2):
        return _nothing(means, names, "Nothing varies here, so that no error can be estimated.")
    extra = c.treatments - 1
    f = c.ms_t / error
    chi_squared = bool(np.isinf(df))
    p = scipy.stats.chi2.sf(extra * f, extra) if chi_squared else scipy.stats.f.sf(f, extra, df)
    se = float(np.sqrt(2 * error / c.readers))
    pairs = tuple(_pair(means, names, pair, se, df) for pair in combinations(range(len(means)), 2))
    only = pairs[0] if extra == 1 else _unknown(pairs[0].treatments)
    return Analysis(
        difference=only.difference,
        se=only.se,
        df=float(extra) if chi_squared else float(df),
        statistic=float(extra * f if chi_squared else f),
        p=float(p),
        ci=only.ci,
        pairs=pairs,
    )


def _pair(
    means: Array, names: tuple[str, ...], pair: tuple[int, int], se: float, df: float
) -> Difference:
    first, second = pair
    difference = float(means[first] - means[second])
    reach = float(scipy.stats.t.ppf((1 + SURE) / 2, df)) * se
    return Difference(
        treatments=(names[first], names[second]),
        difference=difference,
        se=se,
        df=float(df),
        statistic=(difference / se) ** 2,
        p=float(2 * scipy.stats.t.sf(abs(difference) / se, df)),
        ci=(difference - reach, difference + reach),
    )


def _unknown(names: tuple[str, str], difference: float = _NO_NUMBER) -> Difference:
    none = (_NO_NUMBER, _NO_NUMBER)
    return Difference(names, difference, _NO_NUMBER, _NO_NUMBER, _NO_NUMBER, _NO_NUMBER, none)


def _nothing(means: Array, names: tuple[str, ...], why: str) -> Analysis:
    pairs = tuple(
        _unknown((names[a], names[b]), float(means[a] - means[b]))
        for a, b in combinations(range(len(means)), 2)
    )
    none = (_NO_NUMBER, _NO_NUMBER)
    difference = pairs[0].difference if len(pairs) == 1 else _NO_NUMBER
    return Analysis(difference, _NO_NUMBER, _NO_NUMBER, _NO_NUMBER, _NO_NUMBER, none, pairs, why)


def _mean(covariance: Array, chosen: Array) -> float:
    return float(covariance[chosen].mean()) if chosen.any() else _NO_NUMBER


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else np.inf
