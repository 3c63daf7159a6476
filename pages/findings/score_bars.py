"""Bars of the scores from 1 to 5, for single ratings and for studies."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ecg import drawing
from pages.shell import frame
from protoecg.figures.charts.scores import SCORES, scores_figure
from protoecg.labels import LabelSet
from review_db.questions.catalogue import STUDY_QUESTIONS

BARS = 40


def show(table: pd.DataFrame, question: str, by: str, *, about: str) -> None:
    """Show how often each group got each score; `table` has the columns `{question}_1` to `_5`.

    `about` is whose scores these are.
    """
    counts = table[[f"{question}_{score}" for score in SCORES]].set_axis(list(SCORES), axis=1)
    counts = counts.set_axis(table[by], axis=0).head(BARS)
    st.markdown(f"**{question.capitalize()}**", help=STUDY_QUESTIONS[question].text)
    drawing.show_with_numbers(
        scores_figure(counts, theme=frame.theme()),
        counts,
        key=key(table, f"{about} {question}", by),
        alt=f"How often {question} was given each score from 1 to 5, by {by}; see the table.",
    )
    if len(table) > BARS:
        st.caption(f"The first {BARS} of {len(table)}; the table has all.")


def columns(n: int) -> list[DeltaGenerator]:
    """Return columns for so many charts, side by side where there is room."""
    with st.container(key="charts"):
        return st.columns(n)


def key(table: pd.DataFrame, what: str, by: str) -> str:
    """Return a key for a figure that shows `what` of each group; its files are named by it."""
    of = f" of {table['statement'].iat[0]}" if by == "prototype" else ""
    return f"{what} by {by}{of}"


def names(table: pd.DataFrame, by: str, labels: LabelSet) -> pd.Series:
    """Return what each group is called."""
    return table[by].map(labels.named) if by == "statement" else table[by]


def of_statement(table: pd.DataFrame, labels: LabelSet) -> pd.DataFrame:
    """Ask for a statement and return its rows."""
    return table[table["statement"] == statement_of(table["statement"], labels)]


def statement_of(codes: Iterable[str], labels: LabelSet) -> str:
    """Ask for one of the statements that there are."""
    return st.selectbox(
        "Statement",
        sorted(set(codes)),
        format_func=labels.named,
        key="statement",
        bind="query-params",
        width=420,
    )
