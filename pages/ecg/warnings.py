"""What should be known of an ECG before its findings are believed."""

from __future__ import annotations

import streamlit as st

from pages.shell import words
from protoecg.explanation import Explanation


def show(explanation: Explanation, whose: str = "") -> None:
    """Show what is wrong with the recording, its notes, and whether the model abstains.

    Parameters
    ----------
    whose : the ECG, where several stand on the page, such as "Earlier ECG"
    """
    of = f"**{whose}:** " if whose else ""
    if explanation.quality:
        st.warning(
            f"{of}**A poor recording can mislead the findings.** {' '.join(explanation.quality)}",
            icon=":material/warning:",
        )
    for note in explanation.notes:
        st.caption(f":material/info: {of}{words.plain(note)}")
    if explanation.abstains:
        st.error(
            f"{of}**{explanation.abstains}** The findings below are what it would say of an "
            "ordinary ECG; they are not to be relied on.",
            icon=":material/do_not_disturb_on:",
        )
