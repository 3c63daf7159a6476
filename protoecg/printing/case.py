"""The leading case on a printed page: its beats under the patient's, lead by lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from reportlab.pdfgen.canvas import Canvas

from protoecg import wording
from protoecg.ecg import ECG, LEADS
from protoecg.explanation import Explanation, Finding, Match
from protoecg.measure import delineate
from protoecg.printing.ink import rule, stroke
from protoecg.printing.text import write
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable
from protoecg.sheet.colours import LIGHT
from protoecg.sheet.strokes import Point
from protoecg.sheet.view import abreast
from protoecg.summary import summarised

MM_PER_S = 25.0
GAINS = (10.0, 5.0, 2.5)
COLUMNS, ROWS = 4, 3
# Of whole strips, whose beats do not fall on the same moments, these leads are set side by side.
STRIP_LEADS = ("II", "V1")
NAMES_MM = 15.0
PATIENT, CASE = (LIGHT.query, 0.25), (LIGHT.prototype, 0.6)


@dataclass(frozen=True, eq=False)
class PrintedCase:
    """The match that is looked at first, and the ECG that it is with.

    Parameters
    ----------
    finding : that it speaks for
    ecg : of the prototype; None where it is not on this machine
    """

    finding: Finding
    match: Match
    ecg: ECG | None

    @property
    def marked_s(self) -> tuple[float, float] | None:
        """The patient's window in seconds; None where it is the whole strip."""
        window_s = self.match.window_s
        return None if wording.is_whole_strip(window_s) else window_s


def leading_case(explanation: Explanation, waveforms: Waveforms) -> PrintedCase | None:
    """Return the case to look at first; None where no finding rests on one."""
    leading = summarised(explanation).leading
    if leading is None:
        return None
    finding, match = leading
    try:
        return PrintedCase(finding, match, waveforms.load(match.prototype))
    except WaveformUnavailable:
        return PrintedCase(finding, match, None)


def draw_case(
    canvas: Canvas,
    ecg: ECG,
    case: PrintedCase,
    corner: tuple[float, float],
    size: tuple[float, float],
) -> str:
    """Draw both ECGs' beats from an upper left corner, and say in words how they are drawn."""
    if case.ecg is None:
        return "Its ECG is not on this machine, so its beat is not shown."
    canvas.saveState()
    width, height = size
    canvas.translate(corner[0], corner[1] - height)
    frame = canvas.beginPath()
    frame.rect(0, 0, width, height)
    canvas.clipPath(frame, stroke=0, fill=0)
    rule(canvas, width, height)
    caption = _laid_over(canvas, ecg, case, case.ecg, size)
    canvas.restoreState()
    return caption


def _laid_over(
    canvas: Canvas, ecg: ECG, case: PrintedCase, source: ECG, size: tuple[float, float]
) -> str:
    """Draw what the screen shows first: the beats that are compared, median beats, or strips."""
    if case.marked_s:
        cut = ((source, case.match.prototype.window_s), (ecg, case.match.window_s))
        windows = [(_around_median(each, window_s), each.rate) for each, window_s in cut]
        return f"{_beats(canvas, windows, size)}, around each lead's median."
    # What the rhythm branch reads is between the beats, everything else in them.
    if case.finding.branch != "rhythm":
        medians = [m for m in (delineate(source).median, delineate(ecg).median) if m]
        if len(medians) == len((source, ecg)):
            before = min(median.before_s for median in medians)
            whole = [(median.from_onset(before), median.rate) for median in medians]
            return f"{_beats(canvas, whole, size)}. Median beats, aligned at the QRS onset."
    return _strips(canvas, ecg, source, size)


# A beat in twelve leads, (12, n) mV, and its sampling rate.
_Beat = tuple[np.ndarray, float]


