"""The marks on a median beat: lines, dots of single leads, and brackets of the intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from protoecg.ecg import LEADS
from protoecg.figures import sheet
from protoecg.measure import INTERVALS, MARKS, WORDS, Delineation, MedianBeat, marked
from protoecg.sheet.colours import Theme, translucent
from protoecg.sheet.strokes import vertical
from protoecg.sheet.view import View

LINE_MM, NAME_MM = 4.0, 4.0
# Names stand beside their lines, those of neighbours on another line of text.
_NAMES = {
    "P onset": (0, "middle left"),
    "P end": (1, "middle left"),
    "QRS onset": (0, "middle left"),
    "QRS end": (1, "middle right"),
    "T end": (0, "middle right"),
}
# Of the marks of each lead: which mark of the whole beat they are the middle of.
LEAD_MARKS = {"P_Onsets": "P onset", "P_Offsets": "P end", "T_Offsets": "T end"}
METHODS = ("wavelet", "prominence")


def mark_colour(mark: str, colours: Theme) -> str:
    """Return the colour of a mark's wave."""
    return wave_colour(MARKS[mark][0], colours)


def wave_colour(wave: str, colours: Theme) -> str:
    """Return the colour of a wave's marks: of "p", "qrs" or "t"."""
    return colours.accents[("p", "qrs", "t").index(wave)]


def mark_lines(
    at: Mapping[str, float], reach: tuple[float, float], colours: Theme, start_s: float = 0.0
) -> list[go.Scatter]:
    """Return a line through the beat at each mark."""
    return [
        sheet.drawn(
            vertical(start_s + seconds, *reach),
            {"color": mark_colour(name, colours), "width": 1.4},
            name=name,
        )
        for name, seconds in at.items()
    ]


def mark_names(at: Mapping[str, float], height: float, colours: Theme, view: View) -> go.Scatter:
    """Return the names of the marks, above their lines."""
    placed = {name: _NAMES[name] for name in at}
    trace = sheet.written(
        [(s, height + view.mv(NAME_MM * (0.5 + placed[name][0])), name) for name, s in at.items()],
        size=12,
        colour=colours.ink,
        weight=600,
        name="names of the marks",
    )
    trace.textposition = [position for _, position in placed.values()]
    trace.textfont.color = [mark_colour(name, colours) for name in at]
    return trace


def lead_dots(found: Delineation, top: float, colours: Theme, view: View) -> list[go.Scatter]:
    """Draw what each method marks in each lead: a row of dots a method."""
    return [
        dotted(
            marks[method],
            np.full(len(LEADS), top - view.mv(LINE_MM * method)),
            LEADS,
            name,
            method,
            colours,
        )
        for name, marks in relied_on(found).items()
        for method in range(len(marks))
    ]


def dotted(
    seconds: np.ndarray,
    heights: np.ndarray,
    leads: tuple[str, ...],
    mark: str,
    method: int,
    colours: Theme,
    start_s: float = 0.0,
) -> go.Scatter:
    """Return one row of dots."""
    own = [
        f"{mark} in {lead}, by {METHODS[method]}: {s:.3f} s"
        for lead, s in zip(leads, seconds, strict=True)
    ]
    return go.Scatter(
        x=seconds + start_s,
        y=heights,
        mode="markers",
        marker={
            "color": translucent(mark_colour(mark, colours), 0.55),
            "size": 6,
            "symbol": ("circle", "diamond")[method],
        },
        text=own,
        hovertemplate="%{text}<extra></extra>",
        name=f"{mark} of each lead, {METHODS[method]}",
        showlegend=False,
    )


def relied_on(found: Delineation) -> dict[str, np.ndarray]:
    """Return the marks of each lead by the mark that is their middle, where that is marked."""
    there = marked(found)
    lead_marks = median_of(found).lead_marks
    return {
        mark: lead_marks[name]
        for name, mark in LEAD_MARKS.items()
        if mark in there and name in lead_marks
    }


def shown_intervals(at: Mapping[str, float]) -> dict[str, tuple[str, str]]:
    """Return the intervals both of whose ends are known, by name."""
    return {name: ends for name, ends in INTERVALS.items() if set(ends) <= set(at)}


def brackets(at: Mapping[str, float], top: float, colours: Theme, view: View) -> list[go.Scatter]:
    """Draw how long each interval is, one below the other, with its milliseconds."""
    traces = []
    for row, (name, (start, end)) in enumerate(shown_intervals(at).items()):
        height, tick = top - view.mv(LINE_MM * row), view.mv(0.8)
        left, right = at[start], at[end]
        strokes = [
            *vertical(left, height - tick, height + tick),
            *vertical(right, height - tick, height + tick),
            (left, height),
            (right, height),
        ]
        traces.append(sheet.drawn(strokes, {"color": colours.ink, "width": 1.2}, name=name))
        text = f"{WORDS[name][0]} {1000 * (right - left):.0f} ms"
        traces.append(
            sheet.written(
                [(right + view.s(1), height, text)],
                size=12,
                colour=colours.ink,
                weight=600,
                halo=colours.paper,
                name=f"{name} in words",
            )
        )
    return traces


def median_of(found: Delineation) -> MedianBeat:
    """Return the median beat that was found."""
    if found.median is None:
        raise ValueError("this delineation has no median beat")
    return found.median
