"""The twelve-lead ECG as it is printed, with matched windows marked on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.figures import sheet
from protoecg.figures.theme import THEMES, Theme, ThemeName, translucent

LayoutName = Literal["3x4", "6x2", "12x1"]

WHOLE_STRIP_S = 9.9
LEFT_S, RIGHT_S = -0.6, DURATION_S + 0.2
PULSE_S = -0.4
LABEL_LINES = 3
LABEL_MV = 0.35


@dataclass(frozen=True)
class Window:
    """A stretch of the tracing to mark.

    Parameters
    ----------
    start_s, end_s : seconds from the start of the ECG
    label : what it is, shown in the legend and above the tracing
    color : "#rrggbb"; by default the theme's next accent
    shown : False leaves it in the legend only, to be switched on there
    """

    start_s: float
    end_s: float
    label: str
    color: str | None = None
    shown: bool = True

    @property
    def whole_strip(self) -> bool:
        """Whether it is as good as all of the ten seconds."""
        return self.end_s - self.start_s >= WHOLE_STRIP_S

    @property
    def title(self) -> str:
        """The label, which says so where the whole strip is meant."""
        return f"{self.label} (whole strip)" if self.whole_strip else self.label


@dataclass(frozen=True)
class Layout:
    """Rows of leads; the leads of a row share its ten seconds, each printing its part."""

    rows: tuple[tuple[str, ...], ...]
    spacing_mv: float


LAYOUTS: dict[LayoutName, Layout] = {
    "3x4": Layout(
        (
            ("I", "aVR", "V1", "V4"),
            ("II", "aVL", "V2", "V5"),
            ("III", "aVF", "V3", "V6"),
            ("II",),
        ),
        spacing_mv=2.5,
    ),
    "6x2": Layout(tuple(zip(LEADS[:6], LEADS[6:], strict=True)), spacing_mv=2.0),
    "12x1": Layout(tuple((lead,) for lead in LEADS), spacing_mv=1.5),
}


@dataclass(frozen=True)
class _Piece:
    """What one lead prints: its samples from `start_s` on, around `offset`."""

    lead: str
    start_s: float
    values: np.ndarray
    offset: float
    rate: float

    def within(self, start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Seconds and height on the paper of the samples in a window."""
        times = self.start_s + np.arange(len(self.values)) / self.rate
        half = 0.5 / self.rate
        inside = (times > start_s - half) & (times < end_s + half)
        return times[inside], self.values[inside] + self.offset


def ecg_figure(
    ecg: ECG,
    *,
    windows: Sequence[Window] = (),
    title: str = "",
    theme: ThemeName = "light",
    layout: LayoutName = "3x4",
    width_px: int = 1400,
) -> go.Figure:
    """Print the first ten seconds on ECG paper, raw, at 25 mm/s and 10 mm/mV.

    Parameters
    ----------
    windows : marked where their moment is printed, each switched by its legend entry
    layout : "3x4" prints four columns of 2.5 s and lead II as a rhythm strip; "6x2" prints two
        columns of 5 s, "12x1" every lead in full
    width_px : the page's width that the height is chosen for
    """
    colours = THEMES[theme]
    pieces = _pieces(ecg, LAYOUTS[layout])
    low, high = _paper_range(pieces, windows)
    figure = sheet.sheet(
        colours,
        seconds=(LEFT_S, RIGHT_S),
        millivolts=(low, high),
        title=title,
        printed=printed_line(ecg),
        legend=bool(windows),
        width_px=width_px,
    )
    marked = [(w, w.color or _next_accent(colours, i)) for i, w in enumerate(windows)]
    figure.add_traces(
        [_band(window, colour, (low + sheet.PRINTED_MV, high)) for window, colour in marked]
    )
    figure.add_trace(_pulses_and_separators(pieces, colours))
    figure.add_traces([_tracing(piece, colours) for piece in pieces])
    figure.add_traces([_accent(w, c, pieces) for w, c in marked if not w.whole_strip])
    figure.add_trace(_lead_names(pieces, colours))
    figure.add_trace(_clock(low, colours))
    for line, (window, colour) in enumerate(marked):
        at = high - LABEL_MV * (0.6 + line % LABEL_LINES)
        figure.add_trace(_label(window, colour, at))
    return figure


def printed_line(ecg: ECG) -> str:
    """Return what a printed ECG says about itself: speed, gain, rate, filter and source."""
    facts = ["25 mm/s", "10 mm/mV", f"{ecg.rate:g} Hz", "no filter"]
    if ecg.duration > DURATION_S + 0.1:
        facts.append(f"first {DURATION_S:g} of {ecg.duration:.0f} s")
    return "   ".join([*facts, ecg.source]).strip()


def describe_ecg(ecg: ECG, windows: Sequence[Window] = ()) -> str:
    """Say in words what `ecg_figure` shows, for readers who cannot see it."""
    what = f"Twelve-lead ECG{f' {ecg.source}' if ecg.source else ''}, first {DURATION_S:g} s."
    return " ".join([what, *(describe_window(window) for window in windows)])


def describe_window(window: Window) -> str:
    """Say in words what is marked."""
    if window.whole_strip:
        return f"{window.label}: the whole strip is marked."
    return f"{window.label}: marked from {window.start_s:.2f} to {window.end_s:.2f} s."


