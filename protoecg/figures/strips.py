"""Strips of ten seconds one above the other: of two ECGs, or of leads beside the twelve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from protoecg.ecg import DURATION_S, ECG
from protoecg.figures import sheet
from protoecg.figures.beat_marks import MARKS_MM, beat_marks
from protoecg.figures.overlay_parts import (
    LABELS,
    SPACING_MM,
    Drawing,
    lead_names,
    line_styles,
    printed_of,
    sheet_for,
    trace_of,
    within,
)
from protoecg.measure import Delineation
from protoecg.sheet.colours import THEMES, Theme, ThemeName
from protoecg.sheet.filters import filtered_leads
from protoecg.sheet.rows import envelope, row_offsets
from protoecg.sheet.strokes import before_zero, calibration_pulse
from protoecg.sheet.view import LARGE_MM, View, of_lead

STRIP_LEADS = ("II", "V1")
STRIP = (0.0, DURATION_S)
BESIDE = "beside the twelve"


def strips_figure(
    query: ECG,
    prototype: ECG,
    *,
    view: View,
    title: str = "",
    theme: ThemeName = "light",
    labels: tuple[str, str] = LABELS,
    measured: Sequence[Delineation] = (),
    width_px: int = 1400,
) -> go.Figure:
    """Set ten seconds of both ECGs one above the other, for the strip's lead and II or V1.

    For matches of the whole strip, whose beats do not fall on the same moments.

    Parameters
    ----------
    measured : of both ECGs, marked on the first lead's strips: P, QRS, T, and RR intervals
    """
    colours = THEMES[theme]
    ink, accent = ({**line, "width": 1.4} for line in line_styles(colours))
    strips = [
        Drawing(lead, label, of_lead(within(ecg, STRIP, view), lead), ecg.rate, line)
        for lead in strip_leads(view)
        for label, ecg, line in ((labels[0], query, ink), (labels[1], prototype, accent))
    ]
    drawings = _stacked(strips, view, room_mm=MARKS_MM if measured else 0.0)
    printed = printed_of((query, prototype), view)
    figure = _printed(drawings, view, colours, title=title, printed=printed, width_px=width_px)
    # Both strips of the first lead come first.
    for drawing, found in zip(drawings, measured, strict=False):
        figure.add_traces(
            beat_marks(found, float(drawing.values.min()) + drawing.offset, view, colours)
        )
    names = [(drawing, f"{drawing.lead}  {drawing.label}") for drawing in drawings]
    figure.add_trace(lead_names(names, drawings, colours, view, length_mm=25))
    return figure


def _printed(
    drawings: list[Drawing],
    view: View,
    colours: Theme,
    *,
    title: str,
    printed: str,
    width_px: int,
) -> go.Figure:
    """Print strips on a sheet of their own, each with its calibration pulse."""
    left_s, pulse_s = before_zero(view)
    figure = sheet_for(
        drawings,
        view,
        seconds=(left_s, DURATION_S + view.s(LARGE_MM)),
        title=title,
        printed=printed,
        legend=False,
        theme=colours,
        width_px=width_px,
    )
    pulses = [point for d in drawings for point in calibration_pulse(pulse_s, d.offset, view)]
    figure.add_trace(sheet.drawn(pulses, {"color": colours.ink, "width": 1.3}, name="calibration"))
    figure.add_traces([trace_of(drawing) for drawing in drawings])
    return figure


def strip_leads(view: View) -> tuple[str, ...]:
    """Return the two leads that `strips_figure` shows: the strip's first."""
    return tuple(dict.fromkeys((view.strip, *STRIP_LEADS)))[:2]


def _stacked(strips: list[Drawing], view: View, room_mm: float) -> list[Drawing]:
    """Place strips below each other, with room below each of them."""
    lows = [np.atleast_1d(strip.values.min() - view.mv(room_mm)) for strip in strips]
    highs = [np.atleast_1d(strip.values.max()) for strip in strips]
    offsets = row_offsets(lows, highs, view, spacing=view.apart(SPACING_MM))
    return [replace(strip, offset=o) for strip, o in zip(strips, offsets, strict=True)]


def other_leads_figure(
    ecg: ECG, *, view: View, theme: ThemeName = "light", width_px: int = 1400
) -> go.Figure:
    """Print the leads that an ECG has beside the twelve, on the paper of the twelve.

    Parameters
    ----------
    ecg : with at least one such lead
    width_px : the page's width that the height is chosen for
    """
    colours = THEMES[theme]
    drawings = _beside(ecg, view, {"color": colours.ink, "width": 1.3})
    printed = printed_of((ecg,), view)
    figure = _printed(drawings, view, colours, title="", printed=printed, width_px=width_px)
    names = [(drawing, drawing.lead) for drawing in drawings]
    figure.add_trace(lead_names(names, drawings, colours, view, length_mm=7.5))
    return figure


def describe_other_leads(ecg: ECG, view: View) -> str:
    """Say in words what `other_leads_figure` shows, for readers who cannot see it."""
    drawn = ", ".join((*view.scale, view.filters.printed(ecg.rate)))
    return f"Leads beside the twelve: {', '.join(ecg.others)}, first {DURATION_S:g} s; {drawn}."


def _beside(ecg: ECG, view: View, line: dict[str, object]) -> list[Drawing]:
    """Place the leads below each other, so that none meets another."""
    signal = np.stack(list(ecg.others.values()))[:, ecg.samples(0.0, DURATION_S)]
    rows = filtered_leads(signal, ecg.rate, view.filters)
    lows, highs = zip(*(envelope(row, ecg.rate) for row in rows), strict=True)
    offsets = row_offsets(lows, highs, view, spacing=view.apart(SPACING_MM))
    drawings = [
        Drawing(name, BESIDE, row, ecg.rate, line)
        for name, row in zip(ecg.others, rows, strict=True)
    ]
    return [replace(d, offset=offset) for d, offset in zip(drawings, offsets, strict=True)]
