"""ECG paper to draw on: x in seconds, y in mV, squares of 1 mm that stay square.

Every lead shares one pair of axes and is moved to its place by adding an offset in mV, so that
one zoom moves the whole sheet and the browser lays out one grid instead of twelve.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from protoecg.figures.theme import Theme, blank_figure
from protoecg.sheet.view import LARGE_MM, PULSE_MV, PULSE_S, ROW_GAP_MM, View

MAX_SPACING_MV = 6.0
REACH_S = 0.2

MARGIN_PX, SIDE_PX = 8, 2
LEGEND_PX = 26

# What the printed line takes at the lower edge, and how far it is from where it is printed anew.
PRINTED_MM, PRINTED_EVERY_MM = 5.0, 250.0

Point = tuple[float, float]
_GAP: Point = (np.nan, np.nan)


def sheet(
    theme: Theme,
    view: View,
    *,
    seconds: tuple[float, float],
    millivolts: tuple[float, float],
    title: str,
    printed: str,
    legend: bool,
    width_px: int,
    below_px: int = 0,
) -> go.Figure:
    """Return an empty sheet, as high as it must be to show the ranges in `width_px` pixels.

    Narrower or wider pages see the same squares, with more paper below or on the right; `below_px`
    is left free below it.
    """
    top = MARGIN_PX + (30 if title else 0) + (LEGEND_PX if legend else 0)
    side = SIDE_PX
    # Squares are square: a mV is `gain` of those millimetres of which a second is `speed`.
    s_per_mv = view.gain / view.speed
    px_per_s = (width_px - 2 * side) / (seconds[1] - seconds[0])
    height = (millivolts[1] - millivolts[0]) * s_per_mv * px_per_s
    figure = blank_figure(
        theme,
        title=title,
        height=height + top + side + below_px,
        margin={"l": side, "r": side, "t": top, "b": side + below_px},
        plot_bgcolor=theme.paper,
        hovermode="closest",
        dragmode="zoom",
        xaxis={
            **_ruling(theme, view.s(LARGE_MM), view.s(1)),
            "range": seconds,
            "constrain": "range",
            "constraintoward": "left",
        },
        yaxis={
            **_ruling(theme, view.mv(LARGE_MM), view.mv(1)),
            "range": millivolts,
            "constrain": "range",
            "constraintoward": "top",
            "scaleanchor": "x",
            "scaleratio": s_per_mv,
        },
    )
    # Wide paper is scrolled, so each part of it says how it is printed.
    parts = max(int((seconds[1] - seconds[0]) * view.speed / PRINTED_EVERY_MM), 1)
    lines = [
        (float(start) + view.s(1), millivolts[0] + view.mv(PRINTED_MM / 2), printed)
        for start in np.linspace(*seconds, parts, endpoint=False)
    ]
    figure.add_trace(written(lines, size=12, colour=theme.faint_ink, name="printed line"))
    return figure


def lead_trace(
    values: np.ndarray,
    *,
    lead: str,
    start_s: float,
    rate: float,
    offset: float,
    **style: Any,
) -> go.Scatter:
    """One lead's millivolts from `start_s` on, drawn around `offset`; hover tells the truth."""
    return go.Scatter(
        x0=start_s,
        dx=1 / rate,
        y=np.asarray(values + np.float32(offset), dtype=np.float32),
        customdata=np.asarray(values, dtype=np.float32),
        mode="lines",
        name=lead,
        hovertemplate="%{x:.2f} s, %{customdata:.2f} mV",
        **{"showlegend": False, **style},
    )


def drawn(points: Iterable[Point], line: dict[str, Any], **style: Any) -> go.Scatter:
    """Straight lines through points that have no value to tell; nan lifts the pen."""
    x, y = np.asarray(list(points), dtype=np.float32).T
    return go.Scatter(
        x=x, y=y, mode="lines", line=line, hoverinfo="skip", **{"showlegend": False, **style}
    )


