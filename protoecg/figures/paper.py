"""The twelve-lead ECG as it is printed, with matched windows marked on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from protoecg import wording
from protoecg.ecg import DURATION_S, ECG
from protoecg.figures import sheet
from protoecg.figures.beat_marks import MARKS_MM, beat_marks
from protoecg.figures.switches import Switch, add_switches, rows_of, switched, switches_px
from protoecg.measure import Delineation
from protoecg.sheet.colours import THEMES, Theme, ThemeName, translucent
from protoecg.sheet.pieces import Piece, print_pieces, printed_line
from protoecg.sheet.rows import up_to_line
from protoecg.sheet.strokes import Point, before_zero, rectangle, row_marks
from protoecg.sheet.view import LARGE_MM, PULSE_MV, ROW_GAP_MM, View

LABEL_LINES, LABEL_MM, LABEL_ROOM_MM = 3, 3.5, 37.5
# Labels that begin nearer to each other would be written over each other on a small screen.
LABEL_S = 1.4
MARGIN_MM = 15.0
NAME_MM, NAMED_EVERY_MM = 7.5, 250.0


@dataclass(frozen=True)
class Window:
    """A stretch of the tracing to mark.

    Parameters
    ----------
    start_s, end_s : seconds from the start of the ECG
    label : what it is, shown on its switch and above the tracing
    color : "#rrggbb"; by default the theme's next accent
    shown : False leaves it off, to be switched on by its button, without its stretch retraced
    beside : what is not compared itself: with a dashed edge, paler, and without a button
    """

    start_s: float
    end_s: float
    label: str
    color: str | None = None
    shown: bool = True
    beside: bool = False

    @property
    def whole_strip(self) -> bool:
        """Whether it is as good as all of the ten seconds."""
        return wording.is_whole_strip((self.start_s, self.end_s))

    @property
    def title(self) -> str:
        """The label, which says so where the whole strip is meant."""
        return f"{self.label} ({wording.WHOLE_STRIP})" if self.whole_strip else self.label


def ecg_figure(
    ecg: ECG,
    *,
    view: View,
    windows: Sequence[Window] = (),
    title: str = "",
    theme: ThemeName = "light",
    width_px: int = 1400,
    in_sight: tuple[float, float] = (0.0, 1.0),
    measured: Delineation | None = None,
) -> go.Figure:
    """Print the first ten seconds on ECG paper.

    Parameters
    ----------
    windows : marked where their moment is printed, each switched by its button
    width_px : the page's width that the height is chosen for
    in_sight : where the part of that width begins and ends that is seen unscrolled, as shares; the
        buttons stand there
    measured : its waves and RR intervals are marked below the lowest row, where that is one lead
    """
    colours = THEMES[theme]
    room_px = round(width_px * (in_sight[1] - in_sight[0]))
    pieces = print_pieces(ecg, view)
    marked = [(w, w.color or _next_accent(colours, i)) for i, w in enumerate(windows)]
    # One window needs no switch.
    own = [(window, colour) for window, colour in marked if not window.beside]
    switches = [_switch(*window) for window in own] if len(own) > 1 else []
    lowest_row = [piece for piece in pieces if piece.offset == pieces[-1].offset]
    found = measured if len(lowest_row) == 1 else None
    low, high = _paper_range(pieces, windows, view, MARKS_MM if found else 0.0)
    left_s, pulse_s = before_zero(view)
    figure = sheet.sheet(
        colours,
        view,
        seconds=(left_s, DURATION_S + view.s(LARGE_MM)),
        millivolts=(low, high),
        title=title,
        printed=printed_line(ecg, view),
        legend=False,
        width_px=width_px,
        below_px=switches_px(rows_of(len(switches), room_px)),
    )
    floor = low + view.mv(sheet.PRINTED_MM)
    # A third of a line down, as words reach a little above where they hang.
    label_mv = [high - view.mv(LABEL_MM * (0.3 + line)) for line in _label_lines(windows)]
    figure.add_traces(
        [
            *(_band(window, colour, (floor, high)) for window, colour in marked),
            _row_marks(pieces, pulse_s, colours, view),
            *(_tracing(piece, colours) for piece in pieces),
            *(_accent(w, c, pieces) for w, c in marked if w.shown and not w.whole_strip),
            _lead_names(pieces, colours, view),
            _clock(floor + view.mv(2), colours),
            *(_label(*window, at, view) for window, at in zip(marked, label_mv, strict=True)),
            *(beat_marks(found, _lowest(lowest_row), view, colours) if found else ()),
        ]
    )
    add_switches(figure, switches, room_px, in_sight)
    return figure


def describe_ecg(ecg: ECG, view: View, windows: Sequence[Window] = ()) -> str:
    """Say in words what `ecg_figure` shows, for readers who cannot see it."""
    what = f"Twelve-lead ECG{f' {ecg.source}' if ecg.source else ''}, first {DURATION_S:g} s"
    drawn = ", ".join((*view.scale, view.filters.printed(ecg.rate)))
    return " ".join([f"{what}; {drawn}.", *(describe_window(window) for window in windows)])


def describe_window(window: Window) -> str:
    """Say in words what is marked."""
    if window.whole_strip:
        return f"{window.label}: the whole strip is marked."
    return f"{window.label}: marked from {wording.between((window.start_s, window.end_s))} s."


def _lowest(row: Sequence[Piece]) -> float:
    return min(float(piece.values.min()) + piece.offset for piece in row)


def _paper_range(
    pieces: list[Piece], windows: Sequence[Window], view: View, marks_mm: float
) -> tuple[float, float]:
    top, bottom = pieces[0].offset, pieces[-1].offset
    highest = max(float(p.values.max()) for p in pieces if p.offset == top)
    lowest = _lowest([p for p in pieces if p.offset == bottom]) - bottom
    above = max(highest, PULSE_MV) + view.mv(ROW_GAP_MM)
    below = view.mv(sheet.PRINTED_MM + 4 + marks_mm) - lowest
    margin, large = view.mv(MARGIN_MM), view.mv(LARGE_MM)
    label_room = view.mv(LABEL_MM) * max((line + 1 for line in _label_lines(windows)), default=0)
    if not view.close:
        above, below = up_to_line(above, large), up_to_line(below, large)
    return bottom - max(below, margin), top + max(above, margin) + label_room


def _label_lines(windows: Sequence[Window]) -> list[int]:
    """Return the line of text that each label stands on; those of what is beside share one or two.

    The second is for what begins near the one before.
    """
    first = sum(not window.beside for window in windows)
    lines, line, before_s = [], first, -DURATION_S
    for place, window in enumerate(windows):
        if window.beside:
            is_close = abs(window.start_s - before_s) < LABEL_S
            line, before_s = first + (is_close and line == first), window.start_s
        lines.append((line if window.beside else place) % LABEL_LINES)
    return lines


def _next_accent(theme: Theme, index: int) -> str:
    return theme.accents[index % len(theme.accents)]


def _switch(window: Window, colour: str) -> Switch:
    key = f"{window.label} {window.start_s:.3f} {window.end_s:.3f}"
    return Switch(window.label, colour, key, window.shown)


def _band(window: Window, colour: str, paper: tuple[float, float]) -> go.Scatter:
    start_s, end_s = max(window.start_s, 0.0), min(window.end_s, DURATION_S)
    return sheet.drawn(
        rectangle((start_s, end_s), paper),
        {
            "color": translucent(colour, 0.6),
            "width": 3 if window.whole_strip else 1,
            "dash": "dash" if window.beside else "solid",
        },
        fill="toself",
        fillcolor=translucent(colour, 0.04 if window.whole_strip or window.beside else 0.14),
        name=window.title,
        **switched(_switch(window, colour)),
    )


def _accent(window: Window, colour: str, pieces: list[Piece]) -> go.Scatter:
    points: list[Point] = []
    for piece in pieces:
        times, heights = piece.within(window.start_s, window.end_s)
        points += [*zip(times, heights, strict=True), (np.nan, np.nan)]
    return sheet.drawn(
        points,
        {"color": colour, "width": 1.6 if window.beside else 2.4},
        name=window.title,
        **switched(_switch(window, colour)),
    )


def _label(window: Window, colour: str, height: float, view: View) -> go.Scatter:
    # Labels of late windows would run off the paper.
    if window.start_s > DURATION_S - view.s(LABEL_ROOM_MM):
        position, at_s = "bottom left", min(window.end_s, DURATION_S) - view.s(1)
    else:
        position, at_s = "bottom right", max(window.start_s, 0.0) + view.s(1)
    return sheet.written(
        [(at_s, height, window.title)],
        size=12,
        colour=colour,
        weight=600,
        position=position,
        name=window.title,
        **switched(_switch(window, colour)),
    )


def _tracing(piece: Piece, theme: Theme) -> go.Scatter:
    return sheet.lead_trace(
        piece.values,
        lead=piece.lead,
        start_s=piece.start_s,
        rate=piece.rate,
        offset=piece.offset,
        line={"color": theme.ink, "width": 1.3},
    )


def _row_marks(pieces: list[Piece], pulse_s: float, theme: Theme, view: View) -> go.Scatter:
    line = {"color": theme.ink, "width": 1.3}
    return sheet.drawn(row_marks(pieces, pulse_s, view), line, name="calibration")


def _lead_names(pieces: list[Piece], theme: Theme, view: View) -> go.Scatter:
    names = [name for piece in pieces for name in _names(piece, view)]
    return sheet.written(
        names, size=14, colour=theme.ink, weight=700, halo=theme.paper, name="lead names"
    )


def _names(piece: Piece, view: View) -> list[tuple[float, float, str]]:
    """Name a lead where it begins and again where wide paper is scrolled to."""
    end_s = piece.start_s + len(piece.values) / piece.rate
    return [
        (float(at_s) + view.s(0.75), _name_height(piece, float(at_s), view), piece.lead)
        for at_s in np.arange(piece.start_s, end_s - view.s(NAME_MM), view.s(NAMED_EVERY_MM))
    ]


def _name_height(piece: Piece, at_s: float, view: View) -> float:
    _, heights = piece.within(at_s, at_s + view.s(NAME_MM))
    above = float(heights.max()) + view.mv(2.5)
    return float(np.clip(above, piece.offset + view.mv(5), piece.offset + view.mv(12)))


def _clock(height: float, theme: Theme) -> go.Scatter:
    marks = [(float(second), height, f"{second} s") for second in range(round(DURATION_S) + 1)]
    return sheet.written(
        marks, size=11, colour=theme.faint_ink, position="middle center", name="seconds"
    )
