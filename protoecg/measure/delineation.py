"""Where P, QRS and T of each beat lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from protoecg.ecg import ECG, LEADS
from protoecg.measure.beats import RATE, Beats, find_beats
from protoecg.measure.quantiles import median as median_of
from protoecg.measure.quantiles import percentile as percentile_of
from protoecg.measure.waves import MIN_QUIET, Marks, p_and_t_marks, qrs_bounds, quiet_leads

Span = tuple[float, float]

MIN_ALIKE = 3
MIN_SHARE = 1 / 3
QRS_S = (0.05, 0.25)
PR_S = (0.07, 0.45)
MIN_T_S = 0.08
# Marks of the leads that lie further apart than this (quartile to quartile) say little.
P_SPREAD_S = 0.08
T_SPREAD_S = 0.12
# A lead that the last of the T wave is at right angles to shows its end too early. In both halves
# of LUDB's odd records 55 is nearer to the experts than 60 is.
T_END_PERCENTILE = 55
# How alike the stretches before the QRS complexes must be; irregular beats need more, as flutter
# and coarse fibrillation look alike for a few beats.
P_ALIKE, P_ALIKE_IRREGULAR = 0.65, 0.9
IRREGULAR = 0.15
# No ventricle contracts again so soon, and then rests for longer: of 6,500 ECGs of PTB-XL only
# paced ones show it, whose spikes are counted.
CLOSE_S, REST, MOST_CLOSE = 0.26, 1.5, 1

_BEFORE_S, _AFTER_S = 0.4, 0.7


@dataclass(frozen=True)
class Beat:
    """Onset and end of a beat's waves in seconds; None for a wave that is not there or unsure."""

    qrs: Span
    p: Span | None = None
    t: Span | None = None


@dataclass(frozen=True, eq=False)
class MedianBeat:
    """What the beats alike have in common.

    Parameters
    ----------
    signal : (12, n) mV, without slow baseline and without what is above 40 Hz
    rate : Hz
    waves : seconds from the start of `signal`
    count : of how many beats it is the median
    lead_marks : seconds from the start of `signal`, each (methods, 12), NaN where a method found
        none: what onset and end of `waves.p` and `waves.t` are the middle of, by the names of
        `protoecg.measure.waves.p_and_t_marks`; empty where the QRS complex has no clear bounds
    steady : how alike what precedes the QRS complexes is, -1 to 1: high with steady P waves
    """

    signal: np.ndarray
    rate: float
    waves: Beat
    count: int
    lead_marks: Marks = field(default_factory=dict)
    steady: float = 0.0

    @property
    def before_s(self) -> float:
        """How much of it lies before its QRS onset, s."""
        return max(self.waves.qrs[0], 0.0)

    def from_onset(self, before_s: float) -> np.ndarray:
        """Return it from so many seconds before its QRS onset on, around its level there."""
        onset = round(self.waves.qrs[0] * self.rate)
        first = max(onset - round(before_s * self.rate), 0)
        level = self.signal[:, min(max(onset, 0), self.signal.shape[1] - 1), None]
        return self.signal[:, first:] - level


@dataclass(frozen=True, eq=False)
class Delineation:
    """The beats of an ECG's first ten seconds.

    Parameters
    ----------
    beats : in order of time, seconds from the ECG's start; where a beat's shape is that of most,
        its waves lie as in the median beat, otherwise only its QRS complex is given
    median : None where no three beats are alike
    rr_s : times between beats, seconds
    alike : of each beat, whether its shape is that of most
    unsure : why "beats", "qrs", "p" or "t" cannot be relied on; empty where all can
    """

    beats: tuple[Beat, ...]
    median: MedianBeat | None
    rr_s: tuple[float, ...]
    unsure: Mapping[str, str] = field(default_factory=dict)
    alike: tuple[bool, ...] = ()


