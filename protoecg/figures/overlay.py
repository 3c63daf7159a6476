"""A matched window and the prototype's own: laid over each other, or one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.figures import sheet
from protoecg.figures.theme import THEMES, Theme, ThemeName

Interval = tuple[float, float]

# Longer windows hold several beats, which no two ECGs have at the same moments.
MAX_OVERLAY_S = 4.0
# Up to here six leads stand side by side, above it four, as in print.
SIX_ABREAST_S = 1.6

SIX_ABREAST = (LEADS[:6], LEADS[6:])
AS_PRINTED = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
)
STRIP_LEADS = ("II", "V1")
LABELS = ("your ECG", "prototype")
SPACING_MV = 2.0
GAP_S = 0.2


@dataclass(frozen=True, eq=False)
class _Drawing:
    """One strip of paper: a lead of one of the two ECGs, from `start_s` on, around `offset`."""

    lead: str
    label: str
    values: np.ndarray
    rate: float
    line: dict[str, Any]
    start_s: float = 0.0
    offset: float = 0.0


def comparison_figure(
    query: ECG,
    query_window: Interval,
    prototype: ECG,
    prototype_window: Interval,
    *,
    title: str = "",
    theme: ThemeName = "light",
    labels: tuple[str, str] = LABELS,
    width_px: int = 1400,
) -> go.Figure:
    """Return `overlay_figure` for windows of up to 4 s, else `strips_figure`."""
    if _too_long_to_overlay(query_window, prototype_window):
        return strips_figure(
            query, prototype, title=title, theme=theme, labels=labels, width_px=width_px
        )
    return overlay_figure(
        query,
        query_window,
        prototype,
        prototype_window,
        title=title,
        theme=theme,
        labels=labels,
        width_px=width_px,
    )


def overlay_figure(
    query: ECG,
    query_window: Interval,
    prototype: ECG,
    prototype_window: Interval,
    *,
    title: str = "",
    theme: ThemeName = "light",
    labels: tuple[str, str] = LABELS,
    width_px: int = 1400,
) -> go.Figure:
    """Lay both windows over each other, lead by lead, on one scale.

    Time 0 is the start of each window, and each lead's median over its window is taken off,
    because the model does not see the baseline either; nothing else is changed or aligned.
    """
    colours = THEMES[theme]
    thin, broad = _lines(colours)
    ours = _around_median(query.between(*query_window))
    theirs = _around_median(prototype.between(*prototype_window))
    seconds = max(ours.shape[1] / query.rate, theirs.shape[1] / prototype.rate)
    rows = SIX_ABREAST if seconds <= SIX_ABREAST_S else AS_PRINTED
    cell_s = sheet.up_to_line(seconds + GAP_S, sheet.LARGE_S)
    places = _places(rows, cell_s, _row_offsets(rows, ours, theirs))
    # The query's thin line lies on the prototype's broad one, so both are seen.
    drawings = [
        _Drawing(lead, label, values, rate, line, *places[lead])
        for label, signal, rate, line in (
            (labels[1], theirs, prototype.rate, broad),
            (labels[0], ours, query.rate, thin),
        )
        for lead, values in zip(LEADS, signal, strict=True)
    ]
    figure = _sheet_for(
        drawings,
        seconds=(-GAP_S, len(rows[0]) * cell_s),
        title=title,
        printed=_printed(query, prototype, "offset removed (each lead's median in the window)"),
        legend=True,
        theme=colours,
        width_px=width_px,
    )
    figure.add_traces([_overlaid(drawing) for drawing in drawings])
    names = [(drawing, drawing.lead) for drawing in drawings[len(LEADS) :]]
    figure.add_trace(_lead_names(names, drawings, colours, length_s=0.25))
    figure.update_layout(legend={"traceorder": "reversed"})
    return figure


def strips_figure(
    query: ECG,
    prototype: ECG,
    *,
    leads: Sequence[str] = STRIP_LEADS,
    title: str = "",
    theme: ThemeName = "light",
    labels: tuple[str, str] = LABELS,
    width_px: int = 1400,
) -> go.Figure:
    """Set ten seconds of a lead of both ECGs one above the other, raw, for each lead in turn.

    For matches of the whole strip, whose beats do not fall on the same moments.
    """
    colours = THEMES[theme]
    ink, accent = ({**line, "width": 1.4} for line in _lines(colours))
    strips = [
        _Drawing(lead, label, _strip(ecg, lead), ecg.rate, line)
        for lead in leads
        for label, ecg, line in ((labels[0], query, ink), (labels[1], prototype, accent))
    ]
    drawings = _stacked(strips)
    figure = _sheet_for(
        drawings,
        seconds=(-0.6, DURATION_S + GAP_S),
        title=title,
        printed=_printed(query, prototype, "no filter"),
        legend=False,
        theme=colours,
        width_px=width_px,
    )
    pulses = [point for d in drawings for point in sheet.calibration_pulse(-0.4, d.offset)]
    figure.add_trace(sheet.drawn(pulses, {"color": colours.ink, "width": 1.3}, name="calibration"))
    figure.add_traces([_trace(drawing) for drawing in drawings])
    names = [(drawing, f"{drawing.lead}  {drawing.label}") for drawing in drawings]
    figure.add_trace(_lead_names(names, drawings, colours, length_s=1.0))
    return figure


def describe_comparison(query_window: Interval, prototype_window: Interval) -> str:
    """Say in words what `comparison_figure` shows, for readers who cannot see it."""
    if _too_long_to_overlay(query_window, prototype_window):
        return "Your ECG and the prototype's, leads II and V1, ten seconds each, in turn."
    (start, end), (own_start, own_end) = query_window, prototype_window
    return (
        f"Your ECG from {start:.2f} to {end:.2f} s over the prototype's ECG from "
        f"{own_start:.2f} to {own_end:.2f} s, all twelve leads, on one scale."
    )


def _too_long_to_overlay(*windows: Interval) -> bool:
    return max(end - start for start, end in windows) > MAX_OVERLAY_S


def _around_median(signal: np.ndarray) -> np.ndarray:
    return signal - np.median(signal, axis=1, keepdims=True)


def _strip(ecg: ECG, lead: str) -> np.ndarray:
    return ecg.between(0.0, DURATION_S)[LEADS.index(lead)]


def _lines(theme: Theme) -> tuple[dict[str, Any], dict[str, Any]]:
    # Told apart by width as well as by colour.
    return {"color": theme.query, "width": 1.5}, {"color": theme.prototype, "width": 3.5}


def _row_offsets(rows: Sequence[Sequence[str]], *signals: np.ndarray) -> list[float]:
    indices = [[LEADS.index(lead) for lead in row] for row in rows]
    low = np.minimum.reduce([signal.min(axis=1) for signal in signals])
    high = np.maximum.reduce([signal.max(axis=1) for signal in signals])
    return sheet.row_offsets(
        [low[row] for row in indices], [high[row] for row in indices], spacing=SPACING_MV
    )


def _places(
    rows: Sequence[Sequence[str]], cell_s: float, offsets: list[float]
) -> dict[str, tuple[float, float]]:
    return {
        lead: (column * cell_s, offset)
        for row, offset in zip(rows, offsets, strict=True)
        for column, lead in enumerate(row)
    }


def _stacked(strips: list[_Drawing]) -> list[_Drawing]:
    lows = [np.atleast_1d(strip.values.min()) for strip in strips]
    highs = [np.atleast_1d(strip.values.max()) for strip in strips]
    offsets = sheet.row_offsets(lows, highs, spacing=SPACING_MV)
    return [replace(strip, offset=o) for strip, o in zip(strips, offsets, strict=True)]


def _sheet_for(
    drawings: list[_Drawing],
    *,
    seconds: Interval,
    title: str,
    printed: str,
    legend: bool,
    theme: Theme,
    width_px: int,
) -> go.Figure:
    lowest = min(float(d.values.min()) + d.offset for d in drawings)
    highest = max(float(d.values.max()) + d.offset for d in drawings)
    top = max(d.offset for d in drawings) + 1.0
    return sheet.sheet(
        theme,
        seconds=seconds,
        millivolts=(
            sheet.down_to_line(min(lowest, -0.5) - sheet.PRINTED_MV),
            sheet.up_to_line(max(highest + 0.5, top)),
        ),
        title=title,
        printed=printed,
        legend=legend,
        width_px=width_px,
    )


def _overlaid(drawing: _Drawing) -> go.Scatter:
    trace = _trace(drawing, legendgroup=drawing.label, showlegend=drawing.lead == LEADS[0])
    seconds = np.arange(len(drawing.values)) / drawing.rate
    told = np.column_stack([drawing.values, seconds]).astype(np.float32)
    trace.update(
        name=escape(drawing.label, quote=False),
        customdata=told,
        hovertemplate=f"{drawing.lead}: %{{customdata[1]:.2f}} s, %{{customdata[0]:.2f}} mV",
    )
    return trace


def _trace(drawing: _Drawing, **style: Any) -> go.Scatter:
    return sheet.lead_trace(
        drawing.values,
        lead=f"{drawing.lead}, {drawing.label}",
        start_s=drawing.start_s,
        rate=drawing.rate,
        offset=drawing.offset,
        line=drawing.line,
        **style,
    )


def _lead_names(
    texts: list[tuple[_Drawing, str]],
    drawings: list[_Drawing],
    theme: Theme,
    *,
    length_s: float,
) -> go.Scatter:
    words = [
        (d.start_s + sheet.S_PER_MM / 2, _height_over(d, drawings, length_s), text)
        for d, text in texts
    ]
    return sheet.written(
        words, size=14, colour=theme.ink, weight=700, halo=theme.paper, name="lead names"
    )


def _height_over(drawing: _Drawing, drawings: list[_Drawing], length_s: float) -> float:
    place = (drawing.start_s, drawing.offset)
    starts = [
        d.values[: max(round(length_s * d.rate), 1)].max()
        for d in drawings
        if (d.start_s, d.offset) == place
    ]
    return drawing.offset + float(np.clip(max(starts) + 0.2, 0.4, 1.2))


def _printed(query: ECG, prototype: ECG, treatment: str) -> str:
    rates = " / ".join(f"{rate:g} Hz" for rate in dict.fromkeys((query.rate, prototype.rate)))
    sources = " / ".join(source for source in (query.source, prototype.source) if source)
    return "   ".join(["25 mm/s", "10 mm/mV", rates, treatment, sources]).strip()
