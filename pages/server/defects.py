"""What a page shows where its code failed: a sentence and a number; the log has the rest."""

from __future__ import annotations

import streamlit as st

from protoecg import defects


def show(error: Exception) -> bool:
    """Show a number in place of an error that no page caught; the log has it under that number.

    Returns
    -------
    True, which keeps Streamlit from showing the error, with the paths of this server, itself
    """
    number = defects.report(error, "making a page")
    st.error(
        "This page met a defect of the app and stopped. What was said to be saved is saved. Load "
        f"the page anew; if it stops again, tell whoever runs the server the number {number}, "
        "under which its log has the rest.",
        icon=":material/bug_report:",
    )
    return True
