"""Which peaks are QRS complexes: those that are steep, in most leads.

A tall T wave may have the energy of a QRS complex in the band that these are looked for in, but not
its slope; a jump or a burst of noise may have that, but not in most leads. So the leads' median
decides, each lead beside itself: neither its gain nor noise in a few leads matters.
"""

from __future__ import annotations

import numpy as np

from protoecg.measure.quantiles import median

# A peak so soon after a beat is its T wave where it is so much less steep. Pan and Tompkins (IEEE
# Trans Biomed Eng 1985) say less than half; in PTB-XL's fold 8 T waves have 0.35 as a rule at most
# and beats 0.6 at least, but a simulated ventricular beat on a T wave 0.49.
T_WITHIN_S, T_SHARE = 0.36, 0.4
# Of the median beat. In PTB-XL's fold 8 no beat of 23,900 that other detectors find too has less
# than 0.53, ventricular and paced ones among them, and simulated ventricular beats have 0.38; jumps
# and T waves that the recording begins with have 0.3 at most.
USUAL_SHARE = 0.35
_NEAR_S, _SLOPE_S = 0.08, 0.01


def steep_ones(signal: np.ndarray, at: np.ndarray, rate: float) -> np.ndarray:
    """Return those peaks, of `at`, that are steep enough for a QRS complex.

    Parameters
    ----------
    signal : (leads, n) mV
    at : (peaks,) samples, ascending
    rate : Hz
    """
    if len(at) < 2:
        return at
    steepest = np.maximum(_steepest(signal, at, rate), 1e-9)
    kept = _without_t_waves(steepest, at, round(T_WITHIN_S * rate))
    usual = median(steepest[kept], axis=0)
    return at[kept][median(steepest[kept] / usual, axis=1) >= USUAL_SHARE]


def _steepest(signal: np.ndarray, at: np.ndarray, rate: float) -> np.ndarray:
    """Return the largest slope of each lead near each peak: (peaks, leads)."""
    near, apart = round(_NEAR_S * rate), round(_SLOPE_S * rate)
    places = at[:, None] + np.arange(-near - apart, near + apart + 1)
    windows = signal[:, places.clip(0, signal.shape[1] - 1)]
    return np.abs(windows[..., 2 * apart :] - windows[..., : -2 * apart]).max(axis=-1).T


def _without_t_waves(steepest: np.ndarray, at: np.ndarray, soon: int) -> list[int]:
    kept = [0]
    for peak in range(1, len(at)):
        last = kept[-1]
        is_soon = at[peak] - at[last] < soon
        if not is_soon or np.median(steepest[peak] / steepest[last]) >= T_SHARE:
            kept.append(peak)
    return kept
