"""A matched window and the prototype's own: laid over each other, or one above the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from protoecg import wording
from protoecg.ecg import DURATION_S, ECG
from protoecg.figures import sheet
from protoecg.figures.overlay_parts import (
    SPACING_MM,
    Drawing,
    Interval,
    around_median,
    lead_names,
    line_styles,
    offsets_of,
    overlaid_trace,
    places_of,
    rows_for,
    trace_of,
    within,
    written_shares,
)
from protoecg.sheet.colours import THEMES, Theme, ThemeName
from protoecg.sheet.rows import down_to_line, row_offsets, up_to_line
from protoecg.sheet.strokes import before_zero, calibration_pulse
from protoecg.sheet.view import LARGE_MM, PULSE_MV, View, of_lead

# Longer windows hold several beats, which no two ECGs have at the same moments.
MAX_OVERLAY_S = 4.0
STRIP_LEADS = ("II", "V1")
LABELS = ("your ECG", "prototype")
STRIP = (0.0, DURATION_S)
NO_SHARES: Mapping[str, float] = {}
OFFSET_REMOVED = "offset removed (each lead's median in the window)"


def comparison_figure(
    query: ECG,
    query_window: Interval,
    prototype: ECG,
    prototype_window: Interval,
    *,
    view: View,
    title: str = "",
    theme: ThemeName = "light",
    labels: tuple[str, str] = LABELS,
    lead_shares: Mapping[str, float] = NO_SHARES,
    width_px: int = 1400,
) -> go.Figure:
    """Return `overlay_figure` for windows of up to 4 s, else `strips_figure`."""
    style: dict[str, Any] = {"view": view, "title": title, "theme": theme, "labels": labels}
    if is_overlaid(query_window, prototype_window):
        windows = query, query_window, prototype, prototype_window
        return overlay_figure(*windows, **style, lead_shares=lead_shares, width_px=width_px)
    return strips_figure(query, prototype, **style, width_px=width_px)


def overlay_figure(
    query: ECG,
    query_window: Interval,
    prototype: ECG,
    prototype_window: Interval,
    *,
    view: View,
    title: str = "",
    theme: ThemeName = "light",
    labels: tuple[str, str] = LABELS,
    lead_shares: Mapping[str, float] = NO_SHARES,
    width_px: int = 1400,
) -> go.Figure:
    """Lay both windows over each other, lead by lead, on one scale.

    Time 0 is the start of each window, and each lead's median over its window is taken off,
    because the model does not see the baseline either; nothing else is aligned.

    Parameters
    ----------
    lead_shares : of the similarity, written where each lead ends, see `Match.lead_shares`
    """
    thin, broad = line_styles(THEMES[theme])
    # The query's thin line lies on the prototype's broad one, so both are seen.
    return _overlay(
        [
            (labels[1], prototype, prototype_window, broad),
            (labels[0], query, query_window, thin),
        ],
        view=view,
        title=title,
        theme=THEMES[theme],
        lead_shares=lead_shares,
        width_px=width_px,
    )


def window_figure(
    ecg: ECG,
    window: Interval,
    *,
    view: View,
    theme: ThemeName = "light",
    label: str = LABELS[0],
    lead_shares: Mapping[str, float] = NO_SHARES,
    width_px: int = 1400,
) -> go.Figure:
    """Draw one window lead by lead, as `overlay_figure` does, with nothing to lay it over."""
    thin, _ = line_styles(THEMES[theme])
    return _overlay(
        [(label, ecg, window, thin)],
        view=view,
        title="",
        theme=THEMES[theme],
        lead_shares=lead_shares,
        width_px=width_px,
    )


def _overlay(
    parts: list[tuple[str, ECG, Interval, dict[str, Any]]],
    *,
    view: View,
    title: str,
    theme: Theme,
    lead_shares: Mapping[str, float],
    width_px: int,
) -> go.Figure:
    """Lay windows over each other, the last on top: each a label, an ECG, seconds and a line."""
    signals = [around_median(within(ecg, window, view)) for _, ecg, window, _ in parts]
    ecgs = [ecg for _, ecg, _, _ in parts]
    seconds = max(s.shape[1] / ecg.rate for s, ecg in zip(signals, ecgs, strict=True))
    large_s = view.s(LARGE_MM)
    cell_s = up_to_line(seconds + large_s, large_s)
    rows = rows_for(cell_s, view)
    places = places_of(rows, cell_s, offsets_of(rows, view, *signals))
    drawings = [
        Drawing(lead, label, of_lead(signal, lead), ecg.rate, line, *places[lead])
        for signal, (label, ecg, _, line) in zip(signals, parts, strict=True)
        for lead in view.leads
    ]
    figure = _sheet_for(
        drawings,
        view,
        seconds=(-large_s, len(rows[0]) * cell_s),
        title=title,
        printed=_printed(ecgs[::-1], view, OFFSET_REMOVED),
        legend=True,
        theme=theme,
        width_px=width_px,
    )
    figure.add_traces([overlaid_trace(drawing, view.leads[0]) for drawing in drawings])
    own = drawings[-len(view.leads) :]
    names = [(drawing, drawing.lead) for drawing in own]
    figure.add_trace(lead_names(names, drawings, theme, view, length_mm=6.25))
    if lead_shares:
        figure.add_trace(written_shares(own, drawings, lead_shares, theme, view))
    figure.update_layout(legend={"traceorder": "reversed"})
    return figure


def strips_figure(
    query: ECG,
    prototype: ECG,
    *,
    view: View,
    title: str = "",
    theme: ThemeName = "light",
    labels: tuple[str, str] = LABELS,
    width_px: int = 1400,
) -> go.Figure:
    """Set ten seconds of both ECGs one above the other, for the strip's lead and II or V1.

    For matches of the whole strip, whose beats do not fall on the same moments.
    """
    colours = THEMES[theme]
    ink, accent = ({**line, "width": 1.4} for line in line_styles(colours))
    strips = [
        Drawing(lead, label, of_lead(within(ecg, STRIP, view), lead), ecg.rate, line)
        for lead in strip_leads(view)
        for label, ecg, line in ((labels[0], query, ink), (labels[1], prototype, accent))
    ]
    drawings = _stacked(strips, view)
    left_s, pulse_s = before_zero(view)
    figure = _sheet_for(
        drawings,
        view,
        seconds=(left_s, DURATION_S + view.s(LARGE_MM)),
        title=title,
        printed=_printed((query, prototype), view),
        legend=False,
        theme=colours,
        width_px=width_px,
    )
    pulses = [point for d in drawings for point in calibration_pulse(pulse_s, d.offset, view)]
    figure.add_trace(sheet.drawn(pulses, {"color": colours.ink, "width": 1.3}, name="calibration"))
    figure.add_traces([trace_of(drawing) for drawing in drawings])
    names = [(drawing, f"{drawing.lead}  {drawing.label}") for drawing in drawings]
    figure.add_trace(lead_names(names, drawings, colours, view, length_mm=25))
    return figure


def strip_leads(view: View) -> tuple[str, ...]:
    """Return the two leads that `strips_figure` shows: the strip's first."""
    return tuple(dict.fromkeys((view.strip, *STRIP_LEADS)))[:2]


