"""Type, toolbar and layout of every figure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from protoecg.sheet.colours import Theme

FONT = "'Source Sans Pro', 'Source Sans 3', 'Segoe UI', Helvetica, Arial, sans-serif"

# A figure half a page wide is then printed 18 cm wide at 300 dots an inch.
_PICTURE_SCALE = 4
# Characters of a row's name on a line.
_LINE = 36
# What a line more takes.
_LINE_PX = 15


def file_name(name: str) -> str:
    """Return the name, without its ending, of the files that hold what a figure shows."""
    return "_".join(["protoecg", *re.findall(r"[\w-]+", name)])


def toolbar(name: str) -> dict[str, Any]:
    """Return the toolbar of a figure: `st.plotly_chart(..., config=toolbar(name), theme=None)`."""
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        "toImageButtonOptions": {"filename": file_name(name), "scale": _PICTURE_SCALE},
    }


def blank_figure(theme: Theme, *, title: str, height: float, **layout: Any) -> go.Figure:
    """Return an empty figure that fills the page's width and shows the page behind it.

    `layout` is added, or stands instead. Plotly checks a layout that is given at once in a
    fraction of the time that it takes for updates.
    """
    return go.Figure(
        layout={
            "template": "none",
            "autosize": True,
            "height": round(height),
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 13, "color": theme.ink},
            "hoverlabel": {"font": {"family": FONT, "size": 13}},
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1,
                "yanchor": "bottom",
                "font": {"size": 13},
            },
            **({"title": _title(title)} if title else {}),
            **layout,
        }
    )


def axis_title(text: str) -> dict[str, Any]:
    """Return the title of an axis, in small type a little off its numbers."""
    return {"text": text, "font": {"size": 13}, "standoff": 10}


def name_rows(figure: go.Figure, names: Sequence[str], *, above: float, below: float) -> None:
    """Name the rows of a chart, the first at the top, at 0, 1, 2 and so on.

    Long names go over two lines or three, so that a phone has room for the chart beside them, and
    the chart grows by as much.

    Parameters
    ----------
    above, below : room over the first row and under the last, in rows
    """
    lines = [wrap(name, _LINE, break_long_words=False) for name in names]
    more = max((len(of_name) for of_name in lines), default=1) - 1
    figure.update_layout(height=figure.layout.height + _LINE_PX * more * len(names))
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=["<br>".join(of_name) for of_name in lines],
        range=[len(names) - 1 + below, -above],
        showgrid=False,
        zeroline=False,
        automargin=True,
        fixedrange=True,
    )


def _title(text: str) -> dict[str, Any]:
    return {
        "text": escape(text, quote=False),
        "x": 0,
        "xref": "container",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 10},
        "font": {"size": 16, "weight": 600},
    }
