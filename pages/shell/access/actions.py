"""What a coordinator does to a study: who they are is asked anew, and what goes wrong is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from pages.shell import words
from pages.shell.access import accounts, coordinators
from review_db import RatingsError

KEYS, PROBLEM = "new keys", "study problem"


def act(what: Callable[[str], None]) -> None:
    """Do something under the name that the study's trail keeps; a refusal is shown next time."""
    try:
        coordinators.confirm()
        account = accounts.current()
        what(account.code if account else "coordinator")
    except (ValueError, RatingsError) as error:
        st.session_state[PROBLEM] = str(error)


def hand_out(study: str, keys: Mapping[str, str]) -> None:
    """Have new keys shown, until they are noted."""
    st.session_state[KEYS] = study, dict(keys)


def show_problem() -> bool:
    """Show what went wrong last, and say whether anything did."""
    problem = st.session_state.pop(PROBLEM, None)
    if problem:
        st.error(words.plain(problem), icon=":material/error:")
    return bool(problem)
