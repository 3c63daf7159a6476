"""How large a study has to be for intervals of a given width."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from review_db.statistics.power import MEASURES, Spread, smallest, widths


def show() -> None:
    """Ask for sizes, and show how wide the intervals of simulated studies are."""
    st.write("How wide a 95 % interval will be, by simulating studies.")
    with st.form("power"), st.container(horizontal=True):
        measure = st.selectbox("Interval of", MEASURES, width=160)
        width = st.number_input("At most this wide", 0.05, 2.0, 0.4, 0.05, width=160)
        reviewers = st.multiselect("Reviewers", range(2, 13), [2, 4, 6], width=280)
        prototypes = st.multiselect("Prototypes", range(10, 210, 10), [20, 40, 80], width=280)
        between = st.number_input("SD between prototypes", 0.0, 2.0, 0.8, 0.1, width=180)
        rest = st.number_input("SD of the rest", 0.1, 2.0, 0.7, 0.1, width=180)
        asked = st.form_submit_button("Simulate", type="primary")
    if asked and reviewers and prototypes:
        table = _simulated(tuple(reviewers), tuple(prototypes), measure, between, rest)
        _widths(table, width)


@st.cache_data(max_entries=32, show_spinner="Simulating studies")
def _simulated(
    reviewers: tuple[int, ...],
    prototypes: tuple[int, ...],
    measure: str,
    between: float,
    rest: float,
) -> pd.DataFrame:
    spread = Spread(prototypes=between, residual=rest)
    return widths(reviewers, prototypes, measure=measure, spread=spread)


def _widths(table: pd.DataFrame, width: float) -> None:
    enough = smallest(table, width)
    for row in enough.itertuples():
        st.markdown(f"**{row.reviewers} reviewers** reach it with {row.prototypes} prototypes.")
    if enough.empty:
        st.info("None of these sizes reaches it in 90 % of studies. Try larger ones.")
    names = {
        "reviewers": "Reviewers",
        "prototypes": "Prototypes",
        "value": "Mean of the measure",
        "width": "Width (median)",
        "width_90": "Width that 90 % stay below",
    }
    st.dataframe(table.round(2).rename(columns=names), hide_index=True)
