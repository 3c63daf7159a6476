"""Lines of text on a printed page, in millimetres, cut where there is no more room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from protoecg.sheet.colours import LIGHT

LETTERS, LEADING = 2.4, 3.4
MAX_CHARACTERS = 500
REGULAR, BOLD = "Vera", "VeraBd"

# Once only: a font registered anew would spoil the pages that other threads are writing.
for _font in (REGULAR, BOLD):
    registerFont(TTFont(_font, f"{_font}.ttf"))


@dataclass(frozen=True)
class Line:
    """Cells of text, each as (its left edge, text), cut where the next cell begins."""

    cells: tuple[tuple[float, str], ...]
    colour: str = LIGHT.ink
    font: str = REGULAR


def line(text: str, *, colour: str = LIGHT.ink, font: str = REGULAR) -> Line:
    """Return a line of one cell."""
    return Line(((0, text),), colour, font)


def wrapped(text: str, width: float, *, font: str = REGULAR, colour: str = LIGHT.ink) -> list[Line]:
    """Return a text as lines of at most a width."""
    parts = simpleSplit(_printable(text), font, LETTERS, width)
    return [line(part, colour=colour, font=font) for part in parts]


def at_most(lines: list[Line], room: int) -> list[Line]:
    """Return so many lines, of which the last says how many are missing."""
    if len(lines) <= room:
        return lines
    more = line(f"\N{HORIZONTAL ELLIPSIS} {len(lines) - room + 1} more")
    return [*lines[: room - 1], more]


def write(canvas: Canvas, lines: Sequence[Line], corner: tuple[float, float], width: float) -> None:
    """Write lines downwards from an upper left corner."""
    left, y = corner
    for one in lines:
        y -= LEADING
        canvas.setFont(one.font, LETTERS)
        canvas.setFillColor(one.colour, alpha=1)
        ends = [x - 1 for x, _ in one.cells[1:]] + [width]
        for (x, text), end in zip(one.cells, ends, strict=True):
            canvas.drawString(left + x, y, _fitting(text, one.font, end - x))


def _fitting(text: str, font: str, width: float) -> str:
    """Return what fits of a text, with an ellipsis where it had to be cut."""
    text = kept = _printable(text)
    while stringWidth(text, font, LETTERS) > width and kept:
        kept = kept[:-1]
        text = f"{kept}\N{HORIZONTAL ELLIPSIS}"
    return text


def _printable(text: str) -> str:
    # Names of files are others' words: none may be endless or hold control characters.
    return "".join(c if c.isprintable() else " " for c in text[:MAX_CHARACTERS])
