"""P values of several tests, so that the chance of any false alarm stays what one test's is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values, in the order given; a test without a p (NaN) counts too.

    Source: S. Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    values = np.where(np.isnan(p), 1.0, np.asarray(p, dtype=float))
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()
