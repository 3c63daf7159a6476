"""Lines and squares on a printed page, in millimetres."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from reportlab.pdfgen.canvas import Canvas

from protoecg.sheet.colours import LIGHT
from protoecg.sheet.strokes import Point
from protoecg.sheet.view import LARGE_MM


def rule(
    canvas: Canvas, width: float, height: float, *, under: Callable[[], None] = lambda: None
) -> None:
    """Rule paper from the origin on; `under` draws what lies between the two kinds of lines."""
    _lines(canvas, width, height, 1.0, LIGHT.small_squares, 0.1)
    under()
    _lines(canvas, width, height, LARGE_MM, LIGHT.large_squares, 0.15)


def _lines(
    canvas: Canvas, width: float, height: float, pitch: float, colour: str, thick: float
) -> None:
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(thick)
    across, up = np.arange(0, width + 0.5, pitch), np.arange(0, height + 0.5, pitch)
    canvas.grid(across.tolist(), up.tolist())


def stroke(canvas: Canvas, points: Sequence[Point]) -> None:
    """Draw lines through points in millimetres; nan lifts the pen."""
    path, is_down = canvas.beginPath(), False
    for x, y in points:
        if np.isnan(x):
            is_down = False
            continue
        to = path.lineTo if is_down else path.moveTo
        to(x, y)
        is_down = True
    canvas.setLineJoin(1)
    canvas.drawPath(path)
