"""Two ECGs laid over each other: tracings of one patient, and median beats of any two."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from protoecg.ecg import DURATION_S, ECG
from protoecg.figures import sheet
from protoecg.figures.median_marks import median_of
from protoecg.figures.overlay_parts import (
    Drawing,
    lead_names,
    line_styles,
    offsets_of,
    overlaid_trace,
    places_of,
    rows_for,
)
from protoecg.figures.paper import ecg_figure
from protoecg.measure import Delineation
from protoecg.sheet.colours import THEMES, ThemeName
from protoecg.sheet.filters import filtered
from protoecg.sheet.pieces import Piece, print_pieces
from protoecg.sheet.rows import down_to_line, up_to_line
from protoecg.sheet.view import LARGE_MM, View, of_lead

THEN, NOW = "earlier", "now"
BEATS = View(speed=50.0)
ALIGNED = "aligned at the QRS onset, zero there"
ABOVE_MM = 10.0


def tracings_figure(
    then: ECG,
    now: ECG,
    later_s: float,
    *,
    view: View,
    theme: ThemeName = "light",
    width_px: int = 1400,
) -> go.Figure:
    """Print an ECG on its paper, and under it the earlier one in another colour.

    Parameters
    ----------
    later_s : by how much the earlier one is moved to the right, in seconds
    """
    figure = ecg_figure(now, view=view, theme=theme, width_px=width_px)
    drawn = filtered(then, view.filters)
    under = [
        sheet.lead_trace(
            values,
            lead=f"{piece.lead}, {THEN}",
            start_s=start_s,
            rate=then.rate,
            offset=piece.offset,
            line={"color": THEMES[theme].prototype, "width": 1.6},
        )
        for piece in print_pieces(now, view)
        for start_s, values in [_moved(of_lead(drawn, piece.lead), then.rate, piece, later_s)]
    ]
    # The later one, which is read, lies on top.
    figure.add_traces(under)
    figure.data = (*figure.data[-len(under) :], *figure.data[: -len(under)])
    return figure


def _moved(
    values: np.ndarray, rate: float, piece: Piece, later_s: float
) -> tuple[float, np.ndarray]:
    """Return where the stretch of a lead begins that falls on a piece once moved, and its mV."""
    first = max(round((piece.start_s - later_s) * rate), 0)
    last = round((min(piece.end_s, DURATION_S) - later_s) * rate)
    return first / rate + later_s, values[first : max(last, first)]


def onset_difference_s(then: Delineation, now: Delineation) -> float:
    """Return by how much later the first beat of one ECG begins than that of the other, s."""
    if not then.beats or not now.beats:
        return 0.0
    return now.beats[0].qrs[0] - then.beats[0].qrs[0]


def beats_figure(
    then: Delineation,
    now: Delineation,
    *,
    labels: tuple[str, str] = (THEN, NOW),
    theme: ThemeName = "light",
    width_px: int = 1400,
) -> go.Figure:
    """Lay two median beats over each other lead by lead, aligned at the QRS onset.

    Both delineations need a median beat.

    Parameters
    ----------
    labels : of both; the first is drawn broad, under the second
    """
    colours, view = THEMES[theme], BEATS
    thin, broad = line_styles(colours)
    medians, before = [median_of(found) for found in (then, now)], before_s(then, now)
    both = [(median.from_onset(before), median.rate) for median in medians]
    seconds = max(values.shape[1] / rate for values, rate in both)
    cell_s = up_to_line(seconds + view.s(LARGE_MM), view.s(LARGE_MM))
    rows = rows_for(cell_s, view)
    offsets = offsets_of(rows, view, *(values for values, _ in both))
    places = places_of(rows, cell_s, offsets)
    drawings = [
        Drawing(lead, label, of_lead(values, lead), rate, line, *places[lead])
        for (values, rate), label, line in zip(both, labels, (broad, thin), strict=True)
        for lead in view.leads
    ]
    low = min(float(d.values.min()) + d.offset for d in drawings) - view.mv(sheet.PRINTED_MM)
    high = max(float(d.values.max()) + d.offset for d in drawings) + view.mv(ABOVE_MM)
    figure = sheet.sheet(
        colours,
        view,
        seconds=(-view.s(LARGE_MM), len(rows[0]) * cell_s),
        millivolts=(
            down_to_line(low, view.mv(LARGE_MM)),
            up_to_line(high, view.mv(LARGE_MM)),
        ),
        title="",
        printed="   ".join((*view.scale, ALIGNED)),
        legend=True,
        width_px=width_px,
    )
    figure.add_traces([overlaid_trace(drawing, view.leads[0]) for drawing in drawings])
    own = [(d, d.lead) for d in drawings[-len(view.leads) :]]
    figure.add_trace(lead_names(own, drawings, colours, view, length_mm=6.25))
    return figure


def before_s(then: Delineation, now: Delineation) -> float:
    """Return how much both median beats show before their QRS onset, s."""
    return min(median_of(found).before_s for found in (then, now))


def describe_beats(
    then: Delineation, now: Delineation, labels: tuple[str, str] = (THEN, NOW)
) -> str:
    """Say in words what `beats_figure` shows, for readers who cannot see it."""
    counts = [
        f"{median_of(found).count} of {len(found.beats)} beats ({label})"
        for found, label in zip((then, now), labels, strict=True)
    ]
    return f"Median beats of both ECGs over each other in twelve leads: {' and '.join(counts)}."
