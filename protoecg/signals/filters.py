"""Filters, designed once: the design takes as long as filtering ten seconds of twelve leads."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.signal import butter, firwin


def butterworth(
    order: int,
    hz: float | tuple[float, float],
    kind: Literal["lowpass", "highpass", "bandpass"],
    rate: float,
) -> np.ndarray:
    """Return a Butterworth filter for signals of `rate` Hz, as second-order sections."""
    # A copy: SciPy takes no sections that are read-only, and others' must not change.
    return _designed(order, hz, kind, rate).copy()


@lru_cache(maxsize=128)
def _designed(order: int, hz: float | tuple[float, float], kind: str, rate: float) -> np.ndarray:
    return butter(order, hz, btype=kind, fs=rate, output="sos")


@lru_cache(maxsize=32)
def resampling(up: int, down: int) -> np.ndarray:
    """Return the low-pass that `scipy.signal.resample_poly` designs by default.

    Parameters
    ----------
    up, down : without a common divisor
    """
    widest = max(up, down)
    taps = firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0))
    taps.setflags(write=False)
    return taps
