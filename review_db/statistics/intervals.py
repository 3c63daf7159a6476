"""95 % intervals, from how far a value would vary over samples of items, of reviewers, or both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

Interval = tuple[float, float]
NO_INTERVAL: Interval = (np.nan, np.nan)
SURE = 0.95


@dataclass(frozen=True)
class Error:
    """A variance of a value, and the degrees of freedom that it was estimated with.

    NaN where it cannot be estimated, such as of a single item.
    """

    variance: float
    df: float

    @property
    def reach(self) -> float:
        """Return how many standard errors an interval reaches to either side."""
        return float(scipy.stats.t.ppf((1 + SURE) / 2, self.df))


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % intervals, NaN where none can be given.

    `these` holds for these reviewers and items like these, `new` for reviewers and items like
    these; of a single item, for reviewers like these and that item.
    """

    value: float
    these: Interval
    new: Interval


UNKNOWN = Error(np.nan, np.nan)


def over_both(over_items: Error, over_reviewers: Error, rest: float) -> Error:
    """Return the error over samples of items and reviewers at once.

    `rest` is the variance by what is neither the items' nor the reviewers', which is in both.

    Sources: F. E. Satterthwaite, Biometrics Bulletin 2, 1946 (degrees of freedom); A. C. Cameron,
    J. B. Gelbach and D. L. Miller, Journal of Business & Economic Statistics 29, 2011.
    """
    a, b = over_items.variance, over_reviewers.variance
    if np.isnan(a + b + rest):
        return UNKNOWN
    variance = max(a, b, a + b - rest)
    spread = (
        a**2 / over_items.df
        + b**2 / over_reviewers.df
        + rest**2 / (over_items.df * over_reviewers.df)
    )
    return Error(variance, variance**2 / spread if spread > 0 else np.inf)


def on_scale(value: float, error: Error, limits: Interval) -> Interval:
    """Return the interval of a mean of a scale that ends at its `limits`."""
    if not error.variance > 0:
        return NO_INTERVAL
    reach = error.reach * np.sqrt(error.variance)
    return max(float(value - reach), limits[0]), min(float(value + reach), limits[1])


def of_share(share: float, error: Error, alike: int) -> Interval:
    """Return the interval of a share, by Wilson's for as many answers as would vary as much.

    Where answers are all the same, they count as `alike` independent ones.

    Sources: E. B. Wilson, Journal of the American Statistical Association 22, 1927; E. L. Korn and
    B. I. Graubard, Survey Methodology 24, 1998 (how many answers, degrees of freedom).
    """
    if np.isnan(error.variance):
        return NO_INTERVAL
    if error.variance > 0 and 0 < share < 1:
        n, t = share * (1 - share) / error.variance, error.reach
    else:
        n, t = alike, float(scipy.stats.norm.ppf((1 + SURE) / 2))
    middle, width = share + t**2 / (2 * n), t * np.sqrt(share * (1 - share) / n + (t / n) ** 2 / 4)
    low, high = (middle - width) / (1 + t**2 / n), (middle + width) / (1 + t**2 / n)
    return max(float(low), 0.0), min(float(high), 1.0)


def of_coefficient(value: float, error: Error) -> Interval:
    """Return the interval of a coefficient that is at most 1, by Fisher's transformation."""
    if not error.variance > 0 or abs(value) >= 1:
        return NO_INTERVAL
    reach = error.reach * np.sqrt(error.variance) / (1 - value**2)
    low, high = np.tanh([np.arctanh(value) - reach, np.arctanh(value) + reach])
    return float(low), float(high)
