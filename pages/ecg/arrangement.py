"""Two tracings on a page: side by side or one above the other, kept in the URL."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ecg import drawing
from pages.shell import choices

ABOVE, BESIDE = "one above the other", "side by side"


def choose(*others: str) -> str:
    """Ask how the two stand, by default as the first of `others` if there are any."""
    # What only some pages offer has a name of its own in the URL.
    key = "laid" if others else "arrange"
    return choices.one_of("The two ECGs", [*others, BESIDE, ABOVE], key=key)


def containers(arranged: str) -> tuple[DeltaGenerator, DeltaGenerator, int]:
    """Return where the first and the second tracing go, and their width in px."""
    if arranged == ABOVE:
        return st.container(), st.container(), drawing.PAGE_PX
    with st.container(key="pair"):
        left, right = st.columns(2)
    return left, right, drawing.HALF_PX
