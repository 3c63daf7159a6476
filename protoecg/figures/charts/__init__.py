"""Charts of numbers: what a finding rests on, and what reviewers answered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go

from protoecg.explanation import Finding, Match
from protoecg.figures.charts.scores import BAR_PX, PRINTED_PX
from protoecg.figures.measurements import measurements_bar
from protoecg.figures.theme import axis_title, blank_figure
from protoecg.sheet.colours import THEMES, Theme, ThemeName
from protoecg.wording import probability, signed


@dataclass(frozen=True)
class Step:
    """One bar of a logit: what it adds, where it starts, and what is printed after the amount."""

    label: str
    hover: str
    start: float
    amount: float
    kind: str
    note: str = ""

    @property
    def end(self) -> float:
        """Where the next bar starts."""
        return self.start + self.amount


def contributions_figure(
    finding: Finding, *, top: int = 12, theme: ThemeName = "light", title: str = ""
) -> go.Figure:
    """Show how contributions, for and against, and the bias add up to the logit.

    Each bar starts where the one above it ends. The `top` strongest matches stand alone, the
    others share a bar; the dashed line is the logit from which the statement is likely.
    """
    return steps_figure(
        steps_to_logit(finding, top),
        finding.threshold,
        title=title,
        axis="logit: for the statement to the right, against it to the left",
        theme=theme,
    )


def steps_figure(
    steps: list[Step], threshold: float, *, title: str, axis: str, theme: ThemeName
) -> go.Figure:
    """Draw bars of which each starts where the one above it ends.

    Parameters
    ----------
    threshold : probability from which the statement is likely; its logit is dashed
    """
    colours = THEMES[theme]
    figure = blank_figure(colours, title=title, height=BAR_PX * len(steps) + 80 + 30 * bool(title))
    rows = range(len(steps))
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=list(rows),
            base=[step.start for step in steps],
            x=[step.amount for step in steps],
            width=0.72,
            marker={"color": [_colour(step, colours) for step in steps]},
            customdata=[escape(step.hover) for step in steps],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_trace(_connectors(steps, colours))
    figure.add_trace(_values(steps, colours))
    _mark_threshold(figure, threshold, colours)
    figure.update_layout(
        margin={"l": 8, "r": PRINTED_PX, "t": 24 + 30 * bool(title), "b": 52},
        bargap=0,
        hovermode="closest",
    )
    figure.update_xaxes(
        title=axis_title(axis),
        range=_with_room(steps, threshold),
        gridcolor=colours.rule,
        zeroline=True,
        zerolinecolor=colours.faint_ink,
        zerolinewidth=1,
        fixedrange=True,
    )
    figure.update_yaxes(
        tickvals=list(rows),
        ticktext=[step.label for step in steps],
        range=[len(steps) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
        ticks="",
        automargin=True,
        fixedrange=True,
    )
    return figure


def steps_to_logit(finding: Finding, top: int = 12) -> list[Step]:
    """Return the bars from 0 to the logit: matches, measurements, the bias, the sum."""
    ranked = sorted(finding.speaking, key=lambda match: -abs(match.contribution))
    amounts = [(m.prototype.name, _match_hover(m), m.contribution) for m in ranked[:top]]
    amounts += [_others(ranked[top:])] if ranked[top:] else []
    bias = ("bias", f"bias: {signed(finding.bias, 3)}, before any match", finding.bias)
    amounts += [*measurements_bar(finding), bias]
    starts = np.cumsum([0.0, *(amount for _, _, amount in amounts)])
    steps = [
        Step(label, hover, float(start), amount, "bias" if label == "bias" else "match")
        for (label, hover, amount), start in zip(amounts, starts[:-1], strict=True)
    ]
    return [*steps, sum_step("sum: logit", finding)]


def sum_step(label: str, finding: Finding) -> Step:
    """Return the bar of a finding's whole logit."""
    exactly = f"{signed(finding.logit, 3)}, probability {probability(finding.probability, 1)}"
    note = f"probability {probability(finding.probability)}"
    return Step(label, f"{label} {exactly}", 0.0, finding.logit, "sum", note)


def describe_contributions(finding: Finding, top: int = 3) -> str:
    """Say in words what `contributions_figure` shows, for readers who cannot see it."""
    steps = (step for step in steps_to_logit(finding, top) if step.kind == "match")
    strongest = ", ".join(f"{step.label} {signed(step.amount)}" for step in steps)
    return (
        f"Contributions to {finding.statement.named}: {strongest}; bias {signed(finding.bias)}; "
        f"logit {signed(finding.logit)}, probability {probability(finding.probability)}."
    )


def _others(rest: list[Match]) -> tuple[str, str, float]:
    amount = math.fsum(match.contribution for match in rest)
    label = f"{len(rest)} other match{'es' if len(rest) > 1 else ''}"
    positive = math.fsum(max(match.contribution, 0.0) for match in rest)
    sides = f"{signed(positive, 3)} for, {signed(amount - positive, 3)} against"
    return label, f"{label}: {signed(amount, 3)} ({sides})", amount


def _match_hover(match: Match) -> str:
    return (
        f"{match.prototype.name} ({match.prototype.statement}): similarity "
        f"{signed(match.similarity, 3)} × weight {signed(match.weight, 3)} = "
        f"{signed(match.contribution, 3)}"
    )


def _colour(step: Step, theme: Theme) -> str:
    if step.kind != "match":
        return theme.neutral if step.kind == "bias" else theme.ink
    return theme.evidence_for if step.amount >= 0 else theme.evidence_against


def _connectors(steps: list[Step], theme: Theme) -> go.Scatter:
    x, y = [], []
    for row, step in enumerate(steps[:-1]):
        x += [step.end, step.end, None]
        y += [row - 0.36, row + 1.36, None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": theme.faint_ink, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )


def _values(steps: list[Step], theme: Theme) -> go.Scatter:
    return go.Scatter(
        x=[max(step.start, step.end) for step in steps],
        y=list(range(len(steps))),
        text=[f" {_printed(step)}" for step in steps],
        mode="text",
        textposition="middle right",
        textfont={"color": theme.ink, "size": 12},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _printed(step: Step) -> str:
    amount = signed(step.amount)
    return f"<b>{amount}</b>, {escape(step.note)}" if step.note else amount


def _mark_threshold(figure: go.Figure, threshold: float, theme: Theme) -> None:
    if not 0 < threshold < 1:
        return
    at = _logit(threshold)
    figure.add_vline(
        x=at,
        line={"color": theme.faint_ink, "width": 1.5, "dash": "dash"},
        layer="below",
    )
    figure.add_annotation(
        x=at,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=f"likely from {probability(threshold, 1)}",
        showarrow=False,
        font={"size": 12, "color": theme.faint_ink},
    )


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _with_room(steps: list[Step], threshold: float) -> list[float]:
    places = [0.0, *(step.start for step in steps), *(step.end for step in steps)]
    if 0 < threshold < 1:
        places.append(_logit(threshold))
    span = max(max(places) - min(places), 0.5)
    return [min(places) - 0.03 * span, max(places) + 0.03 * span]
