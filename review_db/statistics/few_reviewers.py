"""What a few reviewers leave open of how far reviewers differ."""

from __future__ import annotations

import numpy as np
import scipy

from review_db.statistics import Array
from review_db.statistics.components import components
from review_db.statistics.intervals import SURE, Interval


def lowered(value: float, interval: Interval, table: Array, floor: float) -> Interval:
    """Lower an interval of agreement for new reviewers by what the table's leave open.

    A variance between few reviewers comes out far too small now and then; agreement is then too
    high, and so is the lower end of an interval that takes it for known. What the reviewers' means
    vary by is a multiple of chi-square, so the variance between reviewers may be so much larger;
    the odds of disagreement grow with all that ratings of an item differ by. Agreement is never
    below its `floor`.

    Sources: F. A. Graybill and C.-M. Wang, Journal of the American Statistical Association 75, 1980
    (a sum of variances); G. Y. Zou and A. Donner, Statistics in Medicine 27, 2008 (limits put
    together).
    """
    reviewers, parts = table.shape[1], components(table)
    low, high = interval
    if np.isnan(low) or np.isnan(parts.residual) or not 0 < value < 1:
        return interval
    noise = parts.residual * reviewers / (~np.isnan(table)).sum()
    larger = (reviewers - 1) / scipy.stats.chi2.ppf((1 - SURE) / 2, reviewers - 1)
    most = max((parts.reviewers + noise) * larger - noise, 0.0)
    grows = (most + parts.residual) / (max(parts.reviewers, 0.0) + parts.residual)
    lowest = 1 / (1 + (1 - value) / value * max(grows, 1.0))
    return max(float(value - np.hypot(value - low, value - lowest)), floor), high
