"""Filters of the drawn ECG; what the model reads never passes through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, iirnotch, sosfiltfilt, tf2sos

from protoecg.ecg import ECG

HIGH_PASS_HZ, NOTCH_HZ, LOW_PASS_HZ = (0.05, 0.5), (50.0, 60.0), (40.0, 150.0)
ORDER = 2
NOTCH_WIDTH_HZ = 2.0
NO_FILTER = "no filter"
ST_MAY_SHIFT = "ST segments may shift"


@dataclass(frozen=True)
class Filters:
    """What an ECG is drawn through; by default nothing.

    Parameters
    ----------
    high_pass_hz, low_pass_hz : where the drawing is 3 dB (to 71 %) down
    notch_hz : the mains frequency taken out; 3 dB down 1 Hz beside it
    """

    high_pass_hz: float | None = None
    notch_hz: float | None = None
    low_pass_hz: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What each filter in use is called, such as "high-pass 0.5 Hz"."""
        named = (
            ("high-pass", self.high_pass_hz),
            ("notch", self.notch_hz),
            ("low-pass", self.low_pass_hz),
        )
        return tuple(f"{name} {hz:g} Hz" for name, hz in named if hz is not None)

    def at(self, rate: float) -> Filters:
        """Return those that apply to an ECG of `rate` Hz: below half its sampling rate."""
        return Filters(
            *(
                hz if hz is not None and hz < rate / 2 else None
                for hz in (self.high_pass_hz, self.notch_hz, self.low_pass_hz)
            )
        )

    def printed(self, *rates: float) -> str:
        """Return what the paper of ECGs of these rates in Hz says about their filters."""
        applied = [self.at(rate) for rate in rates]
        names = " / ".join(dict.fromkeys(", ".join(a.names) or NO_FILTER for a in applied))
        return f"{names}, {ST_MAY_SHIFT}" if any(a.high_pass_hz for a in applied) else names

    def notes(self, rate: float) -> tuple[str, ...]:
        """Say in sentences what a reader of an ECG of `rate` Hz must know about its filters."""
        applied = self.at(rate)
        unfit = [name for name in self.names if name not in applied.names]
        shift = [f"{ST_MAY_SHIFT}: drawn through a high-pass."] if applied.high_pass_hz else []
        return (
            *shift,
            *(
                f"The {name} filter does not apply: sampled at {rate:g} Hz, this ECG holds nothing "
                f"at or above {rate / 2:g} Hz."
                for name in unfit
            ),
        )


def filtered(ecg: ECG, filters: Filters) -> np.ndarray:
    """Return the whole ECG as it is drawn, without delay: (12, n) float32, mV."""
    return filtered_leads(ecg.signal, ecg.rate, filters)


def filtered_leads(signal: np.ndarray, rate: float, filters: Filters) -> np.ndarray:
    """Return leads as they are drawn, without delay: (k, n) float32, mV.

    Butterworth filters of order 2 and a notch 2 Hz wide, each forwards and backwards, which
    squares their gain: their corners are moved so that 3 dB are lost at the named frequency.
    """
    filters = filters.at(rate)
    if not filters.names:
        return signal
    # Mirrored ends keep the baseline's level; the slower the filter, the farther it reaches.
    reach = round(2 * rate / min(filters.high_pass_hz or 1.0, 1.0))
    mirrored = np.pad(signal.astype(np.float64), ((0, 0), (reach, reach)), mode="reflect")
    drawn = sosfiltfilt(_sections(filters, rate), mirrored, axis=1, padlen=0)
    return drawn[:, reach:-reach].astype(np.float32)


def _sections(filters: Filters, rate: float) -> np.ndarray:
    sections = []
    if hz := filters.high_pass_hz:
        corner = _moved(hz, rate, _shift(ORDER))
        sections.append(butter(ORDER, corner, "highpass", fs=rate, output="sos"))
    if hz := filters.notch_hz:
        width = NOTCH_WIDTH_HZ * _shift(1)
        sections.append(tf2sos(*iirnotch(hz, hz / width, fs=rate)))
    if hz := filters.low_pass_hz:
        corner = _moved(hz, rate, 1 / _shift(ORDER))
        sections.append(butter(ORDER, corner, "lowpass", fs=rate, output="sos"))
    return np.concatenate(sections)


def _shift(order: int) -> float:
    """Return the corner, as a share, at which two passes of a high-pass lose 3 dB at 1."""
    return float((np.sqrt(2) - 1) ** (1 / (2 * order)))


def _moved(hz: float, rate: float, share: float) -> float:
    # On the analog frequency: near half the sampling rate the digital one is bent.
    return float(rate / np.pi * np.arctan(share * np.tan(np.pi * hz / rate)))
