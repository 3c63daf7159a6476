"""Before a reviewer's first item: the instructions, what is agreed to, and who they are."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Engine

from pages.shell import words
from pages.shell.access import accounts
from pages.shell.access.accounts import Account
from review_db import RatingsError
from review_db.studies.design import Design
from review_db.studies.running import give_consent, standing
from review_db.studies.seats import Seat

SPECIALTIES = (
    "Cardiology",
    "Internal medicine",
    "Emergency medicine",
    "General practice",
    "Anaesthesiology, intensive care",
    "Nursing",
    "Technician",
    "Student",
    "Other",
)
MOST_YEARS = 70


def is_due(engine: Engine, seat: Seat, design: Design) -> bool:
    """Say whether something is to be read or agreed to before the first item."""
    asked = bool(design.consent or design.instructions)
    return asked and seat.reviewer not in standing(engine, seat.study).profiles


def show(engine: Engine, seat: Seat, design: Design, account: Account | None) -> None:
    """Show the instructions and the text of consent, and ask for specialty and years."""
    st.markdown(f"### {words.plain(design.title or design.name)}")
    # As it was written: nothing in it is read as Markdown.
    if design.instructions:
        st.text(design.instructions)
    with st.form("welcome", width=640):
        left, right = st.columns(2)
        specialty = left.selectbox("Your specialty", SPECIALTIES, index=None)
        years = right.number_input(
            "Years of reading ECGs", 0, MOST_YEARS, value=None, help="About how many."
        )
        agreed = True
        if design.consent:
            st.markdown("**What you agree to**")
            st.text(design.consent)
            agreed = st.checkbox("I have read this, and agree.")
        if not st.form_submit_button("Begin", type="primary"):
            return
    if specialty is None or years is None or not agreed:
        st.error(
            "Still open: your specialty, the years"
            + (", and that you agree. Without it you cannot take part." if design.consent else "."),
            icon=":material/error:",
        )
        return
    try:
        accounts.confirm(account)
        give_consent(engine, seat, {"specialty": specialty, "years": str(years)})
    except RatingsError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return
    st.rerun()
