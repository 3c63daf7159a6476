"""Bars of the scores from 1 to 5, for single ratings and for studies."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import drawing, frame, words
from protoecg.figures.charts import SCORES, scores_figure
from review_db.questions import STUDY_QUESTIONS

BARS = 40


def show(table: pd.DataFrame, question: str, by: str) -> None:
    """Show how often each group got each score; `table` has the columns `{question}_1` to `_5`."""
    counts = table[[f"{question}_{score}" for score in SCORES]].set_axis(list(SCORES), axis=1)
    st.markdown(f"**{question.capitalize()}**", help=STUDY_QUESTIONS[question].text)
    drawing.show(
        scores_figure(counts.set_axis(table[by], axis=0).head(BARS), theme=frame.theme()),
        key=question,
        alt=f"How often {question} was given each score from 1 to 5, by {by}; see the table.",
    )
    if len(table) > BARS:
        st.caption(f"The first {BARS} of {len(table)}; the table has all.")


def places(n: int) -> list[DeltaGenerator]:
    """Return places for so many charts, side by side where there is room."""
    with st.container(key="charts"):
        return st.columns(n)


def names(table: pd.DataFrame, by: str) -> pd.Series:
    """Return what each group is called."""
    return table[by].map(words.named) if by == "statement" else table[by]


def of_statement(table: pd.DataFrame) -> pd.DataFrame:
    """Ask for a statement and return its rows."""
    statement = st.selectbox(
        "Statement",
        sorted(table["statement"].unique()),
        format_func=words.named,
        key="statement",
        bind="query-params",
        width=420,
    )
    return table[table["statement"] == statement]
