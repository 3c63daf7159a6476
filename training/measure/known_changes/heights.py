"""Changes of how high waves are: ST, T, all voltages, and the axis of the QRS complex."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.measure.known_changes.subject import EIGHT, Changed, Span, Subject, on_leads, rise

# Shares of a change that I, II and V1 to V6 take; II is I and III, so that half of what I takes
# leaves aVF alone.
REGIONS = {
    "V1 to V4": (0, 0, 1, 1, 1, 1, 0, 0),
    "V2 to V5": (0, 0, 0, 1, 1, 1, 1, 0),
    "II, III, aVF": (0, 1, 0, 0, 0, 0, 0, 0),
    "I, aVL, V5, V6": (1, 0.5, 0, 0, 0, 0, 1, 1),
}
# The level is reached so soon after the QRS complex, and falls from there to the end of T.
_REACHED_S, _LEVEL_S = 0.01, 0.1
_QRS_EDGE_S = 0.02
# Within which share of ST and T their turning over sets in.
_SOON = 0.3


def st_level(subject: Subject, region: str, mv: float) -> Changed:
    """Raise the ST segments of a region's leads by so much, down to the end of T."""
    shape, spans = np.zeros_like(subject.times), []
    for beat in subject.beats:
        end = beat.qrs[1]
        # Within the complex, so that it does not look like a longer one.
        up = rise(subject.times, sum(beat.qrs) / 2, end + _REACHED_S)
        shape += up * (1 - rise(subject.times, end + _LEVEL_S, beat.t[1]))
        spans.append((end, beat.t[1]))
    share = np.array(REGIONS[region], dtype=float)
    signal = subject.signal + mv * np.outer(on_leads(share), shape)
    return Changed(subject.changed(signal), _within(subject, spans))


def t_inverted(subject: Subject, region: str, mv: float) -> Changed:
    """Turn what follows the QRS complexes over in a region's leads, so that T is so deep."""
    wave, heights = _after_qrs(subject)
    by = -np.array(REGIONS[region]) * (heights[EIGHT] + mv)
    shape = np.zeros_like(subject.times)
    for beat in subject.beats:
        at = (subject.times - beat.qrs[1]) / (beat.t[1] - beat.qrs[1])
        shape += np.interp(at, np.linspace(0, 1, len(wave)), wave, left=0, right=0)
    signal = subject.signal + np.outer(on_leads(by), shape)
    return Changed(subject.changed(signal), _within(subject, [beat.t for beat in subject.beats]))


def _after_qrs(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Return what ST and T have in common, 1 at its peak, and its height in each lead."""
    median, usual = subject.median, subject.usual
    onset, start, end = (round(s * median.rate) for s in (*usual.qrs, usual.t[1]))
    wave = median.signal[:, start : end + 1] - median.signal[:, [onset]]
    share = np.linspace(0, 1, wave.shape[1])
    wave = wave * rise(share, 0, _SOON) * (1 - rise(share, 1 - _SOON / 2, 1))
    common = np.linalg.svd(wave, full_matrices=False)[2][0]
    common = common / common[np.abs(common).argmax()]
    return common, wave @ common / (common @ common)


def low_voltage(subject: Subject, mv: float) -> Changed:
    """Scale all leads until no limb lead's QRS is above so much, no chest lead's above twice."""
    of_limbs, of_chest = (subject.values[f"{part}_voltage"] for part in ("limb", "chest"))
    factor = min(mv / of_limbs, 2 * mv / of_chest)
    spans = [beat.qrs for beat in subject.beats]
    return Changed(subject.changed(factor * subject.signal), _within(subject, spans))


def axis(subject: Subject, degrees: float) -> Changed:
    """Turn the QRS complexes in the frontal plane until their axis is so many degrees."""
    turn = np.radians(degrees - subject.values["axis"])
    signal, times = subject.signal, subject.times
    for beat in subject.beats:
        near = (times >= beat.qrs[0] - _QRS_EDGE_S) & (times <= beat.qrs[1] + _QRS_EDGE_S)
        signal[:, near] = on_leads(_turned(signal[:, near], turn))
    return Changed(subject.changed(signal), _within(subject, [beat.qrs for beat in subject.beats]))


def _turned(complexes: np.ndarray, radians: float) -> np.ndarray:
    """Turn what of (12, n) is above the line from its first to its last sample: (8, n)."""
    eight = complexes[EIGHT]
    line = np.linspace(complexes[:, 0], complexes[:, -1], complexes.shape[1], axis=1)
    left, down = (complexes - line)[[0, 5]] * [[1.0], [2 / 3**0.5]]
    cos, sin = np.cos(radians), np.sin(radians)
    left, down = cos * left - sin * down, sin * left + cos * down
    eight[:2] = line[:2] + [left, 3**0.5 / 2 * down + left / 2]
    return eight


def _within(subject: Subject, spans: Sequence[Span]) -> np.ndarray:
    """Return the spans that lie wholly within the recording: (k, 2)."""
    last = subject.times[-1]
    return np.array([span for span in spans if span[0] >= 0 and span[1] <= last]).reshape(-1, 2)
