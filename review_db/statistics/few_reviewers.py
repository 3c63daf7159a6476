"""What a few reviewers leave open of how far reviewers differ."""

from __future__ import annotations

import numpy as np
from scipy import stats

from review_db.statistics import Array
from review_db.statistics.components import components
from review_db.statistics.intervals import SURE, Interval


def lowered(value: float, interval: Interval, table: Array) -> Interval:
    """Lower an interval of agreement for new reviewers by what the table's leave open.

    A variance between few reviewers comes out far too small now and then; agreement is then too
    high, and so is the lower end of an interval that takes it for known. Of the odds of
    disagreement, as many grow with the variance between reviewers as it has of all that ratings of
    an item differ by; they may be as much larger as that variance may be.

    Sources: F. A. Graybill and C.-M. Wang, Journal of the American Statistical Association 75, 1980
    (a sum of variances); G. Y. Zou and A. Donner, Statistics in Medicine 27, 2008 (limits put
    together).
    """
    reviewers, parts = table.shape[1], components(table)
    low, high = interval
    if np.isnan(low) or np.isnan(parts.residual) or not 0 < value < 1:
        return interval
    between, ratings = max(parts.reviewers, 0.0), (~np.isnan(table)).sum() / reviewers
    share = min((between + parts.residual / ratings) / (between + parts.residual), 1.0)
    larger = (reviewers - 1) / stats.chi2.ppf((1 - SURE) / 2, reviewers - 1) - 1
    lowest = 1 / (1 + (1 - value) / value * (1 + share * larger))
    return max(float(value - np.hypot(value - low, value - lowest)), -1.0), high