def written(
    texts: Sequence[tuple[float, float, str]],
    *,
    size: int,
    colour: str,
    weight: int = 400,
    halo: str = "",
    position: str = "middle right",
    **style: Any,
) -> go.Scatter:
    """Words on the paper, each as (seconds, mV, text); a halo lifts them off a tracing."""
    x, y, words = zip(*texts, strict=True)
    return go.Scatter(
        x=x,
        y=y,
        text=[escape(word, quote=False) for word in words],
        mode="text",
        textposition=position,
        textfont={
            "size": size,
            "color": colour,
            "weight": weight,
            "shadow": f"0 0 2px {halo}, 0 0 2px {halo}, 0 0 3px {halo}" if halo else "none",
        },
        # Words outside of a box that is dragged over the paper would fade.
        unselected={"textfont": {"color": colour}},
        hoverinfo="skip",
        **{"showlegend": False, **style},
    )


def calibration_pulse(start_s: float, offset: float, view: View) -> list[Point]:
    """1 mV for 0.2 s, with a foot of one millimetre on each side."""
    end_s, foot_s = start_s + PULSE_S, view.s(1)
    steps = [
        (start_s - foot_s, 0.0),
        (start_s, 0.0),
        (start_s, PULSE_MV),
        (end_s, PULSE_MV),
        (end_s, 0.0),
        (end_s + foot_s, 0.0),
    ]
    return [*((x, offset + y) for x, y in steps), _GAP]


def before_zero(view: View) -> tuple[float, float]:
    """Where the paper and its pulse begin, in seconds: the pulse has 5 mm on each side."""
    pulse_s = -PULSE_S - view.s(LARGE_MM)
    return pulse_s - view.s(LARGE_MM), pulse_s


def vertical(at_s: float, low_mv: float, high_mv: float) -> list[Point]:
    """Return a vertical stroke."""
    return [(at_s, low_mv), (at_s, high_mv), _GAP]


def rectangle(seconds: tuple[float, float], millivolts: tuple[float, float]) -> list[Point]:
    """Return a closed rectangle."""
    (left, right), (low, high) = seconds, millivolts
    return [(left, low), (left, high), (right, high), (right, low), (left, low), _GAP]


def row_offsets(
    lows: Sequence[np.ndarray], highs: Sequence[np.ndarray], view: View, *, spacing: float
) -> list[float]:
    """Where the zero line of each row lies, in mV, the last row at 0.

    Rows lie `spacing` apart, further where a tall row would run into its neighbour, always on
    a line of the large squares. Beyond 6 mV rows may touch: the scale is never changed.

    Parameters
    ----------
    lows, highs : how far each row reaches, in mV, at the same places along every row
    """
    offsets = [0.0]
    for above, below in zip(lows[-2::-1], highs[:0:-1], strict=True):
        needed = up_to_line(float(np.max(below - above)) + view.mv(ROW_GAP_MM), view.mv(LARGE_MM))
        offsets.append(offsets[-1] + min(max(spacing, needed), MAX_SPACING_MV))
    return offsets[::-1]


def envelope(row: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value within 0.1 s of each sample."""
    reach = max(round(REACH_S * rate), 1)
    return minimum_filter1d(row, reach), maximum_filter1d(row, reach)


def up_to_line(value: float, large: float) -> float:
    """Round up to the next line of the large squares."""
    return float(np.ceil(value / large - 1e-6)) * large


def down_to_line(value: float, large: float) -> float:
    """Round down to the next line of the large squares."""
    return -up_to_line(-value, large)


def _ruling(theme: Theme, large: float, small: float) -> dict[str, Any]:
    return {
        "tick0": 0,
        "dtick": large,
        "showgrid": True,
        "gridcolor": theme.large_squares,
        "gridwidth": 1,
        "minor": {
            "tick0": 0,
            "dtick": small,
            "showgrid": True,
            "gridcolor": theme.small_squares,
            "gridwidth": 1,
        },
        "showticklabels": False,
        "ticks": "",
        "zeroline": False,
        "showline": True,
        "mirror": True,
        "linecolor": theme.large_squares,
    }
