"""Forest plots: a value with its interval, one row each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from protoecg import wording
from protoecg.figures.theme import blank_figure, name_rows
from protoecg.sheet.colours import THEMES, ThemeName


def intervals_figure(
    rows: pd.DataFrame,
    *,
    axis: str,
    limits: tuple[float, float],
    reference: float | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Show each row's value as a point on the line of its interval.

    Parameters
    ----------
    rows : one row a point (its label is the index): `value`, `low`, `high`, and `n`, what it
        rests on; what is NaN is left out
    axis : what the values are
    limits : first and last value that the axis shows
    reference : a value to compare with, such as no difference
    """
    colours = THEMES[theme]
    places = list(range(len(rows)))
    figure = blank_figure(colours, title="", height=30 * max(len(rows), 1) + 72)
    figure.add_trace(
        go.Scatter(
            x=rows["value"],
            y=places,
            mode="markers",
            marker={"color": colours.prototype, "size": 9, "symbol": "square"},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": rows["high"] - rows["value"],
                "arrayminus": rows["value"] - rows["low"],
                "color": colours.prototype,
                "thickness": 2,
                "width": 5,
            },
            customdata=rows[["low", "high"]],
            hovertemplate="%{x:.2f} (95 %: %{customdata[0]:.2f} to %{customdata[1]:.2f})"
            "<extra></extra>",
            showlegend=False,
        )
    )
    if reference is not None:
        figure.add_vline(reference, line={"color": colours.faint_ink, "width": 1, "dash": "dash"})
    figure.update_layout(margin={"l": 8, "r": 12, "t": 12, "b": 52})
    figure.update_xaxes(
        title={"text": axis, "font": {"size": 13}, "standoff": 10},
        range=limits,
        gridcolor=colours.rule,
        zeroline=False,
        fixedrange=True,
    )
    names = [
        f"{label}  (n\u00a0=\u00a0{n:g})" for label, n in zip(rows.index, rows["n"], strict=True)
    ]
    name_rows(figure, names, above=0.5, below=0.5)
    return figure


def describe_intervals(rows: pd.DataFrame, axis: str) -> str:
    """Say in words what `intervals_figure` shows, for readers who cannot see it."""
    texts = [
        f"{row.Index} {row.value:.2f}"
        + (
            f" ({wording.between((row.low, row.high))})"
            if np.isfinite([row.low, row.high]).all()
            else ""
        )
        for row in rows.dropna(subset=["value"]).itertuples()
    ]
    return f"{axis}, with 95 % intervals: {'; '.join(texts) or 'nothing to show'}."