def describe_comparison(
    query_window: Interval,
    prototype_window: Interval,
    view: View,
    lead_shares: Mapping[str, float] = NO_SHARES,
) -> str:
    """Say in words what `comparison_figure` shows, for readers who cannot see it."""
    if not is_overlaid(query_window, prototype_window):
        leads = " and ".join(strip_leads(view))
        return f"Your ECG and the prototype's, leads {leads}, ten seconds each, in turn."
    return (
        f"Your ECG from {wording.between(query_window)} s over the prototype's ECG from "
        f"{wording.between(prototype_window)} s, all twelve leads, on one scale."
        f"{_shared(lead_shares)}"
    )


def describe_window(window: Interval, lead_shares: Mapping[str, float] = NO_SHARES) -> str:
    """Say in words what `window_figure` shows, for readers who cannot see it."""
    start, end = window
    return (
        f"Your ECG from {wording.between((start, end))} s, all twelve leads.{_shared(lead_shares)}"
    )


def is_overlaid(*windows: Interval) -> bool:
    """Whether `comparison_figure` lays windows over each other."""
    return max(end - start for start, end in windows) <= MAX_OVERLAY_S


def _shared(lead_shares: Mapping[str, float]) -> str:
    shares = ", ".join(f"{lead} {wording.share(share)}" for lead, share in lead_shares.items())
    return f" Shares of the similarity: {shares}." if shares else ""


def _stacked(strips: list[Drawing], view: View) -> list[Drawing]:
    lows = [np.atleast_1d(strip.values.min()) for strip in strips]
    highs = [np.atleast_1d(strip.values.max()) for strip in strips]
    offsets = row_offsets(lows, highs, view, spacing=view.apart(SPACING_MM))
    return [replace(strip, offset=o) for strip, o in zip(strips, offsets, strict=True)]


def _sheet_for(
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


def _printed(ecgs: Sequence[ECG], view: View, *treatment: str) -> str:
    rates = " / ".join(dict.fromkeys(f"{ecg.rate:g} Hz" for ecg in ecgs))
    drawn = view.filters.printed(*(ecg.rate for ecg in ecgs))
    sources = " / ".join(ecg.source for ecg in ecgs if ecg.source)
    return "   ".join([*view.scale, rates, drawn, *treatment, sources]).strip()