def _beats(canvas: Canvas, both: Sequence[_Beat], size: tuple[float, float]) -> str:
    """Lay the case's beat and the patient's on it, as much of them as there is room for."""
    across, high = size[0] / COLUMNS, size[1]
    both = [(values[:, : round(across / MM_PER_S * rate)], rate) for values, rate in both]
    rows = abreast(LEADS, COLUMNS)
    gain, zeros = _placed([_reach([values for values, _ in both], row) for row in rows], high)
    for leads, zero in zip(rows, zeros, strict=True):
        for column, lead in enumerate(leads):
            at = column * across, zero
            for (values, rate), pen in zip(both, (CASE, PATIENT), strict=True):
                _line(canvas, values[LEADS.index(lead)], rate, at, gain, pen)
            write(canvas, lead, (at[0] + 0.8, zero + 1.2), across, bold=True)
    _part(canvas, [across * column for column in range(1, COLUMNS)], high)
    return f"Patient (black, thin) over case (blue). {_scale(gain)}"


def _reach(both: Sequence[np.ndarray], leads: Sequence[str]) -> tuple[float, float]:
    """Return how far a row reaches down and up, mV."""
    rows = [LEADS.index(lead) for lead in leads]
    own = np.concatenate([values[rows].ravel() for values in both])
    return float(own.min()), float(own.max())


def _placed(reach: Sequence[tuple[float, float]], high: float) -> tuple[float, list[float]]:
    """Return the gain at which rows find room, and the height of each one's zero, mm."""
    needed = sum(up - down for down, up in reach)
    gain, zeros, top = _gain(needed, high), list[float](), high
    spare = (high - gain * needed) / len(reach)
    for down, up in reach:
        zeros.append(top - spare / 2 - gain * up)
        top = zeros[-1] + gain * down - spare / 2
    return gain, zeros


def _part(canvas: Canvas, places: Sequence[float], high: float) -> None:
    canvas.setStrokeColor(LIGHT.faint_ink)
    canvas.setLineWidth(0.15)
    for x in places:
        canvas.line(x, 0, x, high)


def _strips(canvas: Canvas, ecg: ECG, source: ECG, size: tuple[float, float]) -> str:
    """Set the beginnings of both side by side."""
    seconds = (size[0] - NAMES_MM) / MM_PER_S
    cut = [(_around_median(each, (0.0, seconds)), each.rate) for each in (ecg, source)]
    named = list(zip(("patient", "case"), cut, (PATIENT[0], CASE[0]), strict=True))
    rows = [(lead, *of) for lead in STRIP_LEADS for of in named]
    gain, zeros = _placed([_reach([values], [lead]) for lead, _, (values, _), _ in rows], size[1])
    for (lead, name, (values, rate), colour), zero in zip(rows, zeros, strict=True):
        # Both thin: nothing lies under them, and a P wave would drown in a broad line.
        strip, pen = values[LEADS.index(lead)], (colour, PATIENT[1])
        _line(canvas, strip, rate, (NAMES_MM, zero), gain, pen)
        write(canvas, f"{lead} {name}", (0.8, zero), NAMES_MM - 1, bold=True, colour=colour)
    return f"The first {seconds:.1f} s of both, as the whole strip is compared. {_scale(gain)}."


def _around_median(ecg: ECG, window_s: tuple[float, float]) -> np.ndarray:
    values = ecg.signal[:, ecg.samples(*window_s)]
    return values - np.median(values, axis=1, keepdims=True)


def _gain(reach: float, height: float) -> float:
    """Return the largest usual gain, mm/mV, at which `reach` mV fit into `height` mm."""
    return next((gain for gain in GAINS if gain * reach <= height), GAINS[-1])


def _scale(gain: float) -> str:
    return f"{MM_PER_S:g} mm/s, {gain:g} mm/mV"


def _line(
    canvas: Canvas,
    values: np.ndarray,
    rate: float,
    zero: Point,
    gain: float,
    pen: tuple[str, float],
) -> None:
    """Draw a lead from a point on, with a pen of a colour and a width."""
    canvas.setStrokeColor(pen[0])
    canvas.setLineWidth(pen[1])
    across = zero[0] + MM_PER_S * np.arange(len(values)) / rate
    up = zero[1] + gain * values
    stroke(canvas, list(zip(across.tolist(), up.tolist(), strict=True)))
