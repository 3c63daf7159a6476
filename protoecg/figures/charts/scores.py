"""How reviewers scored, as bars of each score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from protoecg.figures.theme import axis_title, blank_figure, name_rows
from protoecg.sheet.colours import THEMES, ThemeName

SCORES = ("1", "2", "3", "4", "5")


BAR_PX = 27


# What is printed beyond the last bar, at any width: "+2.92, probability 95 %".
PRINTED_PX = 150


def scores_figure(
    scores: pd.DataFrame, *, title: str = "", theme: ThemeName = "light"
) -> go.Figure:
    """Show each group's ratings from 1 to 5 as one bar of 100 %, the middle of 3 at zero.

    Parameters
    ----------
    scores : one row a group (its label is the index), columns "1" to "5", counts

    Raises
    ------
    ValueError
        If one of the five columns is missing.
    """
    if missing := [score for score in SCORES if score not in scores.columns]:
        raise ValueError(
            f"Found the columns {list(scores.columns)}, expected a count for each score from "
            f"1 to 5; add {', '.join(missing)}."
        )
    colours = THEMES[theme]
    counts = scores.loc[:, list(SCORES)].to_numpy(dtype=float)
    n = counts.sum(axis=1)
    percent = 100 * np.divide(counts, n[:, None], out=np.zeros_like(counts), where=n[:, None] > 0)
    starts = np.cumsum(percent, axis=1) - percent
    starts -= (starts[:, 2] + percent[:, 2] / 2)[:, None]
    rows = list(range(len(scores)))
    figure = blank_figure(
        colours, title=title, height=34 * max(len(rows), 1) + 96 + 30 * bool(title)
    )
    for i, score in enumerate(SCORES):
        figure.add_trace(
            go.Bar(
                orientation="h",
                y=rows,
                base=starts[:, i],
                x=percent[:, i],
                width=0.7,
                name=score,
                marker={"color": colours.scores[i]},
                text=[
                    f"{count:g}" if share >= 4 else ""
                    for count, share in zip(counts[:, i], percent[:, i], strict=True)
                ],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                customdata=counts[:, i],
                hovertemplate=f"score {score}: %{{customdata:g}} (%{{x:.0f}} %)<extra></extra>",
            )
        )
    figure.update_layout(
        barmode="overlay",
        margin={"l": 8, "r": 8, "t": 34 + 30 * bool(title), "b": 52},
        legend={"traceorder": "normal"},
    )
    figure.update_xaxes(
        title=axis_title("%, half of the 3s on each side"),
        range=[-105, 105],
        tickvals=[-100, -50, 0, 50, 100],
        ticktext=["100", "50", "0", "50", "100"],
        gridcolor=colours.rule,
        zerolinecolor=colours.faint_ink,
        fixedrange=True,
    )
    names = [
        f"{label}  (n\u00a0=\u00a0{count:g})" for label, count in zip(scores.index, n, strict=True)
    ]
    name_rows(figure, names, above=0.6, below=0.6)
    return figure
