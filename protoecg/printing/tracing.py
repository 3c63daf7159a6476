"""The tracing on a printed page, in true millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from reportlab.pdfgen.canvas import Canvas

from protoecg import wording
from protoecg.ecg import ECG, LEADS
from protoecg.printing.matches import PrintedMatch
from protoecg.printing.text import BOLD, LEADING, line, write
from protoecg.sheet.colours import LIGHT
from protoecg.sheet.pieces import Piece, fitted, print_pieces, printed_line
from protoecg.sheet.strokes import Point, row_marks
from protoecg.sheet.view import LARGE_MM, View

# Lengths are millimetres, of the page and of the tracing.
VIEW = View()
MM_PER_S, MM_PER_MV = VIEW.speed, VIEW.gain
GRID_WIDTH, GRID_HEIGHT = 265.0, 115.0
ZERO_MM = 10.0
PULSE_S = -0.28
FAR_MV = 1.0


def draw_ecg(
    canvas: Canvas, ecg: ECG, matches: Sequence[PrintedMatch], corner: tuple[float, float]
) -> None:
    """Draw the tracing on its paper, whose lower left corner is given."""
    canvas.saveState()
    canvas.translate(*corner)
    frame = canvas.beginPath()
    frame.rect(0, 0, GRID_WIDTH, GRID_HEIGHT)
    canvas.clipPath(frame, stroke=0, fill=0)
    _rule(canvas, 1.0, LIGHT.small_squares, 0.1)
    _mark(canvas, matches)
    _rule(canvas, LARGE_MM, LIGHT.large_squares, 0.15)
    near, moved = _near_zero(ecg)
    _trace(canvas, fitted(print_pieces(near, VIEW), VIEW, GRID_HEIGHT / MM_PER_MV))
    write(canvas, [line(moved + printed_line(ecg, VIEW))], (2, LEADING), GRID_WIDTH - 4)
    canvas.restoreState()


def _trace(canvas: Canvas, pieces: Sequence[Piece]) -> None:
    canvas.setStrokeColor(LIGHT.ink)
    canvas.setLineWidth(0.25)
    canvas.setLineJoin(1)
    _stroke(canvas, row_marks(pieces, PULSE_S, VIEW))
    for piece in pieces:
        times, heights = piece.points
        _stroke(canvas, list(zip(times.tolist(), heights.tolist(), strict=True)))
        at = _across(piece.start_s) + 1, MM_PER_MV * (piece.offset + _above(piece)) + LEADING
        write(canvas, [line(piece.lead, font=BOLD)], at, GRID_WIDTH)


def _across(seconds: float) -> float:
    return ZERO_MM + MM_PER_S * seconds


def _rule(canvas: Canvas, pitch: float, colour: str, width: float) -> None:
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(width)
    across, up = np.arange(0, GRID_WIDTH + 1, pitch), np.arange(0, GRID_HEIGHT + 1, pitch)
    canvas.grid(across.tolist(), up.tolist())


def _near_zero(ecg: ECG) -> tuple[ECG, str]:
    """Bring leads of a far baseline back onto the page; return what is printed about that."""
    medians = np.median(ecg.signal, axis=1)
    far = np.abs(medians) > FAR_MV
    if not far.any():
        return ecg, ""
    moved = ", ".join(lead for lead, is_far in zip(LEADS, far, strict=True) if is_far)
    near = replace(ecg, signal=ecg.signal - np.where(far, medians, 0.0)[:, None])
    return near, f"baseline moved to zero in {moved}   "


def _mark(canvas: Canvas, matches: Sequence[PrintedMatch]) -> None:
    """Shade the windows of matches, and number them along the upper edge."""
    numbers: dict[tuple[float, float], list[str]] = {}
    for shown in matches:
        if not wording.is_whole_strip(shown.match.window_s):
            numbers.setdefault(shown.match.window_s, []).append(str(shown.number))
    canvas.setFillColor(LIGHT.prototype, alpha=0.1)
    for start_s, end_s in numbers:
        width = MM_PER_S * (end_s - start_s)
        canvas.rect(_across(start_s), 0, width, GRID_HEIGHT, stroke=0, fill=1)
    for number, ((start_s, _), shared) in enumerate(sorted(numbers.items())):
        at = _across(start_s) + 0.5, GRID_HEIGHT - LEADING * (1 + number % 2) + 0.5
        label = line(", ".join(shared), colour=LIGHT.prototype, font=BOLD)
        write(canvas, [label], at, GRID_WIDTH)


def _stroke(canvas: Canvas, points: Sequence[Point]) -> None:
    """Draw lines through points in seconds and mV above the lower edge; nan lifts the pen."""
    path, is_down = canvas.beginPath(), False
    for seconds, millivolts in points:
        if np.isnan(seconds):
            is_down = False
            continue
        to = path.lineTo if is_down else path.moveTo
        to(_across(seconds), MM_PER_MV * millivolts)
        is_down = True
    canvas.drawPath(path)


def _above(piece: Piece) -> float:
    """Return the mV above zero at which a lead's name is clear of its first beat."""
    first = piece.values[: round(0.3 * piece.rate)]
    return float(np.clip(first.max() + 0.15, 0.5, 1.2))
