"""Where a model was calibrated again, and what that changed there."""

from __future__ import annotations

import streamlit as st

from pages.shell import words
from protoecg.bundle import Bundle
from protoecg.card import recalibration
from protoecg.prototypes.curation import curations

SCALES = (
    "The hospital's own ECGs set the scale of each statement, and from which probability on it is "
    "likely or possible. Networks and prototypes are as before. Each ECG is judged by what other "
    "patients' set (cross-fitted); in brackets: 95 % interval."
)
ELSEWHERE = (
    "But for what is said to be of where it was calibrated, all below was measured on the ECGs "
    "that the model was made with, as it was calibrated for those."
)
CURATED = "Prototypes were replaced since. Scales and thresholds stayed; the figures are of before."


def show(bundle: Bundle) -> None:
    """Show each recalibration of a model, the latest first; nothing where there is none."""
    for done in reversed(bundle.recalibrations):
        st.markdown(f"#### Calibrated at {words.plain(done.data)}")
        named = len(done.statements)
        st.caption(
            f"{done.ecgs:,} ECGs of {done.patients:,} patients, {words.plain(done.day)}; {named} "
            f"of {len(bundle.statements)} statements, those that somebody there carries. {SCALES}"
        )
        if any(one.date > done.date for one in curations(bundle.about)):
            st.info(CURATED, icon=":material/info:")
        st.dataframe(recalibration.results(done.comparison), hide_index=True, height="content")
        with st.expander("Each statement"):
            st.dataframe(
                recalibration.per_statement(done.comparison, bundle),
                hide_index=True,
                height="content",
            )
    if bundle.recalibrations:
        st.info(ELSEWHERE, icon=":material/info:")
