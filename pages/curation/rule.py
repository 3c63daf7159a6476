"""The rule of a curation, asked before its proposals are shown."""

from __future__ import annotations

import streamlit as st

from protoecg.prototypes.curation import Rule

OFF = "off"
POINTS = (OFF, "1", "1.5", "2", "2.5", "3")
SHARES = {
    OFF: None,
    "more than a third": 1 / 3,
    "more than half": 0.5,
    "more than two thirds": 2 / 3,
}
STATED = (
    "State it before you look at the proposals: a rule that is bent to what it gives decides "
    "nothing."
)


def ask() -> Rule:
    """Ask for the rule, kept in the URL."""
    with st.container(border=True):
        st.markdown("**Rule**", help=STATED)
        columns = st.columns(4)
        reviewers = columns[0].number_input(
            "Reviewers, at least", 1, 20, 2, key="reviewers", bind="query-params"
        )
        median = columns[1].selectbox(
            "Median representativeness, at most", POINTS, 3, key="median", bind="query-params"
        )
        wrong = columns[2].selectbox(
            "Judged not accurate by", list(SHARES), 2, key="wrong", bind="query-params"
        )
        bad = columns[3].selectbox(
            "Marked as bad by", list(SHARES), 2, key="bad", bind="query-params"
        )
        if reviewers == 1:
            st.caption(":material/warning: One reviewer's click alone retires a prototype.")
    return Rule(
        reviewers=int(reviewers),
        representativeness=None if median == OFF else float(median),
        not_accurate=SHARES[wrong],
        bad=SHARES[bad],
    )
