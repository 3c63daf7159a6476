"""What each reader did in each of several ways of reading, one row a reader."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from protoecg.figures.theme import axis_title, blank_figure, name_rows
from protoecg.sheet.colours import THEMES, ThemeName

_SYMBOLS = ("circle-open", "diamond", "square", "triangle-up")


def readers_figure(rows: pd.DataFrame, *, axis: str, theme: ThemeName = "light") -> go.Figure:
    """Show each reader's values on a line, from the first way of reading to the last.

    Parameters
    ----------
    rows : one row a reader (its name is the index), one column a way of reading, in order
    axis : what the values are
    """
    colours = THEMES[theme]
    places = list(range(len(rows)))
    figure = blank_figure(colours, title="", height=30 * max(len(rows), 1) + 110)
    ends = rows.iloc[:, [0, -1]].to_numpy()
    for place, (first, last) in zip(places, ends, strict=True):
        figure.add_annotation(
            x=last,
            y=place,
            ax=first,
            ay=place,
            axref="x",
            ayref="y",
            text="",
            arrowhead=2,
            arrowwidth=1.5,
            arrowcolor=colours.faint_ink,
        )
    for n, way in enumerate(rows.columns):
        figure.add_trace(
            go.Scatter(
                x=rows[way],
                y=places,
                mode="markers",
                name=str(way),
                marker={
                    "color": colours.prototype,
                    "size": 9,
                    "symbol": _SYMBOLS[n % len(_SYMBOLS)],
                },
                hovertemplate=f"{way}: %{{x:.2f}}<extra></extra>",
            )
        )
    figure.update_layout(
        margin={"l": 8, "r": 12, "t": 40, "b": 52}, legend={"traceorder": "normal"}
    )
    figure.update_xaxes(
        title=axis_title(axis), gridcolor=colours.rule, zeroline=False, fixedrange=True
    )
    name_rows(figure, [str(name) for name in rows.index], above=0.5, below=0.5)
    return figure


def describe_readers(rows: pd.DataFrame, axis: str) -> str:
    """Say in words what `readers_figure` shows, for readers who cannot see it."""
    texts = [
        f"{name} " + ", ".join(f"{way} {value:.2f}" for way, value in row.items())
        for name, row in rows.iterrows()
    ]
    return f"{axis} of each reader: {'; '.join(texts) or 'nothing to show'}."
