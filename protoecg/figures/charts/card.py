"""Charts of the model card."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from protoecg.figures.theme import axis_title, blank_figure
from protoecg.sheet.colours import THEMES, ThemeName


def reliability_figure(curve: pd.DataFrame, *, theme: ThemeName = "light") -> go.Figure:
    """Show how often what is predicted with a probability is so; on the diagonal it is as often.

    Parameters
    ----------
    curve : a row for each tenth of the probability: `predicted` and `observed`, means from 0 to 1,
        and `count`, pairs of ECG and statement
    """
    colours = THEMES[theme]
    figure = blank_figure(colours, title="", height=380)
    figure.add_trace(
        go.Scatter(
            x=[0, 100],
            y=[0, 100],
            mode="lines",
            line={"color": colours.faint_ink, "width": 1, "dash": "dash"},
            name="as often as predicted",
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=100 * curve["predicted"],
            y=100 * curve["observed"],
            customdata=curve["count"],
            mode="lines+markers",
            line={"color": colours.prototype, "width": 2},
            marker={"color": colours.prototype, "size": _sizes(curve["count"])},
            name="this model (larger points: more cases)",
            hovertemplate="predicted %{x:.0f} %, observed %{y:.0f} % of %{customdata:,}"
            "<extra></extra>",
        )
    )
    figure.update_layout(margin={"l": 60, "r": 12, "t": 34, "b": 52})
    axis = {"range": [-3, 103], "gridcolor": colours.rule, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(title=axis_title("probability predicted, %"), **axis)
    figure.update_yaxes(title=axis_title("how often it was so, %"), **axis)
    return figure


def describe_reliability(curve: pd.DataFrame) -> str:
    """Say in words what `reliability_figure` shows, for readers who cannot see it."""
    points = "; ".join(
        f"{row.predicted:.0%} predicted, {row.observed:.0%} observed" for row in curve.itertuples()
    )
    return f"Reliability of the probabilities: {points}."


def _sizes(counts: pd.Series) -> np.ndarray:
    return 6 + 2 * np.log10(np.maximum(counts.to_numpy(dtype=float), 1))
