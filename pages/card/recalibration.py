"""Where a model was calibrated again, and what that changed there."""

from __future__ import annotations

import streamlit as st

from pages.shell import words
from protoecg.bundle import Bundle
from protoecg.card import recalibration

SCALES = (
    "The hospital's own ECGs set the scale of each statement, and from which probability on it is "
    "likely or possible. Networks and prototypes are as before. Each ECG is judged by what other "
    "patients' set (cross-fitted); in brackets: 95 % interval."
)
BEFORE = (
    "Probabilities and calls below are of the model before it was calibrated here, on the ECGs "
    "that it was made with; how well statements are told apart (AUROC) has not changed."
)


def show(bundle: Bundle) -> None:
    """Show each recalibration of a model, the latest first; nothing where there is none."""
    for done in reversed(bundle.recalibrations):
        st.markdown(f"#### Calibrated on {words.plain(done.data)}")
        named = len(done.statements)
        st.caption(
            f"{done.ecgs:,} ECGs of {done.patients:,} patients, {words.plain(done.day)}; {named} "
            f"of {len(bundle.statements)} statements, those that somebody there carries. {SCALES}"
        )
        st.dataframe(recalibration.figures(done.comparison), hide_index=True, height="content")
        with st.expander("Each statement"):
            st.dataframe(
                recalibration.per_statement(done.comparison, bundle),
                hide_index=True,
                height="content",
            )
    if bundle.recalibrations:
        st.info(BEFORE, icon=":material/info:")
