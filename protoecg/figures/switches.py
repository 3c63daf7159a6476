"""Buttons below a figure that switch some of its traces on and off, in the browser alone.

They change opacity, which is drawn at once; a legend changes what is visible, for which Plotly
draws the whole paper anew, and waits for a second click first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from typing import Any

import plotly.graph_objects as go

from protoecg.sheet.colours import LIGHT

ROW_PX, GAP_PX = 38, 6
# So wide that they stand side by side on a page of two thirds of the width.
CELL_PX = 175


@dataclass(frozen=True)
class Switch:
    """A button, the colour of its border, and the key of its traces, which is their `meta`."""

    label: str
    colour: str
    key: str
    on: bool


def switched(switch: Switch) -> dict[str, Any]:
    """Return what makes a trace answer to a switch."""
    return {"meta": switch.key, "opacity": float(switch.on)}


def rows_of(number: int, width_px: int) -> int:
    """Return how many rows a number of switches takes."""
    return ceil(number / _columns(width_px))


def switches_px(rows: int) -> int:
    """Return how much room rows of switches need."""
    return GAP_PX + ROW_PX * rows if rows else 0


def add_switches(
    figure: go.Figure,
    switches: Sequence[Switch],
    width_px: int,
    part: tuple[float, float],
) -> None:
    """Add switches to a figure that has their traces and `switches_px` free below it.

    Parameters
    ----------
    width_px, part : how wide the part is that they stand below, and where it begins and ends, as
        shares of the figure's width
    """
    columns = _columns(width_px)
    start, end = part
    figure.update_layout(
        updatemenus=[
            _menu(
                figure,
                switch,
                start + (end - start) * (index % columns) / columns,
                index // columns,
            )
            for index, switch in enumerate(switches)
        ]
    )


def _columns(width_px: int) -> int:
    return max(width_px // CELL_PX, 4)


def _menu(figure: go.Figure, switch: Switch, x: float, row: int) -> dict[str, Any]:
    of = [index for index, trace in enumerate(figure.data) if trace.meta == switch.key]
    button = {
        "label": escape(switch.label, quote=False),
        "method": "restyle",
        "args": [{"opacity": 1.0}, of],
        "args2": [{"opacity": 0.0}, of],
    }
    return {
        "type": "buttons",
        "buttons": [button],
        "active": 0 if switch.on else -1,
        "x": x,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": GAP_PX + ROW_PX * row},
        # One that is on is drawn all but white, on a dark page, too.
        "bgcolor": LIGHT.rule,
        "bordercolor": switch.colour,
        "borderwidth": 2,
        "font": {"size": 12, "color": "#000000"},
    }
