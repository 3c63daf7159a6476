"""Two tracings on a page: side by side or one above the other, kept in the URL."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ecg import drawing
from pages.shell import choices

ABOVE, BESIDE = "one above the other", "side by side"


def choose() -> str:
    """Ask how the two stand."""
    return choices.one_of("The two ECGs", [BESIDE, ABOVE], key="arrange")


def containers(arranged: str) -> tuple[DeltaGenerator, DeltaGenerator, int]:
    """Return where the first and the second tracing go, and their width in px."""
    if arranged == ABOVE:
        return st.container(), st.container(), drawing.PAGE_PX
    with st.container(key="pair"):
        left, right = st.columns(2)
    return left, right, drawing.HALF_PX
