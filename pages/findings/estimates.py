"""Estimates on a page: whom their intervals hold for, in a table, and as a forest of points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from pages.ecg import drawing
from pages.shell import choices, frame
from protoecg import wording
from protoecg.figures.intervals import describe_intervals, intervals_figure
from protoecg.labels import LabelSet
from review_db.findings.estimate_rows import NEW, THESE
from review_db.statistics.intervals import Estimate
from review_db.studies.design.declared import Protocol

_HELP = (
    "An interval for new reviewers says where the figure would lie had others like these rated: "
    "what a paper concludes. One for these reviewers says nothing of others. Both take the items "
    "as a sample."
)


@dataclass(frozen=True)
class Whose:
    """Whom the intervals on the page hold for."""

    name: str

    def of(self, found: Estimate) -> tuple[float, float]:
        """Return the interval of an estimate that holds for them."""
        return found.new if self.name == NEW else found.these

    def text(self, found: Estimate, *, share: bool = False) -> str:
        """Print an estimate with its interval, where there is one."""
        if pd.isna(found.value):
            return ""
        ends = self.of(found)
        scale, form, unit = (100, "z.0f", " %") if share else (1, "z.2f", "")
        value = wording.true_minus(f"{scale * found.value:{form}}{unit}")
        if pd.isna(ends[0]):
            return value
        between = wording.between([scale * end for end in ends], form)
        return f"{value} ({wording.true_minus(between)})"


@dataclass(frozen=True)
class Results:
    """What a view of a study's results is drawn from: `answers.answer_table`, and what is asked.

    `alpha` is what may be spent on what was declared, as of now.
    """

    answers: pd.DataFrame
    whom: Whose
    labels: LabelSet
    protocol: Protocol
    alpha: float


def whose() -> Whose:
    """Ask whom intervals are to hold for."""
    return Whose(choices.one_of("Intervals hold for", [NEW, THESE], key="for", help=_HELP))


def forest(
    found: Sequence[Estimate],
    names: Sequence[str],
    n: Sequence[int],
    whom: Whose,
    *,
    axis: str,
    limits: tuple[float, float],
    key: str,
    reference: float | None = None,
) -> None:
    """Draw estimates as points on their intervals; `n` is what each rests on."""
    ends = [whom.of(one) for one in found]
    rows = pd.DataFrame(
        {
            "value": [one.value for one in found],
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
            "n": list(n),
        },
        index=pd.Index(names),
    )
    figure = intervals_figure(
        rows, axis=axis, limits=limits, reference=reference, theme=frame.theme()
    )
    numbers = rows.rename(columns={"value": axis}).assign(holds_for=whom.name)
    drawing.show_with_numbers(figure, numbers, key=key, alt=describe_intervals(rows, axis))


def table(columns: Mapping[str, Sequence[object]]) -> None:
    """Show columns as a table without an index."""
    st.dataframe(pd.DataFrame(dict(columns)), hide_index=True)


def named(answers: pd.DataFrame, what: str) -> str:
    """Return the key of a figure of a study."""
    return f"{answers['study'].iat[0]} {what}"
