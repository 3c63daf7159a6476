"""Text on a printed page, in millimetres: it wraps, and shrinks where there is no more room."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepInFrame, Paragraph

from protoecg.sheet.colours import LIGHT

LETTERS, LEADING = 2.4, 3.3
MAX_CHARACTERS = 500
REGULAR, BOLD = "Vera", "VeraBd"
WARNING = "#a3231b"

# Once only: a font registered anew would spoil the pages that other threads are writing.
for _font in (REGULAR, BOLD):
    registerFont(TTFont(_font, f"{_font}.ttf"))


def paragraph(
    text: str,
    *,
    bold: bool = False,
    colour: str = LIGHT.ink,
    letters: float = LETTERS,
    indent: float = 0.0,
    above: float = 0.0,
    right: bool = False,
) -> Paragraph:
    """Return a text that wraps.

    Parameters
    ----------
    letters, indent, above : height of the letters, distance from the left and from what is above
    right : whether its lines end at the right edge
    """
    style = ParagraphStyle(
        "text",
        fontName=BOLD if bold else REGULAR,
        fontSize=letters,
        leading=letters * LEADING / LETTERS,
        textColor=colour,
        leftIndent=indent,
        spaceBefore=above,
        splitLongWords=1,
        **({"alignment": TA_RIGHT} if right else {}),
    )
    return Paragraph(escape(printable(text)), style)


def fill(
    canvas: Canvas,
    content: Sequence[Flowable],
    corner: tuple[float, float],
    size: tuple[float, float],
) -> float:
    """Write downwards from an upper left corner; all shrinks if it is more than `size` holds.

    Returns
    -------
    the height that it took, mm
    """
    frame = KeepInFrame(*size, list(content), mode="shrink")
    _, height = frame.wrapOn(canvas, *size)
    frame.drawOn(canvas, corner[0], corner[1] - height)
    return float(height)


def write(
    canvas: Canvas,
    text: str,
    at: tuple[float, float],
    width: float,
    *,
    bold: bool = False,
    colour: str = LIGHT.ink,
) -> None:
    """Write one line on a baseline, in smaller letters if it is longer than `width`."""
    text, font = printable(text), BOLD if bold else REGULAR
    long = stringWidth(text, font, LETTERS)
    canvas.setFont(font, LETTERS * min(1.0, width / long) if long else LETTERS)
    canvas.setFillColor(colour, alpha=1)
    canvas.drawString(*at, text)


def printable(text: str) -> str:
    """Return what can be printed of others' words: not endless, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text[:MAX_CHARACTERS])
