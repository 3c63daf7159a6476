"""A matched window and the prototype's own: laid over each other, or one above the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from protoecg import wording
from protoecg.ecg import ECG
from protoecg.figures.overlay_parts import (
    LABELS,
    Drawing,
    Interval,
    around_median,
    lead_names,
    line_styles,
    offsets_of,
    overlaid_trace,
    places_of,
    printed_of,
    rows_for,
    sheet_for,
    telling_marks,
    within,
    written_shares,
)
from protoecg.figures.strips import strip_leads, strips_figure
from protoecg.measure import Delineation
from protoecg.sheet.colours import THEMES, Theme, ThemeName
from protoecg.sheet.rows import up_to_line
from protoecg.sheet.view import LARGE_MM, View, of_lead

# Longer windows hold several beats, which no two ECGs have at the same moments.
MAX_OVERLAY_S = 4.0
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
    telling: Sequence[str] = (),
    shift_s: float = 0.0,
    measured: Sequence[Delineation] = (),
    width_px: int = 1400,
) -> go.Figure:
    """Return `overlay_figure` for windows of up to 4 s, else `strips_figure`."""
    style: dict[str, Any] = {"view": view, "title": title, "theme": theme, "labels": labels}
    if is_overlaid(query_window, prototype_window):
        windows = query, query_window, prototype, prototype_window
        style |= {"lead_shares": lead_shares, "telling": telling, "shift_s": shift_s}
        return overlay_figure(*windows, **style, width_px=width_px)
    return strips_figure(query, prototype, **style, measured=measured, width_px=width_px)


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
    telling: Sequence[str] = (),
    shift_s: float = 0.0,
    width_px: int = 1400,
) -> go.Figure:
    """Lay both windows over each other, lead by lead, on one scale.

    Time 0 is the start of each window, and each lead's median over its window is taken off,
    because the model does not see the baseline either; amplitudes stay as they are.

    Parameters
    ----------
    lead_shares : of the similarity, written where each lead ends, see `Match.lead_shares`
    telling : leads to look at, marked and first, see `protoecg.evidence.leads`
    shift_s : how much later the prototype is drawn, see `protoecg.evidence.likeness`
    """
    thin, broad = line_styles(THEMES[theme])
    # The query's thin line lies on the prototype's broad one, so both are seen.
    return _overlay(
        [
            _Part(labels[1], prototype, prototype_window, broad, shift_s),
            _Part(labels[0], query, query_window, thin),
        ],
        view=view,
        title=title,
        theme=THEMES[theme],
        lead_shares=lead_shares,
        telling=telling,
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
    telling: Sequence[str] = (),
    width_px: int = 1400,
) -> go.Figure:
    """Draw one window lead by lead, as `overlay_figure` does, with nothing to lay it over."""
    thin, _ = line_styles(THEMES[theme])
    return _overlay(
        [_Part(label, ecg, window, thin)],
        view=view,
        title="",
        theme=THEMES[theme],
        lead_shares=lead_shares,
        telling=telling,
        width_px=width_px,
    )


class _Part(NamedTuple):
    """A window to be laid over others: its label, its ECG, seconds, line, and shift in seconds."""

    label: str
    ecg: ECG
    window: Interval
    line: dict[str, Any]
    shift_s: float = 0.0


def _overlay(
    parts: list[_Part],
    *,
    view: View,
    title: str,
    theme: Theme,
    lead_shares: Mapping[str, float],
    telling: Sequence[str],
    width_px: int,
) -> go.Figure:
    """Lay windows over each other, the last on top."""
    signals = [around_median(within(part.ecg, part.window, view)) for part in parts]
    seconds = max(s.shape[1] / part.ecg.rate for s, part in zip(signals, parts, strict=True))
    large_s = view.s(LARGE_MM)
    cell_s = up_to_line(seconds + large_s, large_s)
    rows = rows_for(cell_s, view, telling)
    places = places_of(rows, cell_s, offsets_of(rows, view, *signals))
    drawings = [
        Drawing(
            *(lead, part.label, of_lead(signal, lead), part.ecg.rate, part.line, *places[lead]),
            shift_s=part.shift_s,
        )
        for signal, part in zip(signals, parts, strict=True)
        for lead in view.leads
    ]
    figure = sheet_for(
        drawings,
        view,
        seconds=(-large_s, len(rows[0]) * cell_s),
        title=title,
        printed=printed_of([part.ecg for part in parts[::-1]], view, OFFSET_REMOVED),
        legend=True,
        theme=theme,
        width_px=width_px,
    )
    own = drawings[-len(view.leads) :]
    if telling:
        figure.add_trace(telling_marks(own, drawings, telling, theme, view))
    figure.add_traces([overlaid_trace(drawing, view.leads[0]) for drawing in drawings])
    names = [(drawing, drawing.lead) for drawing in own]
    figure.add_trace(lead_names(names, drawings, theme, view, length_mm=6.25))
    if lead_shares:
        figure.add_trace(written_shares(own, drawings, lead_shares, theme, view))
    figure.update_layout(legend={"traceorder": "reversed"})
    return figure


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
