"""How alike two windows look, lead by lead: for the eye, beside the model's own similarity."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from protoecg.ecg import ECG, LEADS
from protoecg.signals import MODEL_RATE, model_input
from protoecg.wording import true_minus

Interval = tuple[float, float]

# Windows are compared every 0.08 s, so that two beats may lie that far from each other.
MAX_SHIFT_S = 0.08
OPPOSITE, ANOTHER = -0.3, 0.4
# So many mV, root mean square, are a line without a shape.
FLAT_MV = 0.02


@dataclass(frozen=True)
class Likeness:
    """How alike the leads of two windows look.

    Parameters
    ----------
    shift_s : how much later the second is to be drawn for both to fit best
    correlation : Pearson's, of each lead, so shifted; a lead that is flat in both is left out
    """

    shift_s: float
    correlation: Mapping[str, float]

    @property
    def mean(self) -> float:
        """The mean correlation of the leads."""
        return float(np.mean(list(self.correlation.values()) or [0.0]))

    def differs(self, leads: Collection[str]) -> str:
        """Say in which of some leads polarity or shape differ; empty where none does."""
        own = {lead: r for lead, r in self.correlation.items() if lead in leads}
        opposite = [lead for lead, r in own.items() if r <= OPPOSITE]
        another = [lead for lead, r in own.items() if OPPOSITE < r < ANOTHER]
        differences = [
            f"{words} in {_listed(found, own)}"
            for words, found in (("opposite polarity", opposite), ("another shape", another))
            if found
        ]
        return "; ".join(differences)


def likeness(query: ECG, window: Interval, source: ECG, source_window: Interval) -> Likeness:
    """Compare two windows of one length as the model sees them: 100 Hz, without baseline."""
    ours, theirs = _cut(query, window), _cut(source, source_window)
    length = min(ours.shape[1], theirs.shape[1])
    ours, theirs = ours[:, :length], theirs[:, :length]
    reach = round(MAX_SHIFT_S * MODEL_RATE)
    shifts = range(-reach, reach + 1)
    fits = [_correlations(*_overlapping(ours, theirs, shift)) for shift in shifts]
    # Of fits all but equal the least shift.
    best = max(shifts, key=lambda shift: (round(np.nanmean(fits[shift + reach]), 2), -abs(shift)))
    found = zip(LEADS, fits[best + reach], strict=True)
    return Likeness(best / MODEL_RATE, {lead: float(r) for lead, r in found if not np.isnan(r)})


def _cut(ecg: ECG, window: Interval) -> np.ndarray:
    start, end = (round(seconds * MODEL_RATE) for seconds in window)
    return model_input(ecg)[:, start:end]


def _overlapping(ours: np.ndarray, theirs: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what lies over each other when the second is drawn `shift` samples later."""
    length = ours.shape[1]
    own, other = max(shift, 0), max(-shift, 0)
    return ours[:, own : length - other], theirs[:, other : length - own]


def _correlations(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return each lead's correlation, (12,); NaN where both are flat, 0 where one is."""
    a, b = (one - one.mean(axis=1, keepdims=True) for one in (ours, theirs))
    sizes = np.sqrt((a**2).mean(axis=1)), np.sqrt((b**2).mean(axis=1))
    product = (a * b).mean(axis=1) / np.maximum(sizes[0] * sizes[1], FLAT_MV**2 / 100)
    flat = sizes[0] < FLAT_MV, sizes[1] < FLAT_MV
    product[flat[0] ^ flat[1]] = 0.0
    product[flat[0] & flat[1]] = np.nan
    return product


def _listed(leads: Collection[str], correlation: Mapping[str, float]) -> str:
    return ", ".join(true_minus(f"{lead} ({correlation[lead]:.2f})") for lead in leads)
