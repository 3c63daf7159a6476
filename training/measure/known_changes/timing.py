"""Changes of when waves come: intervals, early beats and pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from protoecg.ecg import ECG
from protoecg.simulate import simulate
from training.measure.known_changes.subject import Changed, Span, Subject, Waves, rise

# What must be left between a T wave and the next P wave.
SPARE_S = 0.03
_EDGE_S = 0.02
# How much higher the complexes of premature ventricular beats are than the others.
_ECTOPIC_HEIGHT = 1.3
_SEED = 7000

# From which time of the ECG a time of the changed ECG is taken.
Knot = tuple[float, float]


def longer_pr(subject: Subject, ms: float) -> Changed | None:
    """Let P waves come earlier until PR is so long; None where there is no room for it."""
    by = (ms - subject.values["pr"]) / 1000
    if by <= 0 or by > subject.gap_s - SPARE_S:
        return None
    knots, spans = [], []
    for before, beat in subject.pairs():
        onset = beat.qrs[0]
        end = min(beat.p[1], onset - _EDGE_S)
        early = [(time - by, time) for time in (beat.p[0], end)]
        knots += [(before.t[1], before.t[1]), *early, (onset, onset)]
        spans.append((beat.p[0] - by, onset))
    return Changed(_warped(subject, knots), np.array(spans))


def wider_qrs(subject: Subject, ms: float) -> Changed | None:
    """Stretch QRS complexes until they are so wide; ST and T come later by as much."""
    by = (ms - subject.values["qrs"]) / 1000
    return _later(subject, by, stretched="qrs")


def longer_qt(subject: Subject, qtc_ms: float) -> Changed | None:
    """Stretch ST and T until QTc (Fridericia) is so long."""
    rr = float(np.mean(subject.rr_s))
    by = (qtc_ms - subject.values["qtc"]) / 1000 * rr ** (1 / 3)
    return _later(subject, by, stretched="t")


def _later(subject: Subject, by: float, stretched: str) -> Changed | None:
    """Let T waves end later by stretching what comes before, into the pause before the next P."""
    if by <= 0 or by > subject.gap_s - SPARE_S:
        return None
    knots, spans = [], []
    for beat, after in subject.pairs():
        j, t_end, p = beat.qrs[1], beat.t[1], after.p[0]
        moved = j + by if stretched == "qrs" else j
        start = beat.qrs[0] if stretched == "qrs" else j
        knots += [(beat.qrs[0], beat.qrs[0]), (moved, j), (t_end + by, t_end), (p, p)]
        spans.append((start, moved if stretched == "qrs" else t_end + by))
    return Changed(_warped(subject, knots), np.array(spans))


def _warped(subject: Subject, knots: Sequence[Knot]) -> ECG:
    to, taken = np.array(knots).T
    times = subject.times
    inside = (times >= to[0]) & (times <= to[-1])
    signal = subject.signal
    signal[:, inside] = CubicSpline(times, signal, axis=1)(np.interp(times[inside], to, taken))
    return subject.changed(signal)


def early_beats(subject: Subject, share: float, count: int) -> Changed | None:
    """Let so many beats, P waves and all, come earlier by a share of RR; the next are in time."""
    by = round(share * _usual_rr(subject) * subject.ecg.rate)
    signal, spans = subject.signal, []
    for beat in _some(subject, count):
        moved = _taken(subject, subject.signal, beat.whole)
        signal += np.roll(moved, -by, axis=1) - moved
        spans.append([time - by / subject.ecg.rate for time in beat.whole])
    return Changed(subject.changed(signal), np.array(spans)) if len(spans) == count else None


def ectopic_beats(subject: Subject, share: float, count: int) -> Changed | None:
    """Put a simulated ventricular beat in the place of so many beats, early by a share of RR."""
    shape, long_s = _ventricular(subject)
    signal, spans = subject.signal, []
    for beat in _some(subject, count):
        signal -= _taken(subject, subject.signal, beat.whole)
        start = round((beat.qrs[0] - share * _usual_rr(subject)) * subject.ecg.rate)
        signal[:, start : start + shape.shape[1]] += shape
        onset = start / subject.ecg.rate
        spans.append((onset, onset + long_s))
    return Changed(subject.changed(signal), np.array(spans)) if len(spans) == count else None


def _ventricular(subject: Subject) -> tuple[np.ndarray, float]:
    """Return a premature ventricular beat as high as fits, (12, n) mV, and how long it is."""
    made = simulate(["PVC", "SR"], seed=_SEED, rate=subject.ecg.rate, noise_level=0)
    event = next(e for e in made.events if e.kind == "PVC" and e.onset_s > _EDGE_S)
    span = event.onset_s, event.offset_s
    whole = _beside_line(np.arange(made.ecg.signal.shape[1]) / made.ecg.rate, made.ecg.signal, span)
    inside = slice(*(round(time * made.ecg.rate) for time in span))
    shape = whole[:, inside]
    usual = max(subject.values["limb_voltage"], subject.values["chest_voltage"])
    return _ECTOPIC_HEIGHT * usual / np.ptp(shape, axis=1).max() * shape, span[1] - span[0]


def missing_beats(subject: Subject, count: int) -> Changed | None:
    """Leave so many beats in a row out, P waves and all: a pause."""
    return _left_out(subject, count, lambda beat: beat.whole)


def dropped_complex(subject: Subject) -> Changed | None:
    """Leave one QRS complex and its T wave out, not the P wave."""
    return _left_out(subject, 1, lambda beat: (beat.qrs[0], beat.t[1]))


def _left_out(subject: Subject, count: int, of_beat: Callable[[Waves], Span]) -> Changed | None:
    inner = subject.inner()
    if len(inner) < count:
        return None
    first = inner[(len(inner) - count) // 2]
    gone = subject.beats[first : first + count]
    signal = subject.signal
    for beat in gone:
        signal -= _taken(subject, signal, of_beat(beat))
    span = subject.beats[first - 1].t[1], subject.beats[first + count].qrs[0]
    return Changed(subject.changed(signal), np.array([span]))


def _some(subject: Subject, count: int) -> Iterator[Waves]:
    """Return so many beats, at least two apart and evenly spread; fewer where there are not."""
    inner = subject.inner()[::2]
    chosen = np.linspace(0, len(inner) - 1, count + 2)[1:-1].round().astype(int)
    yield from (subject.beats[inner[at]] for at in sorted(set(chosen)))


def _usual_rr(subject: Subject) -> float:
    return float(np.median(subject.rr_s))


def _taken(subject: Subject, signal: np.ndarray, span: Span) -> np.ndarray:
    return _beside_line(subject.times, signal, span)


def _beside_line(times: np.ndarray, signal: np.ndarray, span: Span) -> np.ndarray:
    """Return what of a span lies beside the line between its ends, 0 elsewhere: (12, n)."""
    start, end = span[0] - _EDGE_S, span[1] + _EDGE_S
    ends = np.clip(np.searchsorted(times, (start, end)), 0, len(times) - 1)
    share = np.clip((times - times[ends[0]]) / (times[ends[1]] - times[ends[0]]), 0, 1)
    levels = [signal[:, [end]] for end in ends]
    line = levels[0] * (1 - share) + levels[1] * share
    window = rise(times, start, span[0]) * (1 - rise(times, span[1], end))
    return (signal - line) * window
