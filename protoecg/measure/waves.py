"""Where the waves of a median beat begin and end.

QRS from the slopes of all quiet leads together; P and T by two methods in every lead, of which the
median counts: wavelets tend to end a wave early, prominences late, and the median has neither's
bias.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from protoecg.measure import prominences, wavelets
from protoecg.measure.beats import RATE
from protoecg.measure.quantiles import percentile

# A lead rests for a third of a beat at least, between the waves; if it is as steep then as this
# share of its QRS complex, noise (or a complex too small) hides where that begins and ends.
RESTLESS = 0.04
MIN_QUIET = 3

_SLOPE_S = 0.005
_STILL = 0.06
_STEEP = 0.5
_STILL_S = 0.02
_SEARCH_S = (0.15, 0.18)

Marks = dict[str, np.ndarray]


def qrs_bounds(median: np.ndarray, at: int) -> tuple[int, int]:
    """Return first and last sample of the QRS complex of a beat, over all leads that are quiet.

    Where fewer than `MIN_QUIET` are, over all.

    Parameters
    ----------
    median : (leads, n) mV
    at : a sample within the QRS complex
    """
    slopes = _slopes(median, at)
    if len(quiet := slopes[_are_quiet(slopes)]) >= MIN_QUIET:
        slopes = quiet
    speed = np.sqrt(np.mean(slopes**2, axis=0))
    near = round(0.1 * RATE)
    peak = max(at - near, 0) + int(np.argmax(speed[max(at - near, 0) : at + near]))
    before, after = (round(seconds * RATE) for seconds in _SEARCH_S)
    start = max(peak - before, 0)
    onset = peak - _until_still(speed[start : peak + 1][::-1])
    return onset, peak + _until_still(speed[peak : peak + after])


def quiet_leads(median: np.ndarray, at: int) -> int:
    """Return how many leads of a beat are quiet enough to see its QRS complex begin and end."""
    return int(_are_quiet(_slopes(median, at)).sum())


def _are_quiet(slopes: np.ndarray) -> np.ndarray:
    return percentile(np.abs(slopes), 100 / 3, axis=1)[:, 0] <= RESTLESS


def _slopes(median: np.ndarray, at: int) -> np.ndarray:
    """Return how fast the leads move: (leads, n), each relative to the steepest of its QRS."""
    slope = gaussian_filter1d(median, _SLOPE_S * RATE, axis=1, order=1)
    near = round(0.1 * RATE)
    steepest = np.abs(slope[:, max(at - near, 0) : at + near]).max(axis=1, keepdims=True)
    return slope / np.maximum(steepest, 1e-9)


def _until_still(speed: np.ndarray) -> int:
    """Return after how many samples, counted from the peak, the leads come to rest."""
    rest = np.percentile(speed[len(speed) // 2 :], 20)
    share = (speed - rest) / max(speed[0] - rest, 1e-9)
    # A notched complex rests for a moment and goes on as steeply.
    steep = int(np.flatnonzero(share > _STEEP)[-1])
    still = round(_STILL_S * RATE)
    for sample in range(steep + 1, len(share)):
        if (share[sample : sample + still] <= _STILL).all():
            return sample
    return len(share) - 1


def p_and_t_marks(median: np.ndarray, at: int) -> Marks:
    """Return what each method marks in each lead of a median beat.

    Parameters
    ----------
    median : (leads, n) mV
    at : a sample within the QRS complex

    Returns
    -------
    of each of "P_Onsets", "P_Offsets", "T_Onsets", "T_Offsets": (methods * leads,) samples from
    the median beat's start, NaN where nothing was found
    """
    # The beat begins where it ends, so that it can be read as one cycle of many.
    cycle = median - np.linspace(median[:, 0], median[:, -1], median.shape[1], axis=1)
    near = round(0.06 * RATE)
    start = max(at - near, 0)
    peaks = start + np.abs(cycle[:, start : at + near]).argmax(axis=1)
    marks = np.hstack([wavelets.p_and_t(cycle, peaks), prominences.p_and_t(cycle, peaks)])
    return dict(zip(("P_Onsets", "P_Offsets", "T_Onsets", "T_Offsets"), marks, strict=True))
