"""Heart rate, axis and intervals of an ECG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from protoecg.ecg import ECG, LEADS
from protoecg.measure.delineation import Delineation, MedianBeat, delineate

QTC_FORMULA = "Fridericia"
# Of QT in ms and of the time between beats in seconds: the names as in the guidelines for the
# interpretation of the ECG (Rautaharju et al., JACC 2009).
QTC: dict[str, Callable[[float, float], float]] = {
    "Bazett": lambda qt, rr: qt / rr ** (1 / 2),
    "Fridericia": lambda qt, rr: qt / rr ** (1 / 3),
    "Framingham": lambda qt, rr: qt + 154 * (1 - rr),
    "Hodges": lambda qt, rr: qt + 1.75 * (60 / rr - 60),
}

# Of the median beat: which end of which wave a mark is, and from which mark to which an interval
# lasts.
MARKS = {
    "P onset": ("p", 0),
    "P end": ("p", 1),
    "QRS onset": ("qrs", 0),
    "QRS end": ("qrs", 1),
    "T end": ("t", 1),
}
INTERVALS = {
    "p_ms": ("P onset", "P end"),
    "pr_ms": ("P onset", "QRS onset"),
    "qrs_ms": ("QRS onset", "QRS end"),
    "qt_ms": ("QRS onset", "T end"),
}
_BALANCED = 0.1
_EINTHOVEN = 0.1


@dataclass(frozen=True)
class Measurements:
    """What is measured on an ECG, computed; None where unsure.

    Parameters
    ----------
    heart_rate_bpm : from the mean time between the beats of ten seconds
    axis_deg : of the QRS complex in the frontal plane, -180 to 180
    p_ms, pr_ms, qrs_ms, qt_ms : of the median beat
    qtc : QT corrected for the heart rate, in ms, by the formula's name
    unsure : why a value is None, by the value's name
    """

    heart_rate_bpm: float | None
    axis_deg: float | None
    p_ms: float | None
    pr_ms: float | None
    qrs_ms: float | None
    qt_ms: float | None
    qtc: Mapping[str, float | None]
    unsure: Mapping[str, str]

    @property
    def qtc_ms(self) -> float | None:
        """QTc by `QTC_FORMULA`."""
        return self.qtc[QTC_FORMULA]

    def to_json(self) -> dict[str, Any]:
        """Return all values, `qtc_ms` and its formula among them, as JSON has them."""
        return {**asdict(self), "qtc_ms": self.qtc_ms, "qtc_formula": QTC_FORMULA}


def measure(ecg: ECG) -> Measurements:
    """Measure an ECG's first ten seconds."""
    return measurements(delineate(ecg))


def marked(found: Delineation) -> dict[str, float]:
    """Return the `MARKS` that can be relied on, in seconds from the median beat's start."""
    if found.median is None:
        return {}
    waves = found.median.waves
    return {
        name: getattr(waves, wave)[edge]
        for name, (wave, edge) in MARKS.items()
        if wave not in found.unsure
    }


def measurements(found: Delineation) -> Measurements:
    """Return the measurements that follow from a delineation."""
    reasons = {
        "heart_rate_bpm": found.unsure.get("beats"),
        "axis_deg": _why_axis_unsure(found),
        **{name: _first_reason(found, ends) for name, ends in INTERVALS.items()},
    }
    values: dict[str, Any] = {**dict.fromkeys(reasons), **_values(found, reasons)}
    rr, qt = float(np.mean(found.rr_s or np.nan)), values["qt_ms"]
    qtc = {name: None if qt is None else _rounded(by(qt, rr)) for name, by in QTC.items()}
    return Measurements(
        **values, qtc=qtc, unsure={name: reason for name, reason in reasons.items() if reason}
    )


def _first_reason(found: Delineation, marks: tuple[str, str]) -> str | None:
    waves = (MARKS[mark][0] for mark in marks)
    return next((found.unsure[wave] for wave in waves if wave in found.unsure), None)


def _values(found: Delineation, reasons: Mapping[str, str | None]) -> dict[str, float]:
    values = {}
    if not reasons["heart_rate_bpm"]:
        values["heart_rate_bpm"] = _rounded(60 / float(np.mean(found.rr_s)))
    if found.median is None:
        return values
    if not reasons["axis_deg"]:
        values["axis_deg"] = _rounded(_axis(found.median))
    at = marked(found)
    for name, (start, end) in INTERVALS.items():
        if not reasons[name]:
            values[name] = _rounded(1000 * (at[end] - at[start]))
    return values


def _rounded(value: float) -> float:
    return round(value, 1)


def _limb_areas(median: MedianBeat) -> tuple[np.ndarray, np.ndarray]:
    """Return net and absolute areas of the QRS complex in the limb leads: (6,) mV s each."""
    onset, end = (round(seconds * median.rate) for seconds in median.waves.qrs)
    complexes = median.signal[:6, onset : end + 1]
    # From onset to end the baseline is a straight line.
    line = np.linspace(complexes[:, 0], complexes[:, -1], complexes.shape[1], axis=1)
    heights = (complexes - line) / median.rate
    return heights.sum(axis=1), np.abs(heights).sum(axis=1)


def _why_axis_unsure(found: Delineation) -> str | None:
    if found.median is None or "qrs" in found.unsure:
        return found.unsure["qrs"]
    net, whole = _limb_areas(found.median)
    if abs(net[0] + net[2] - net[1]) > _EINTHOVEN * whole[:3].max():
        return "II is not I + III: check the order, the sign and the gain of the limb leads"
    if np.hypot(*_frontal(net)) < _BALANCED * whole.max():
        return "as much of the QRS complex points up as down in the limb leads"
    return None


def _axis(median: MedianBeat) -> float:
    """Return the direction of the net QRS area, 0 towards I and 90 towards aVF."""
    left, down = _frontal(_limb_areas(median)[0])
    return float(np.degrees(np.arctan2(down, left)))


def _frontal(net: np.ndarray) -> tuple[float, float]:
    # An augmented lead shows the heart's vector by 3 ** 0.5 / 2 smaller than I, II and III do.
    return float(net[LEADS.index("I")]), float(net[LEADS.index("aVF")] * 2 / 3**0.5)


WORDS = {
    "heart_rate_bpm": ("Heart rate", "bpm"),
    "axis_deg": ("QRS axis", "degrees"),
    "p_ms": ("P", "ms"),
    "pr_ms": ("PR", "ms"),
    "qrs_ms": ("QRS", "ms"),
    "qt_ms": ("QT", "ms"),
}


def in_words(measured: Measurements) -> list[tuple[str, str]]:
    """Return each value's name and the value in words, with the reason where there is none."""
    lines = []
    for name, (words, unit) in WORDS.items():
        value = getattr(measured, name)
        text = f"unsure: {measured.unsure[name]}" if value is None else f"{value:.0f} {unit}"
        lines.append((words, text))
    return lines + [
        ("QTc", f"{value:.0f} ms ({formula})")
        for formula, value in measured.qtc.items()
        if value is not None
    ]
