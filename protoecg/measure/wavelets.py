"""Where P and T begin and end in each lead of a beat, by its wavelet transform.

After Martinez et al., IEEE Trans. Biomed. Eng. 51 (2004) 570: transformed by a quadratic spline
wavelet, which is a smoothed derivative, a wave is a maximum followed by a minimum. Its peak is the
zero between the two, and its ends are where the slopes have fallen to a share of these. Searched
stretches and shares are those of NeuroKit2 (Makowski et al., Behavior Research Methods 2021), but
the scale goes with the length of the cycle, where NeuroKit2 halves it below one second at once.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.signal import find_peaks

from protoecg.measure.beats import RATE

_QRS_HALF = round(0.065 * RATE)
# As shares of the cycle: the two scales of the transform, how far P is from R and R from T, and
# how far from its peak a wave may reach.
_FINE, _COARSE = 0.016, 0.032
_P_TO_R, _R_TO_T = 0.2, 0.25
_REACH, _T_ONSET_REACH = 0.3, 0.6
# Of the root mean square, and of the largest slope: what is too flat to be a wave's slope.
_P_HEIGHT, _T_HEIGHT, _LEAST = 0.02, 0.25, 0.025
# Of its steepest slope: where a wave ends.
_SHARE, _T_ONSET_SHARE = 0.4, 0.6


def p_and_t(cycles: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Return onset and end of P, then of T, in each lead: (4, leads) samples, NaN where none.

    Parameters
    ----------
    cycles : (leads, n) mV at `RATE` Hz: one beat, that ends where it begins
    peaks : (leads,) sample of the largest deflection of each QRS complex
    """
    period = cycles.shape[1]
    fine = _transform(cycles, _FINE * period / RATE)
    coarse = _transform(cycles, _COARSE * period / RATE)
    leads = zip(*(np.tile(values, 3) for values in (cycles, fine, coarse)), strict=True)
    found = [
        _of_lead(signal, slope, broad, r, period)
        for (signal, slope, broad), r in zip(leads, peaks + period, strict=True)
    ]
    return np.array(found).T - period


def _transform(cycles: np.ndarray, scale_s: float) -> np.ndarray:
    """Transform cycles (leads, n) by the wavelet of one scale, without a delay."""
    x = np.fft.rfftfreq(cycles.shape[1], 1 / RATE) * scale_s
    response = 4j * np.sin(np.pi * x) * np.sinc(x) ** 3
    return np.fft.irfft(np.fft.rfft(cycles) * response, cycles.shape[1])


def _of_lead(
    signal: np.ndarray, slope: np.ndarray, broad: np.ndarray, r: int, period: int
) -> list[float]:
    before = slice(r - 2 * int(_P_TO_R * period), r - _QRS_HALF)
    after = slice(r + _QRS_HALF, r + 2 * int(_R_TO_T * period))
    # A second away from where a wave is expected counts as much as a millivolt.
    far = np.abs(np.arange(before.stop - before.start) - _P_TO_R * period) / RATE
    late = np.arange(after.stop - after.start) / RATE
    p = _peak(signal[before] - far, slope[before], _P_HEIGHT)
    t = _peak(signal[after] - late, broad[after], _T_HEIGHT)
    reach, t_onset_reach = int(_REACH * period), int(_T_ONSET_REACH * period)
    return [
        _onset(slope, before.start + p, reach, _SHARE),
        _end(slope, before.start + p, reach),
        _onset(slope, after.start + t, t_onset_reach, _T_ONSET_SHARE),
        _end(slope, after.start + t, reach),
    ]


def _peak(score: np.ndarray, slope: np.ndarray, height: float) -> float:
    """Return where a rise turns into a fall, where the score is highest; NaN where none does."""
    if not len(slope):
        return np.nan
    steepness = np.abs(slope)
    steep, _ = find_peaks(steepness, height=height * np.sqrt(np.mean(slope**2)))
    steep = steep[steepness[steep] > _LEAST * slope.max()]
    if slope[0] > 0:
        steep = np.concatenate([[0], steep])
    zeros = [
        rise + int(np.argmax(slope[rise : fall + 1] < 0))
        for rise, fall in pairwise(steep)
        if slope[rise] > 0 > slope[fall]
    ]
    return max(zeros, key=lambda zero: score[zero], default=np.nan)


def _onset(slope: np.ndarray, peak: float, reach: int, share: float) -> float:
    if np.isnan(peak):
        return np.nan
    return peak - 1 - _until_flat(slope[int(peak) - reach : int(peak)][::-1], share)


def _end(slope: np.ndarray, peak: float, reach: int) -> float:
    if np.isnan(peak):
        return np.nan
    return peak + _until_flat(-slope[int(peak) : int(peak) + reach], _SHARE)


def _until_flat(slope: np.ndarray, share: float) -> float:
    """Return after how many samples the first maximum has fallen to a share of itself."""
    steep, _ = find_peaks(slope)
    if not len(steep):
        return np.nan
    left = slope[steep[0] :] - share * slope[steep[0]]
    flat = np.flatnonzero(left < 0)
    if not len(flat):
        return np.nan
    last, first = left[flat[0] - 1], left[flat[0]]
    return float(steep[0] + flat[0] - first / (first - last))
