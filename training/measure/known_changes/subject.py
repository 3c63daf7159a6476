"""A real ECG to be changed: where its waves lie, and what is measured on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from protoecg.ecg import ECG
from protoecg.measure import MedianBeat, delineate, quantities
from protoecg.simulate.torso import twelve_leads

Span = tuple[float, float]
# Rows of I, II and V1 to V6, of which the others are made.
EIGHT = [0, 1, 6, 7, 8, 9, 10, 11]


class Waves(NamedTuple):
    """Onset and end of each wave of a beat, seconds from the ECG's start."""

    p: Span
    qrs: Span
    t: Span

    @property
    def whole(self) -> Span:
        """From the onset of P to the end of T."""
        return self.p[0], self.t[1]

    def later(self, by: float) -> Waves:
        """Return the same waves by so many seconds later."""
        return Waves(*((start + by, end + by) for start, end in self))


@dataclass(frozen=True, eq=False)
class Subject:
    """An ECG whose beats all have the same shape, with P, QRS and T.

    Parameters
    ----------
    ecg : as recorded
    values : as `protoecg.measure.quantities` returns them
    median : the beat that stands for all
    usual : its waves, seconds from its start
    beats : the same waves of each beat, beyond the ends of the recording too
    rr_s : times between beats
    """

    ecg: ECG
    values: Mapping[str, float]
    median: MedianBeat
    usual: Waves
    beats: tuple[Waves, ...]
    rr_s: tuple[float, ...]

    @classmethod
    def of(cls, ecg: ECG) -> Subject | None:
        """Measure an ECG; None where a wave is unsure or a beat unlike the others."""
        found = delineate(ecg)
        median = found.median
        if found.unsure or not all(found.alike) or median is None:
            return None
        if median.waves.p is None or median.waves.t is None:
            return None
        usual = Waves(median.waves.p, median.waves.qrs, median.waves.t)
        beats = tuple(usual.later(beat.qrs[0] - usual.qrs[0]) for beat in found.beats)
        return cls(ecg, quantities(found), median, usual, beats, found.rr_s)

    @property
    def signal(self) -> np.ndarray:
        """A copy of all leads, (12, n) mV."""
        return self.ecg.signal.astype(np.float64)

    @cached_property
    def times(self) -> np.ndarray:
        """Of each sample, in seconds: (n,)."""
        return np.arange(self.ecg.signal.shape[1]) / self.ecg.rate

    @property
    def gap_s(self) -> float:
        """Shortest time from the end of a T wave to the next P wave."""
        return min(after.p[0] - beat.t[1] for beat, after in self.pairs())

    def pairs(self) -> Iterator[tuple[Waves, Waves]]:
        """Return each beat and the one after it."""
        return zip(self.beats, self.beats[1:], strict=False)

    def inner(self, margin: int = 2) -> tuple[int, ...]:
        """Return the indices of the beats that have so many beats before and after them."""
        return tuple(range(margin, len(self.beats) - margin))

    def changed(self, signal: np.ndarray) -> ECG:
        """Return the ECG with another signal."""
        return replace(self.ecg, signal=signal, notes=())


@dataclass(frozen=True, eq=False)
class Changed:
    """An ECG with a known change, and where that lies: (k, 2) seconds."""

    ecg: ECG
    spans_s: np.ndarray


def rise(times: np.ndarray, start: float, end: float) -> np.ndarray:
    """Return half a cosine from 0 at `start` to 1 at `end`."""
    return (1 - np.cos(np.pi * np.clip((times - start) / (end - start), 0, 1))) / 2


def on_leads(eight: np.ndarray) -> np.ndarray:
    """Return what I, II and V1 to V6 make of all leads: (8,) or (8, n) to (12,) or (12, n)."""
    return twelve_leads(eight.reshape(8, -1)).reshape(12, *eight.shape[1:])
