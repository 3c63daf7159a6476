"""Where P and T begin and end in each lead of a beat, by the prominence of its peaks.

After Emrich et al., EUSIPCO (2024) 1402: P is the most prominent maximum of the 300 ms before Q, T
the most prominent extremum from 150 ms after S on, and each ends at the bases of its prominence.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks, peak_prominences

from protoecg.measure.beats import RATE

_R_RISE = round(0.12 * RATE)
_QRS = round(0.18 * RATE)
_PR = round(0.3 * RATE)
_ST = round(0.15 * RATE)
_P_WIDTH = round(0.1 * RATE)
_T_WIDTH = round(0.2 * RATE)


def p_and_t(cycles: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Return onset and end of P, then of T, in each lead: (4, leads) samples, NaN where none.

    Parameters
    ----------
    cycles : (leads, n) mV at `RATE` Hz: one beat, that ends where it begins
    peaks : (leads,) sample of the largest deflection of each QRS complex
    """
    r = cycles.shape[1] // 2
    found = [_of_lead(np.roll(lead, r - peak), r) for lead, peak in zip(cycles, peaks, strict=True)]
    return np.array(found).T + (peaks - r)


def _of_lead(signal: np.ndarray, r: int) -> list[float]:
    """Search one lead whose R peak is at sample `r`."""
    maxima, minima = find_peaks(signal)[0], find_peaks(-signal)[0]
    up, down = _prominences(signal, maxima, r), _prominences(-signal, minima, r)
    q = max(r - _R_RISE, 0)
    q += int(np.argmax(down[q:r]))
    troughs = np.flatnonzero(down[r : q + _QRS])
    s = r + int(troughs[0] if len(troughs) else np.argmin(signal[r : q + _QRS]))
    p = _most_prominent(up, maxima[(maxima >= q - _PR) & (maxima <= q)])
    either = np.concatenate([maxima, minima])
    t = _most_prominent(up + down, either[either >= s + _ST])
    upright = t is None or up[t] > 0
    return [*_bases(signal, p, _P_WIDTH), *_bases(signal if upright else -signal, t, _T_WIDTH)]


def _prominences(signal: np.ndarray, peaks: np.ndarray, r: int) -> np.ndarray:
    """Return the prominence of each sample that is a peak, but for the R peak, and zeros."""
    of_each = np.zeros(len(signal))
    of_each[peaks] = peak_prominences(signal, peaks)[0]
    of_each[r] = 0
    return of_each


def _most_prominent(prominence: np.ndarray, candidates: np.ndarray) -> int | None:
    return max(candidates.tolist(), key=lambda peak: prominence[peak], default=None)


def _bases(signal: np.ndarray, peak: int | None, width: int) -> tuple[float, float]:
    if peak is None:
        return np.nan, np.nan
    _, left, right = peak_prominences(signal, [peak], wlen=width)
    return float(left[0]), float(right[0])
