"""The median beat with the marks that its intervals rest on."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from protoecg.ecg import LEADS
from protoecg.figures import sheet
from protoecg.figures.median_marks import (
    LINE_MM,
    METHODS,
    NAME_MM,
    brackets,
    dotted,
    lead_dots,
    mark_lines,
    mark_names,
    median_of,
    relied_on,
    shown_intervals,
)
from protoecg.measure import Delineation, MedianBeat, marked
from protoecg.measure.beats import BAND_HZ
from protoecg.sheet.colours import THEMES, Theme, ThemeName, translucent
from protoecg.sheet.rows import row_offsets, up_to_line
from protoecg.sheet.view import LARGE_MM, ROW_GAP_MM, View, abreast

# Small beats are drawn twice as high.
TOGETHER, SMALL = View(speed=100.0), View(speed=100.0, gain=20.0)
SMALL_MV = 3.0
EACH = View(speed=50.0)

_EDGE_MM = 12.0
_CELL_GAP_MM, _ROW_MM = 5.0, 25.0


def together_figure(
    found: Delineation, *, theme: ThemeName = "light", width_px: int = 1400
) -> go.Figure:
    """Draw all leads of the median beat over each other, marks and intervals below.

    Each lead is drawn around its value at the QRS onset. Needs a delineation with a median beat.
    """
    colours, median = THEMES[theme], median_of(found)
    values = _around_onset(median)
    low, high = float(values.min()), float(values.max())
    view = SMALL if high - low <= SMALL_MV else TOGETHER
    at = marked(found)
    floor = low - view.mv(LINE_MM * (len(METHODS) + len(shown_intervals(at)) + 1))
    figure = _sheet(
        found,
        view,
        colours,
        seconds=(-view.s(_EDGE_MM), _duration(median) + view.s(_EDGE_MM)),
        millivolts=(floor - view.mv(sheet.PRINTED_MM), high + view.mv(3 * NAME_MM)),
        width_px=width_px,
    )
    figure.add_traces(mark_lines(at, (floor, high + view.mv(NAME_MM)), colours))
    figure.add_traces(
        [
            _tracing(median, lead, own, (0.0, 0.0), translucent(colours.ink, 0.7))
            for lead, own in zip(LEADS, values, strict=True)
        ]
    )
    figure.add_traces(lead_dots(found, low - view.mv(LINE_MM), colours, view))
    figure.add_traces(brackets(at, low - view.mv(LINE_MM * 3), colours, view))
    if at:
        figure.add_trace(mark_names(at, high + view.mv(NAME_MM), colours, view))
    return figure


def each_figure(
    found: Delineation, *, theme: ThemeName = "light", width_px: int = 1400
) -> go.Figure:
    """Draw the median beat of each lead, with its own marks as dots and the beat's as lines.

    Each lead is drawn around its value at the QRS onset. Needs a delineation with a median beat.
    """
    colours, median, view = THEMES[theme], median_of(found), EACH
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
    counted = f"median of {median_of(found).count} of {len(found.beats)} beats"
    return "   ".join((*view.scale, counted, f"{low:g} to {high:g} Hz", "zero at QRS onset"))


def describe_median_beat(found: Delineation) -> str:
    """Say in words what the figures show, for readers who cannot see it."""
    marks = ", ".join(f"{name} at {1000 * s:.0f} ms" for name, s in marked(found).items())
    return (
        f"Median of {median_of(found).count} of {len(found.beats)} beats in twelve leads. "
        f"Marked, from its start: {marks or 'nothing, as no mark can be relied on'}."
    )


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
    median = median_of(found)
    reach = offset - view.mv(LARGE_MM), offset + view.mv(2 * LARGE_MM)
    own: list[Any] = mark_lines(marked(found), reach, colours, start_s)
    own.append(_tracing(median, lead, values, place, colours.ink))
    index = LEADS.index(lead)
    for mark, marks in relied_on(found).items():
        for method, seconds in enumerate(marks[:, index]):
            if not np.isnan(seconds):
                sample = min(max(round(seconds * median.rate), 0), len(values) - 1)
                height = np.array([offset + values[sample]])
                own.append(
                    dotted(np.array([seconds]), height, (lead,), mark, method, colours, start_s)
                )
    name = [(start_s + view.s(0.75), reach[1], lead)]
    own.append(
        sheet.written(
            name, size=14, colour=colours.ink, weight=700, halo=colours.paper, name="lead names"
        )
    )
    return own
