"""The tracing on a printed page, in true millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from reportlab.pdfgen.canvas import Canvas

from protoecg.ecg import ECG, LEADS
from protoecg.printing.ink import rule, stroke
from protoecg.printing.text import LEADING, LETTERS, write
from protoecg.sheet.colours import LIGHT
from protoecg.sheet.pieces import Piece, fitted, print_pieces, printed_line
from protoecg.sheet.strokes import Point, row_marks
from protoecg.sheet.view import View

# Lengths are millimetres, of the page and of the tracing.
VIEW = View()
MM_PER_S, MM_PER_MV = VIEW.speed, VIEW.gain
GRID_WIDTH, GRID_HEIGHT = 265.0, 115.0
ZERO_MM = 10.0
PULSE_S = -0.28
FAR_MV = 1.0


def draw_ecg(
    canvas: Canvas, ecg: ECG, marked_s: tuple[float, float] | None, corner: tuple[float, float]
) -> None:
    """Draw the tracing on its paper, whose lower left corner is given.

    Parameters
    ----------
    marked_s : the window to shade, start and end in seconds, if any
    """
    canvas.saveState()
    canvas.translate(*corner)
    frame = canvas.beginPath()
    frame.rect(0, 0, GRID_WIDTH, GRID_HEIGHT)
    canvas.clipPath(frame, stroke=0, fill=0)
    rule(canvas, GRID_WIDTH, GRID_HEIGHT, under=lambda: _mark(canvas, marked_s))
    near, moved = _near_zero(ecg)
    _trace(canvas, fitted(print_pieces(near, VIEW), VIEW, GRID_HEIGHT / MM_PER_MV))
    write(canvas, moved + printed_line(ecg, VIEW), (2, 1), GRID_WIDTH - 4)
    canvas.restoreState()


def _trace(canvas: Canvas, pieces: Sequence[Piece]) -> None:
    canvas.setStrokeColor(LIGHT.ink)
    canvas.setLineWidth(0.25)
    stroke(canvas, _on_page(row_marks(pieces, PULSE_S, VIEW)))
    for piece in pieces:
        times, heights = piece.points
        stroke(canvas, _on_page(list(zip(times.tolist(), heights.tolist(), strict=True))))
        at = _across(piece.start_s) + 1, MM_PER_MV * (piece.offset + _above(piece))
        write(canvas, piece.lead, at, GRID_WIDTH, bold=True)


def _on_page(points: Sequence[Point]) -> list[Point]:
    """Turn seconds and mV above the lower edge into millimetres."""
    return [(_across(seconds), MM_PER_MV * millivolts) for seconds, millivolts in points]


def _across(seconds: float) -> float:
    return ZERO_MM + MM_PER_S * seconds


def _near_zero(ecg: ECG) -> tuple[ECG, str]:
    """Bring leads of a far baseline back onto the page; return what is printed about that."""
    medians = np.median(ecg.signal, axis=1)
    far = np.abs(medians) > FAR_MV
    if not far.any():
        return ecg, ""
    moved = ", ".join(lead for lead, is_far in zip(LEADS, far, strict=True) if is_far)
    near = replace(ecg, signal=ecg.signal - np.where(far, medians, 0.0)[:, None])
    return near, f"baseline moved to zero in {moved}   "


def _mark(canvas: Canvas, window_s: tuple[float, float] | None) -> None:
    if window_s is None:
        return
    start_s, end_s = window_s
    canvas.setFillColor(LIGHT.prototype, alpha=0.12)
    canvas.rect(_across(start_s), 0, MM_PER_S * (end_s - start_s), GRID_HEIGHT, stroke=0, fill=1)
    at = _across(start_s) + 0.5, GRID_HEIGHT - LETTERS - 0.5
    write(canvas, "compared below", at, LEADING * 9, bold=True, colour=LIGHT.prototype)


def _above(piece: Piece) -> float:
    """Return the mV above zero at which a lead's name is clear of its first beat."""
    first = piece.values[: round(0.3 * piece.rate)]
    return float(np.clip(first.max() + 0.15, 0.5, 1.2))
