"""Ten seconds of two ECGs one above the other, with what is measured of their beats."""

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
from protoecg.sheet.colours import THEMES, ThemeName
from protoecg.sheet.rows import row_offsets
from protoecg.sheet.strokes import before_zero, calibration_pulse
from protoecg.sheet.view import LARGE_MM, View, of_lead

STRIP_LEADS = ("II", "V1")
STRIP = (0.0, DURATION_S)


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
    left_s, pulse_s = before_zero(view)
    figure = sheet_for(
        drawings,
        view,
        seconds=(left_s, DURATION_S + view.s(LARGE_MM)),
        title=title,
        printed=printed_of((query, prototype), view),
        legend=False,
        theme=colours,
        width_px=width_px,
    )
    pulses = [point for d in drawings for point in calibration_pulse(pulse_s, d.offset, view)]
    figure.add_trace(sheet.drawn(pulses, {"color": colours.ink, "width": 1.3}, name="calibration"))
    figure.add_traces([trace_of(drawing) for drawing in drawings])
    # Both strips of the first lead come first.
    for drawing, found in zip(drawings, measured, strict=False):
        figure.add_traces(
            beat_marks(found, float(drawing.values.min()) + drawing.offset, view, colours)
        )
    names = [(drawing, f"{drawing.lead}  {drawing.label}") for drawing in drawings]
    figure.add_trace(lead_names(names, drawings, colours, view, length_mm=25))
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
