"""What overlaid and stacked windows are drawn of: rows, traces, names of leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from protoecg import wording
from protoecg.ecg import ECG
from protoecg.figures import sheet
from protoecg.sheet.colours import Theme, translucent
from protoecg.sheet.filters import filtered
from protoecg.sheet.rows import down_to_line, row_offsets, up_to_line
from protoecg.sheet.strokes import Point, rectangle
from protoecg.sheet.view import INVERTED, LARGE_MM, PULSE_MV, Rows, View, abreast, of_lead

Interval = tuple[float, float]

LABELS = ("your ECG", "prototype")
SPACING_MM = 20.0
# Leads side by side, and the widest paper in mm on which they still can be read.
ABREAST = ((6, 270.0), (4, 420.0), (2, float("inf")))


SHARE_MM = 7.0


@dataclass(frozen=True, eq=False)
class Drawing:
    """One strip of paper: a lead of one of the two ECGs, from `start_s` on, around `offset`.

    It is drawn `shift_s` later than its place begins.
    """

    lead: str
    label: str
    values: np.ndarray
    rate: float
    line: dict[str, Any]
    start_s: float = 0.0
    offset: float = 0.0
    shift_s: float = 0.0


def around_median(signal: np.ndarray) -> np.ndarray:
    """Return leads (12, n) without each one's median."""
    return signal - np.median(signal, axis=1, keepdims=True)


def within(ecg: ECG, window: Interval, view: View) -> np.ndarray:
    """Return what is drawn of a window: (12, n) mV, filtered as the view says."""
    return filtered(ecg, view.filters)[:, ecg.samples(*window)]


def rows_for(cell_s: float, view: View, telling: Sequence[str] = ()) -> Rows:
    """Put as many leads side by side as can be read: the telling ones first, else as the view."""
    columns = next(n for n, widest in ABREAST if n * cell_s * view.speed <= widest + 1e-6)
    if columns < 6 and not telling:
        return abreast(view.leads, columns)
    leads = sorted(view.leads, key=lambda lead: real_lead(lead) not in telling)
    return tuple(tuple(leads[at : at + columns]) for at in range(0, len(leads), columns))


def real_lead(printed: str) -> str:
    """Return the lead that a printed name is of: −aVR is of aVR."""
    return "aVR" if printed == INVERTED else printed


def telling_marks(
    own: Sequence[Drawing],
    drawings: Sequence[Drawing],
    telling: Sequence[str],
    theme: Theme,
    view: View,
) -> go.Scatter:
    """Mark each telling lead from its beginning to its end, as high as what is drawn there."""
    points: list[Point] = []
    edge_s, edge_mv = view.s(1), view.mv(2)
    for drawing in own:
        if real_lead(drawing.lead) in telling:
            end_s = drawing.start_s + len(drawing.values) / drawing.rate
            both = np.concatenate([d.values for d in drawings if d.lead == drawing.lead])
            low, high = drawing.offset + both.min(), drawing.offset + both.max()
            points += rectangle(
                (drawing.start_s - edge_s, end_s + edge_s), (low - edge_mv, high + edge_mv)
            )
    colour = theme.prototype
    line = {"color": translucent(colour, 0.6), "width": 1}
    fill = {"fill": "toself", "fillcolor": translucent(colour, 0.14)}
    return sheet.drawn(points, line, name="telling leads", **fill)


