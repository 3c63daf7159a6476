"""Filters, designed once: the design takes as long as filtering ten seconds of twelve leads."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.signal import butter, firwin, sosfilt, sosfilt_zi


class Filter:
    """A filter that runs forwards and backwards, and so delays nothing.

    As `scipy.signal.sosfiltfilt`, to the last bit, in half of its time: what depends on the filter
    alone is known from the start.

    Parameters
    ----------
    sections : second-order sections (s, 6)
    """

    def __init__(self, sections: np.ndarray) -> None:
        self._sections = sections
        self._settled = sosfilt_zi(sections)[:, None]
        without_second = (sections[:, [2, 5]] == 0).sum(axis=0).min()
        self._edge = 3 * (2 * len(sections) + 1 - int(without_second))

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Filter (leads, n); the ends are turned over and put before and behind."""
        edge = self._edge
        before = 2 * signal[:, :1] - signal[:, edge:0:-1]
        behind = 2 * signal[:, -1:] - signal[:, -2 : -edge - 2 : -1]
        there = self._forwards(np.concatenate([before, signal, behind], axis=1))
        return self._forwards(there[:, ::-1])[:, ::-1][:, edge:-edge]

    def _forwards(self, signal: np.ndarray) -> np.ndarray:
        filtered, _ = sosfilt(self._sections, signal, axis=1, zi=self._settled * signal[:, :1])
        return filtered


@lru_cache(maxsize=128)
def butterworth(
    order: int,
    hz: float | tuple[float, float],
    kind: Literal["lowpass", "highpass", "bandpass"],
    rate: float,
) -> Filter:
    """Return a Butterworth filter for signals of `rate` Hz."""
    return Filter(butter(order, hz, btype=kind, fs=rate, output="sos"))


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
