"""Lines on the paper, the calibration pulse too, as points (s, mV); nan lifts the pen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from protoecg.sheet.pieces import Piece
from protoecg.sheet.view import LARGE_MM, PULSE_MV, PULSE_S, View

Point = tuple[float, float]
GAP: Point = (np.nan, np.nan)
SEPARATOR_MM = 3.0


def calibration_pulse(start_s: float, offset: float, view: View) -> list[Point]:
    """1 mV for 0.2 s, with a foot of one millimetre on each side."""
    end_s, foot_s = start_s + PULSE_S, view.s(1)
    steps = [
        (start_s - foot_s, 0.0),
        (start_s, 0.0),
        (start_s, PULSE_MV),
        (end_s, PULSE_MV),
        (end_s, 0.0),
        (end_s + foot_s, 0.0),
    ]
    return [*((x, offset + y) for x, y in steps), GAP]


def before_zero(view: View) -> tuple[float, float]:
    """Where the paper and its pulse begin, in seconds: the pulse has 5 mm on each side."""
    pulse_s = -PULSE_S - view.s(LARGE_MM)
    return pulse_s - view.s(LARGE_MM), pulse_s


def vertical(at_s: float, low_mv: float, high_mv: float) -> list[Point]:
    """Return a vertical stroke."""
    return [(at_s, low_mv), (at_s, high_mv), GAP]


def rectangle(seconds: tuple[float, float], millivolts: tuple[float, float]) -> list[Point]:
    """Return a closed rectangle."""
    (left, right), (low, high) = seconds, millivolts
    return [(left, low), (left, high), (right, high), (right, low), (left, low), GAP]


def row_marks(pieces: Iterable[Piece], pulse_s: float, view: View) -> list[Point]:
    """Return the calibration pulse before each row, and a stroke where another lead begins."""
    points: list[Point] = []
    half = view.mv(SEPARATOR_MM)
    for piece in pieces:
        if piece.start_s == 0:
            points += calibration_pulse(pulse_s, piece.offset, view)
        else:
            points += vertical(piece.start_s, piece.offset - half, piece.offset + half)
    return points