def line_styles(theme: Theme) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the lines of the query and of the prototype."""
    # Told apart by width as well as by colour.
    return {"color": theme.query, "width": 1.5}, {"color": theme.prototype, "width": 3.5}


def offsets_of(rows: Rows, view: View, *signals: np.ndarray) -> list[float]:
    """Return how high each row lies, in mV, so that no tracing meets another."""
    drawn = [[[of_lead(signal, lead) for signal in signals] for lead in leads] for leads in rows]
    lows = [np.array([min(v.min() for v in both) for both in row]) for row in drawn]
    highs = [np.array([max(v.max() for v in both) for both in row]) for row in drawn]
    return row_offsets(lows, highs, view, spacing=view.mv(SPACING_MM))


def places_of(rows: Rows, cell_s: float, offsets: list[float]) -> dict[str, tuple[float, float]]:
    """Return where each lead stands on the sheet: seconds and mV."""
    return {
        lead: (column * cell_s, offset)
        for row, offset in zip(rows, offsets, strict=True)
        for column, lead in enumerate(row)
    }


def overlaid_trace(drawing: Drawing, first: str) -> go.Scatter:
    """Return a lead as it is laid over the other."""
    trace = trace_of(drawing, legendgroup=drawing.label, showlegend=drawing.lead == first)
    seconds = np.arange(len(drawing.values)) / drawing.rate
    hover_values = np.column_stack([drawing.values, seconds]).astype(np.float32)
    trace.update(
        name=escape(drawing.label, quote=False),
        customdata=hover_values,
        hovertemplate=f"{drawing.lead}: %{{customdata[1]:.2f}} s, %{{customdata[0]:.2f}} mV",
    )
    return trace


def trace_of(drawing: Drawing, **style: Any) -> go.Scatter:
    """Return a lead as it is drawn by itself."""
    return sheet.lead_trace(
        drawing.values,
        lead=f"{drawing.lead}, {drawing.label}",
        start_s=drawing.start_s + drawing.shift_s,
        rate=drawing.rate,
        offset=drawing.offset,
        line=drawing.line,
        **style,
    )


def lead_names(
    texts: list[tuple[Drawing, str]],
    drawings: list[Drawing],
    theme: Theme,
    view: View,
    *,
    length_mm: float,
) -> go.Scatter:
    """Return the names of the leads, each over its tracing."""
    words = [
        (d.start_s + view.s(0.5), height_over(d, drawings, view, length_mm), text)
        for d, text in texts
    ]
    return sheet.written(
        words, size=14, colour=theme.ink, weight=700, halo=theme.paper, name="lead names"
    )


def written_shares(
    own: list[Drawing],
    drawings: list[Drawing],
    shares: Mapping[str, float],
    theme: Theme,
    view: View,
) -> go.Scatter:
    """Return each lead's share of the similarity, in words."""
    words = [
        (
            d.start_s + len(d.values) / d.rate,
            height_over(d, drawings, view, SHARE_MM, at_end=True),
            wording.share(shares[real_lead(d.lead)]),
        )
        for d in own
    ]
    style: dict[str, Any] = {"position": "middle left", "name": "lead shares"}
    return sheet.written(words, size=12, colour=theme.ink, halo=theme.paper, **style)


def height_over(
    drawing: Drawing,
    drawings: list[Drawing],
    view: View,
    length_mm: float,
    *,
    at_end: bool = False,
) -> float:
    """Return how high above the tracings a text stands, in mV."""
    place = (drawing.start_s, drawing.offset)
    order = -1 if at_end else 1
    highest = [
        d.values[::order][: max(round(view.s(length_mm) * d.rate), 1)].max()
        for d in drawings
        if (d.start_s, d.offset) == place
    ]
    above = max(highest) + view.mv(2)
    return drawing.offset + float(np.clip(above, view.mv(4), view.mv(12)))


def sheet_for(
    drawings: list[Drawing],
    view: View,
    *,
    seconds: Interval,
    title: str,
    printed: str,
    legend: bool,
    theme: Theme,
    width_px: int,
) -> go.Figure:
    """Return a sheet that all drawings fit on."""
    lowest = min(float(d.values.min()) + d.offset for d in drawings)
    highest = max(float(d.values.max()) + d.offset for d in drawings)
    top = max(d.offset for d in drawings) + PULSE_MV
    large = view.mv(LARGE_MM)
    return sheet.sheet(
        theme,
        view,
        seconds=seconds,
        millivolts=(
            down_to_line(min(lowest, -large) - view.mv(sheet.PRINTED_MM), large),
            up_to_line(max(highest + large, top), large),
        ),
        title=title,
        printed=printed,
        legend=legend,
        width_px=width_px,
    )


def printed_of(ecgs: Sequence[ECG], view: View, *treatment: str) -> str:
    """Return the line below the paper: scale, filters and sources of the ECGs on it."""
    rates = " / ".join(dict.fromkeys(f"{ecg.rate:g} Hz" for ecg in ecgs))
    drawn = view.filters.printed(*(ecg.rate for ecg in ecgs))
    sources = " / ".join(ecg.source for ecg in ecgs if ecg.source)
    return "   ".join([*view.scale, rates, drawn, *treatment, sources]).strip()
