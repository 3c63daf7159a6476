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

from protoecg.figures.theme import blank_figure
from protoecg.sheet.colours import Theme
from protoecg.sheet.strokes import Point
from protoecg.sheet.view import LARGE_MM, View

MARGIN_PX, SIDE_PX = 8, 2
LEGEND_PX = 26

# What the printed line takes at the lower edge, and how far it is from where it is printed anew.
PRINTED_MM, PRINTED_EVERY_MM = 5.0, 250.0


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
        hoverinfo="skip",
        **{"showlegend": False, **style},
    )


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
