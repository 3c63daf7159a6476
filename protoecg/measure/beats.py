"""Where the beats are, which of them are alike, and the beat that stands for these."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.signal import find_peaks, resample_poly

from protoecg.ecg import DURATION_S, ECG
from protoecg.measure.quantiles import median, percentile
from protoecg.measure.steepness import steep_ones
from protoecg.signals.filters import butterworth, resampling

RATE = 500
ALIKE = 0.8
BAND_HZ = (0.5, 40.0)

_QRS_BAND_HZ = (5.0, 20.0)
_REFRACTORY_S = 0.24
_FLAT_MV = 1e-3
# What is below 40 Hz loses nothing when every fourth sample is compared.
_STRIDE = 4
# Below this rate a spike is as broad as a wave, and cannot be told from one.
_SPIKE_RATE = 250
_SPIKE_S = 0.006
_SPIKE = 0.2


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of ten seconds, each aligned on its QRS complex.

    Parameters
    ----------
    signal : (12, n) mV at `RATE` Hz, without slow baseline and without what is above 40 Hz
    at : (b,) sample of each beat, somewhere within its QRS complex, ascending
    alike : (b,) whether the beat has the shape of most
    """

    signal: np.ndarray
    at: np.ndarray
    alike: np.ndarray

    @property
    def rr_s(self) -> np.ndarray:
        """Times from beat to beat, (b - 1,) seconds."""
        return np.diff(self.at) / RATE

    @property
    def usable(self) -> np.ndarray:
        """Leads with a signal, as indices."""
        return np.flatnonzero(np.ptp(self.signal, axis=1) > _FLAT_MV)

    def cut(self, before: int, after: int) -> np.ndarray:
        """Cut out the beats alike: (beats, 12, before + after); those cut by an end are left."""
        whole = self.at[self.alike]
        whole = whole[(whole >= before) & (whole + after <= self.signal.shape[1])]
        return np.stack([self.signal[:, at - before : at + after] for at in whole])


def find_beats(ecg: ECG) -> Beats:
    """Find the beats of an ECG's first ten seconds; without any, `at` is empty."""
    signal = _without_drift_and_hum(_at_working_rate(ecg))
    none = Beats(signal, np.zeros(0, int), np.zeros(0, bool))
    if not len(none.usable):
        return none
    leads = signal[none.usable]
    at = steep_ones(leads, _qrs(leads), RATE)
    return Beats(signal, *_aligned(signal, at)) if len(at) else none


def _at_working_rate(ecg: ECG) -> np.ndarray:
    signal = ecg.signal[:, : round(DURATION_S * ecg.rate)].astype(np.float64)
    if ecg.rate >= _SPIKE_RATE:
        signal = _without_spikes(signal, ecg.rate)
    ratio = Fraction(RATE / ecg.rate).limit_denominator(1000)
    if ratio == 1:
        return signal
    up, down = ratio.as_integer_ratio()
    return resample_poly(signal, up, down, axis=1, window=resampling(up, down), padtype="line")


def _without_spikes(signal: np.ndarray, rate: float) -> np.ndarray:
    """Cut off what is too short to be of the heart: the spikes of pacemakers."""
    width = 2 * round(_SPIKE_S * rate) + 1
    smooth = median_filter(signal, size=(1, width), mode="nearest")
    rest = np.abs(signal - smooth)
    height = _SPIKE * percentile(np.abs(smooth), 99, axis=1)
    near = maximum_filter1d(rest > height, width, axis=1)
    return np.where(near, smooth, signal)


def _without_drift_and_hum(signal: np.ndarray) -> np.ndarray:
    centred = signal - median(signal, axis=1)[:, None]
    high = butterworth(1, BAND_HZ[0], "highpass", RATE)
    low = butterworth(2, BAND_HZ[1], "lowpass", RATE)
    return low(high(centred))


def _qrs(signal: np.ndarray) -> np.ndarray:
    """Find peaks of the QRS band's energy over all leads, each lead scaled alike."""
    band = butterworth(2, _QRS_BAND_HZ, "bandpass", RATE)
    steep = band(signal)
    scale = np.maximum(percentile(np.abs(steep), 98, axis=1), 1e-6)
    # A jump in one lead would outshine the beats of all.
    squares = np.clip(steep / scale, -3, 3) ** 2
    energy = np.sqrt((squares.mean(axis=0) + median(squares, axis=0)) / 2)
    window = np.hanning(round(0.08 * RATE) + 2)[1:-1]
    energy = np.convolve(energy, window / window.sum(), "same")
    high = float(percentile(energy, 97, axis=0)[0])
    at, _ = find_peaks(
        energy, height=0.4 * high, distance=round(_REFRACTORY_S * RATE), prominence=0.3 * high
    )
    return at


def _aligned(signal: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift each beat to where it fits the most common shape best; tell which ones do fit."""
    half, reach = round(0.1 * RATE), round(0.03 * RATE)
    scaled = signal / np.maximum(percentile(np.abs(signal), 99, axis=1), _FLAT_MV)
    # Beats at the very ends are compared by what of them is there.
    padded = np.pad(scaled, ((0, 0), (half + reach, half + reach)), mode="edge")
    windows = sliding_window_view(padded, 2 * half, axis=1)[..., ::_STRIDE].transpose(1, 0, 2)
    shifts = np.arange(2 * reach + 1)
    shape = _most_common(_unit(windows[at + reach]))
    for _ in range(2):
        fits = _correlations(windows[at[:, None] + shifts], shape)
        at = np.clip(at + fits.argmax(axis=1) - reach, 0, signal.shape[1] - 1)
        alike = fits.max(axis=1) >= min(ALIKE, fits.max())
        shape = _unit(median(windows[at[alike] + reach], axis=0))
    first = np.unique(at, return_index=True)[1]
    return at[first], alike[first]


def _correlations(shapes: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return how shapes (beats, shifts, 12, n) go with one of `_unit`, which has no mean."""
    squares = np.einsum("bsln,bsln->bs", shapes, shapes)
    of_means = (shapes.sum(axis=-1) ** 2).sum(axis=-1) / shapes.shape[-1]
    length = np.sqrt(np.maximum(squares - of_means, 0))
    return np.tensordot(shapes, unit, axes=2) / np.maximum(length, 1e-9)


def _unit(shapes: np.ndarray) -> np.ndarray:
    """Scale (..., 12, n) so that the sum of a product of two is their correlation."""
    centred = shapes - shapes.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centred, axis=(-2, -1), keepdims=True)
    return centred / np.maximum(length, 1e-9)


def _most_common(shapes: np.ndarray) -> np.ndarray:
    """Return the shape (12, n) that most others resemble."""
    fits = np.tensordot(shapes, shapes, axes=((1, 2), (1, 2)))
    return shapes[np.argmax((fits > ALIKE).sum(axis=1) + fits.mean(axis=1))]
