"""The median beat with the marks that its intervals rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from protoecg.ecg import LEADS
from protoecg.figures import sheet
from protoecg.measure import INTERVALS, MARKS, WORDS, Delineation, MedianBeat, marked
from protoecg.measure.beats import BAND_HZ
from protoecg.sheet.colours import THEMES, Theme, ThemeName, translucent
from protoecg.sheet.rows import row_offsets, up_to_line
from protoecg.sheet.strokes import vertical
from protoecg.sheet.view import LARGE_MM, ROW_GAP_MM, View, abreast

# Small beats are drawn twice as high.
TOGETHER, SMALL = View(speed=100.0), View(speed=100.0, gain=20.0)
SMALL_MV = 3.0
EACH = View(speed=50.0)
# Of the marks of each lead: which mark of the whole beat they are the middle of.
LEAD_MARKS = {"P_Onsets": "P onset", "P_Offsets": "P end", "T_Offsets": "T end"}
METHODS = ("wavelet", "prominence")

_LINE_MM, _NAME_MM, _EDGE_MM = 4.0, 4.0, 12.0
_CELL_GAP_MM, _ROW_MM = 5.0, 25.0
# Names stand beside their lines, those of neighbours on another line of text.
_NAMES = {
    "P onset": (0, "middle left"),
    "P end": (1, "middle left"),
    "QRS onset": (0, "middle left"),
    "QRS end": (1, "middle right"),
    "T end": (0, "middle right"),
}


def together_figure(
    found: Delineation, *, theme: ThemeName = "light", width_px: int = 1400
) -> go.Figure:
    """Draw all leads of the median beat over each other, marks and intervals below.

    Each lead is drawn around its value at the QRS onset. Needs a delineation with a median beat.
    """
    colours, median = THEMES[theme], _median(found)
    values = _around_onset(median)
    low, high = float(values.min()), float(values.max())
    view = SMALL if high - low <= SMALL_MV else TOGETHER
    at = marked(found)
    floor = low - view.mv(_LINE_MM * (len(METHODS) + len(_shown(at)) + 1))
    figure = _sheet(
        found,
        view,
        colours,
        seconds=(-view.s(_EDGE_MM), _duration(median) + view.s(_EDGE_MM)),
        millivolts=(floor - view.mv(sheet.PRINTED_MM), high + view.mv(3 * _NAME_MM)),
        width_px=width_px,
    )
    figure.add_traces(_lines(at, (floor, high + view.mv(_NAME_MM)), colours))
    figure.add_traces(
        [
            _tracing(median, lead, own, (0.0, 0.0), translucent(colours.ink, 0.7))
            for lead, own in zip(LEADS, values, strict=True)
        ]
    )
    figure.add_traces(_dots(found, low - view.mv(_LINE_MM), colours, view))
    figure.add_traces(_brackets(at, low - view.mv(_LINE_MM * 3), colours, view))
    if at:
        figure.add_trace(_names(at, high + view.mv(_NAME_MM), colours, view))
    return figure


def each_figure(
    found: Delineation, *, theme: ThemeName = "light", width_px: int = 1400
) -> go.Figure:
    """Draw the median beat of each lead, with its own marks as dots and the beat's as lines.

    Each lead is drawn around its value at the QRS onset. Needs a delineation with a median beat.
    """
    colours, median, view = THEMES[theme], _median(found), EACH
    values = dict(zip(LEADS, _around_onset(median), strict=True))
    rows = abreast(LEADS, 4)
    cell_s = up_to_line(_duration(median) + view.s(_CELL_GAP_MM), view.s(LARGE_MM))
    reach = [np.stack([values[lead] for lead in row]) for row in rows]
    lows, highs = [row.min(axis=0) for row in reach], [row.max(axis=0) for row in reach]
    offsets = row_offsets(lows, highs, view, spacing=view.mv(_ROW_MM))
    margin = view.mv(ROW_GAP_MM)
    bottom = float(min(lows[-1].min(), -view.mv(LARGE_MM))) - margin
    top = offsets[0] + float(max(highs[0].max(), view.mv(2 * LARGE_MM))) + margin
    figure = _sheet(
        found,
        view,
        colours,
        seconds=(-view.s(LARGE_MM), len(rows[0]) * cell_s),
        millivolts=(bottom - view.mv(sheet.PRINTED_MM), top),
        width_px=width_px,
    )
    for offset, row in zip(offsets, rows, strict=True):
        for column, lead in enumerate(row):
            place = column * cell_s, offset
            figure.add_traces(_cell(found, lead, values[lead], place, colours, view))
    return figure


def printed_line(found: Delineation, view: View) -> str:
    """Return what the drawing says about itself: scale, how many beats, which filter."""
    low, high = BAND_HZ
    counted = f"median of {_median(found).count} of {len(found.beats)} beats"
    return "   ".join((*view.scale, counted, f"{low:g} to {high:g} Hz", "zero at QRS onset"))


def describe_median_beat(found: Delineation) -> str:
    """Say in words what the figures show, for readers who cannot see it."""
    told = ", ".join(f"{name} at {1000 * s:.0f} ms" for name, s in marked(found).items())
    return (
        f"Median of {_median(found).count} of {len(found.beats)} beats in twelve leads. "
        f"Marked, from its start: {told or 'nothing, as no mark can be relied on'}."
    )


def _median(found: Delineation) -> MedianBeat:
    if found.median is None:
        raise ValueError("this delineation has no median beat")
    return found.median


def _duration(median: MedianBeat) -> float:
    return median.signal.shape[1] / median.rate


def _around_onset(median: MedianBeat) -> np.ndarray:
    at = min(max(round(median.waves.qrs[0] * median.rate), 0), median.signal.shape[1] - 1)
    return median.signal - median.signal[:, at, None]


def _sheet(
    found: Delineation,
    view: View,
    colours: Theme,
    *,
    seconds: tuple[float, float],
    millivolts: tuple[float, float],
    width_px: int,
) -> go.Figure:
    return sheet.sheet(
        colours,
        view,
        seconds=seconds,
        millivolts=millivolts,
        title="",
        printed=printed_line(found, view),
        legend=False,
        width_px=width_px,
    )


def _colour(mark: str, colours: Theme) -> str:
    return colours.accents[("p", "qrs", "t").index(MARKS[mark][0])]


def _lines(
    at: Mapping[str, float], reach: tuple[float, float], colours: Theme, start_s: float = 0.0
) -> list[go.Scatter]:
    return [
        sheet.drawn(
            vertical(start_s + seconds, *reach),
            {"color": _colour(name, colours), "width": 1.4},
            name=name,
        )
        for name, seconds in at.items()
    ]


def _names(at: Mapping[str, float], height: float, colours: Theme, view: View) -> go.Scatter:
    placed = {name: _NAMES[name] for name in at}
    trace = sheet.written(
        [(s, height + view.mv(_NAME_MM * (0.5 + placed[name][0])), name) for name, s in at.items()],
        size=12,
        colour=colours.ink,
        weight=600,
        name="names of the marks",
    )
    trace.textposition = [position for _, position in placed.values()]
    trace.textfont.color = [_colour(name, colours) for name in at]
    return trace


def _tracing(
    median: MedianBeat, lead: str, values: np.ndarray, place: tuple[float, float], colour: str
) -> go.Scatter:
    trace = sheet.lead_trace(
        values,
        lead=lead,
        start_s=place[0],
        rate=median.rate,
        offset=place[1],
        line={"color": colour, "width": 1.3},
    )
    return trace.update(hovertemplate=f"{lead}: %{{customdata:.2f}} mV<extra></extra>")


def _dots(found: Delineation, top: float, colours: Theme, view: View) -> list[go.Scatter]:
    """Draw what each method marks in each lead: a row of dots a method."""
    return [
        _dotted(
            marks[method],
            np.full(len(LEADS), top - view.mv(_LINE_MM * method)),
            LEADS,
            name,
            method,
            colours,
        )
        for name, marks in _relied_on(found).items()
        for method in range(len(marks))
    ]


def _dotted(
    seconds: np.ndarray,
    heights: np.ndarray,
    leads: tuple[str, ...],
    mark: str,
    method: int,
    colours: Theme,
    start_s: float = 0.0,
) -> go.Scatter:
    own = [
        f"{mark} in {lead}, by {METHODS[method]}: {s:.3f} s"
        for lead, s in zip(leads, seconds, strict=True)
    ]
    return go.Scatter(
        x=seconds + start_s,
        y=heights,
        mode="markers",
        marker={
            "color": translucent(_colour(mark, colours), 0.55),
            "size": 6,
            "symbol": ("circle", "diamond")[method],
        },
        text=own,
        hovertemplate="%{text}<extra></extra>",
        name=f"{mark} of each lead, {METHODS[method]}",
        showlegend=False,
    )


def _relied_on(found: Delineation) -> dict[str, np.ndarray]:
    """Return the marks of each lead by the mark that is their middle, where that is marked."""
    there = marked(found)
    lead_marks = _median(found).lead_marks
    return {
        mark: lead_marks[name]
        for name, mark in LEAD_MARKS.items()
        if mark in there and name in lead_marks
    }


def _shown(at: Mapping[str, float]) -> dict[str, tuple[str, str]]:
    return {name: ends for name, ends in INTERVALS.items() if set(ends) <= set(at)}


def _brackets(at: Mapping[str, float], top: float, colours: Theme, view: View) -> list[go.Scatter]:
    """Draw how long each interval is, one below the other, with its milliseconds."""
    traces = []
    for row, (name, (start, end)) in enumerate(_shown(at).items()):
        height, tick = top - view.mv(_LINE_MM * row), view.mv(0.8)
        left, right = at[start], at[end]
        strokes = [
            *vertical(left, height - tick, height + tick),
            *vertical(right, height - tick, height + tick),
            (left, height),
            (right, height),
        ]
        traces.append(sheet.drawn(strokes, {"color": colours.ink, "width": 1.2}, name=name))
        said = f"{WORDS[name][0]} {1000 * (right - left):.0f} ms"
        traces.append(
            sheet.written(
                [(right + view.s(1), height, said)],
                size=12,
                colour=colours.ink,
                weight=600,
                halo=colours.paper,
                name=f"{name} in words",
            )
        )
    return traces


def _cell(
    found: Delineation,
    lead: str,
    values: np.ndarray,
    place: tuple[float, float],
    colours: Theme,
    view: View,
) -> list[go.Scatter]:
    """Draw one lead at its place, (seconds, mV) of its start and its zero line."""
    start_s, offset = place
    median = _median(found)
    reach = offset - view.mv(LARGE_MM), offset + view.mv(2 * LARGE_MM)
    own: list[Any] = _lines(marked(found), reach, colours, start_s)
    own.append(_tracing(median, lead, values, place, colours.ink))
    index = LEADS.index(lead)
    for mark, marks in _relied_on(found).items():
        for method, seconds in enumerate(marks[:, index]):
            if not np.isnan(seconds):
                sample = min(max(round(seconds * median.rate), 0), len(values) - 1)
                height = np.array([offset + values[sample]])
                own.append(
                    _dotted(np.array([seconds]), height, (lead,), mark, method, colours, start_s)
                )
    name = [(start_s + view.s(0.75), reach[1], lead)]
    own.append(
        sheet.written(
            name, size=14, colour=colours.ink, weight=700, halo=colours.paper, name="lead names"
        )
    )
    return own