def _pieces(ecg: ECG, layout: Layout) -> list[_Piece]:
    rows = [_row_pieces(ecg, leads) for leads in layout.rows]
    whole_rows = [np.concatenate([values for _, _, values in row]) for row in rows]
    lows, highs = zip(*(sheet.envelope(row, ecg.rate) for row in whole_rows), strict=True)
    offsets = sheet.row_offsets(lows, highs, spacing=layout.spacing_mv)
    return [
        _Piece(lead, start_s, values, offset, ecg.rate)
        for row, offset in zip(rows, offsets, strict=True)
        for lead, start_s, values in row
    ]


def _row_pieces(ecg: ECG, leads: tuple[str, ...]) -> list[tuple[str, float, np.ndarray]]:
    borders = [round(DURATION_S * ecg.rate * i / len(leads)) for i in range(len(leads) + 1)]
    return [
        (lead, start / ecg.rate, ecg.signal[LEADS.index(lead), start:end])
        for lead, start, end in zip(leads, borders, borders[1:], strict=False)
    ]


def _paper_range(pieces: list[_Piece], windows: Sequence[Window]) -> tuple[float, float]:
    top, bottom = pieces[0].offset, pieces[-1].offset
    highest = max(p.values.max() for p in pieces if p.offset == top)
    lowest = min(p.values.min() for p in pieces if p.offset == bottom)
    label_room = LABEL_MV * min(len(windows), LABEL_LINES)
    high = top + max(sheet.up_to_line(float(highest) + 0.3), 1.5) + label_room
    low = bottom - max(sheet.up_to_line(0.9 - float(lowest)), 1.5)
    return low, high


def _next_accent(theme: Theme, index: int) -> str:
    return theme.accents[index % len(theme.accents)]


def _switch(window: Window) -> dict[str, Any]:
    # A group's traces answer to one legend entry.
    key = f"{window.label} {window.start_s:.3f} {window.end_s:.3f}"
    return {"legendgroup": key, "visible": True if window.shown else "legendonly"}


def _band(window: Window, colour: str, paper: tuple[float, float]) -> go.Scatter:
    start_s, end_s = max(window.start_s, 0.0), min(window.end_s, DURATION_S)
    return sheet.drawn(
        sheet.rectangle((start_s, end_s), paper),
        {"color": translucent(colour, 0.6), "width": 3 if window.whole_strip else 1},
        fill="toself",
        fillcolor=translucent(colour, 0.04 if window.whole_strip else 0.14),
        name=escape(window.title, quote=False),
        showlegend=True,
        **_switch(window),
    )


def _accent(window: Window, colour: str, pieces: list[_Piece]) -> go.Scatter:
    points: list[sheet.Point] = []
    for piece in pieces:
        times, heights = piece.within(window.start_s, window.end_s)
        points += [*zip(times, heights, strict=True), (np.nan, np.nan)]
    return sheet.drawn(
        points, {"color": colour, "width": 2.4}, name=window.title, **_switch(window)
    )


def _label(window: Window, colour: str, height: float) -> go.Scatter:
    # Labels of late windows would run off the paper.
    if window.start_s > DURATION_S - 1.5:
        position, at_s = "middle left", min(window.end_s, DURATION_S) - sheet.S_PER_MM
    else:
        position, at_s = "middle right", max(window.start_s, 0.0) + sheet.S_PER_MM
    return sheet.written(
        [(at_s, height, window.title)],
        size=12,
        colour=colour,
        weight=600,
        position=position,
        name=window.title,
        **_switch(window),
    )


def _tracing(piece: _Piece, theme: Theme) -> go.Scatter:
    return sheet.lead_trace(
        piece.values,
        lead=piece.lead,
        start_s=piece.start_s,
        rate=piece.rate,
        offset=piece.offset,
        line={"color": theme.ink, "width": 1.3},
    )


def _pulses_and_separators(pieces: list[_Piece], theme: Theme) -> go.Scatter:
    points: list[sheet.Point] = []
    for piece in pieces:
        if piece.start_s == 0:
            points += sheet.calibration_pulse(PULSE_S, piece.offset)
        else:
            points += sheet.vertical(piece.start_s, piece.offset - 0.3, piece.offset + 0.3)
    return sheet.drawn(points, {"color": theme.ink, "width": 1.3}, name="calibration")


def _lead_names(pieces: list[_Piece], theme: Theme) -> go.Scatter:
    names = [(p.start_s + 0.03, _name_height(p), p.lead) for p in pieces]
    return sheet.written(
        names, size=14, colour=theme.ink, weight=700, halo=theme.paper, name="lead names"
    )


def _name_height(piece: _Piece) -> float:
    below_the_name = piece.values[: max(round(0.3 * piece.rate), 1)]
    return piece.offset + float(np.clip(below_the_name.max() + 0.25, 0.5, 1.2))


def _clock(low: float, theme: Theme) -> go.Scatter:
    marks = [
        (float(second), low + sheet.PRINTED_MV + 0.2, f"{second} s")
        for second in range(round(DURATION_S) + 1)
    ]
    return sheet.written(
        marks, size=11, colour=theme.faint_ink, position="middle center", name="seconds"
    )