def delineate(ecg: ECG) -> Delineation:
    """Find the waves of each beat of an ECG's first ten seconds."""
    beats = find_beats(ecg)
    if reason := _why_beats_unsure(beats):
        return Delineation((), None, (), dict.fromkeys(("beats", "qrs", "p", "t"), reason))
    before, after = _window(beats)
    cut = beats.cut(before, after)
    if len(cut) < 2:
        reason = "fewer than two beats lie wholly within the recording"
        rest = dict.fromkeys(("qrs", "p", "t"), reason)
        return Delineation((), None, tuple(beats.rr_s), rest)
    middle = median_of(cut, axis=0)
    onset, end = (sample / RATE for sample in qrs_bounds(middle[beats.usable], before))
    steady = alike_before(cut[:, beats.usable, : round((onset - 0.01) * RATE)])
    waves, unsure, marks = _waves(beats, middle, before, (onset, end), steady)
    placed = tuple(_placed(beats, index, waves, before) for index in range(len(beats.at)))
    by_lead = {name: _of_all_leads(values, beats.usable) for name, values in marks.items()}
    median = MedianBeat(middle, RATE, waves, len(cut), by_lead, steady)
    return Delineation(placed, median, tuple(beats.rr_s), unsure, tuple(beats.alike.tolist()))


def _why_beats_unsure(beats: Beats) -> str | None:
    found, alike = len(beats.at), int(beats.alike.sum())
    if found < MIN_ALIKE:
        return f"fewer than {MIN_ALIKE} beats were found in ten seconds"
    if alike < max(MIN_ALIKE, MIN_SHARE * found):
        return f"only {alike} of {found} beats resemble each other: noise, or a changing rhythm"
    if _close_pairs(beats.rr_s) > MOST_CLOSE:
        return "beats come in pairs too close for a heart: spikes of a pacemaker, or T waves"
    return None


def _close_pairs(rr_s: np.ndarray) -> int:
    """Return how often two beats come close together, and the one before or after them late."""
    padded = np.pad(rr_s, 1)
    late = np.maximum(padded[:-2], padded[2:]) > REST * rr_s
    return int(((rr_s < CLOSE_S) & late).sum())


def _window(beats: Beats) -> tuple[int, int]:
    """Return how much of a median beat lies before and after its QRS, in samples."""
    rr = float(np.median(beats.rr_s))
    before, after = min(_BEFORE_S, 0.5 * rr + 0.08), min(_AFTER_S, 0.85 * rr)
    return round(before * RATE), round(after * RATE)


def _waves(
    beats: Beats, median: np.ndarray, at: int, qrs: Span, steady: float
) -> tuple[Beat, dict[str, str], Marks]:
    """Return the waves of the median beat, the doubts, and the marks that the waves rest on.

    All times are seconds from the median beat's start.
    """
    onset, end = qrs
    seen = median[beats.usable]
    if reason := _why_qrs_unsure(end - onset, quiet_leads(seen, at)):
        return Beat(qrs), dict.fromkeys(("qrs", "p", "t"), reason), {}
    found = p_and_t_marks(seen, at)
    marks = {name: values / RATE for name, values in found.items()}
    reasons = {
        "p": _why_p_unsure(beats, steady, marks, onset),
        "t": _why_t_unsure(marks, end),
    }
    unsure = {wave: reason for wave, reason in reasons.items() if reason}
    p = None if "p" in unsure else _span(marks["P_Onsets"], marks["P_Offsets"], 50)
    t = None if "t" in unsure else _span(marks["T_Onsets"], marks["T_Offsets"], T_END_PERCENTILE)
    beat = Beat(qrs, p and (p[0], min(p[1], onset)), t and (max(t[0], end), t[1]))
    return beat, unsure, marks


def _why_qrs_unsure(lasts_s: float, quiet: int) -> str | None:
    if quiet < MIN_QUIET:
        return "noise, or the waves beside it, hide where the QRS complex begins and ends"
    if not QRS_S[0] <= lasts_s <= QRS_S[1]:
        return f"the QRS complex has no clear bounds ({1000 * lasts_s:.0f} ms)"
    return None


def _of_all_leads(marks: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Put the marks of the usable leads, method by method, into a row of twelve each."""
    rows = marks.reshape(-1, len(usable))
    whole = np.full((len(rows), len(LEADS)), np.nan)
    whole[:, usable] = rows
    return whole


def _span(onsets: np.ndarray, ends: np.ndarray, percentile: float) -> Span:
    return _of_known(onsets, 50), _of_known(ends, percentile)


def _of_known(marks: np.ndarray, percentile: float) -> float:
    """Return a percentile of the marks that there are."""
    return float(percentile_of(marks[~np.isnan(marks)], percentile, axis=0)[0])


def _why_p_unsure(beats: Beats, steady: float, marks: Marks, qrs_onset: float) -> str | None:
    if steady < P_ALIKE:
        return "no P wave comes before most beats alike"
    changes = np.abs(np.diff(beats.rr_s)) / np.median(beats.rr_s)
    if len(changes) and np.median(changes) > IRREGULAR and steady < P_ALIKE_IRREGULAR:
        return "the rhythm is irregular and no P wave comes steadily before the beats"
    if _seldom(marks["P_Onsets"]) or _seldom(marks["P_Offsets"]):
        return "few leads show a P wave"
    if _spread(marks["P_Onsets"]) > P_SPREAD_S:
        return "the leads disagree about where the P wave begins"
    if not PR_S[0] <= qrs_onset - _of_known(marks["P_Onsets"], 50) <= PR_S[1]:
        return "the P wave lies oddly close to the QRS complex, or far from it"
    return None


def _why_t_unsure(marks: Marks, qrs_end: float) -> str | None:
    if _seldom(marks["T_Onsets"]) or _seldom(marks["T_Offsets"]):
        return "few leads show a T wave"
    if _spread(marks["T_Offsets"]) > T_SPREAD_S:
        return "the leads disagree about where the T wave ends"
    if _of_known(marks["T_Offsets"], 50) < qrs_end + MIN_T_S:
        return "the T wave ends oddly close to the QRS complex"
    return None


def _seldom(marks: np.ndarray) -> bool:
    return bool(np.isnan(marks).mean() > 0.5)


def _spread(marks: np.ndarray) -> float:
    return _of_known(marks, 75) - _of_known(marks, 25)


def alike_before(stretches: np.ndarray) -> float:
    """Return how each beat's stretch correlates with the mean of the others: their median.

    Parameters
    ----------
    stretches : (beats, leads, n) mV, from where a P wave may begin to the QRS complex
    """
    recent = stretches[..., -round(0.2 * RATE) :]
    line = np.linspace(-1, 1, recent.shape[-1])
    level = recent - recent.mean(axis=-1, keepdims=True)
    level = level - (level @ line / (line @ line))[..., None] * line
    level = level / np.maximum(level.std(axis=(0, 2), keepdims=True), 1e-9)
    others = level.sum(axis=0) - level
    product = np.sum(level * others, axis=(1, 2))
    lengths = np.linalg.norm(level, axis=(1, 2)) * np.linalg.norm(others, axis=(1, 2))
    return float(np.median(product / np.maximum(lengths, 1e-9)))


def _placed(beats: Beats, index: int, waves: Beat, before: int) -> Beat:
    """Return the waves of one beat in seconds from the ECG's start."""
    at = int(beats.at[index])
    if not beats.alike[index]:
        onset, end = qrs_bounds(beats.signal[beats.usable], at)
        return Beat((onset / RATE, end / RATE))
    start, last = (at - before) / RATE, beats.signal.shape[1] / RATE
    qrs = (max(start + waves.qrs[0], 0.0), min(start + waves.qrs[1], last))
    return Beat(qrs, _moved(waves.p, start, last), _moved(waves.t, start, last))


def _moved(span: Span | None, by: float, last: float) -> Span | None:
    """Return a span later by `by` seconds, or None where an end of the recording cuts it."""
    if span is None or span[0] + by < 0 or span[1] + by > last:
        return None
    return span[0] + by, span[1] + by
