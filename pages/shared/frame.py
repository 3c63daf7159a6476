"""The frame of every page: settings, notice and theme."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from protoecg.figures.theme import ThemeName

NOTICE = "Research use only. Not a medical device."

_ICON = Path(__file__).with_name("icon.svg")
_STYLE = """
<style>
.st-key-notice {
  position: fixed; bottom: 0; left: 0; right: 0; z-index: 999990;
  pointer-events: none; padding: 0.1rem 0.75rem; text-align: right;
}
.st-key-notice p { font-size: 0.8rem; opacity: 0.8; margin: 0; }
[data-testid="stMainBlockContainer"] { padding-top: 3.75rem; padding-bottom: 3rem; }
</style>
"""


def configure(title: str) -> None:
    """Set what Streamlit takes only at the start of a script."""
    st.set_page_config(page_title=title, page_icon=_ICON, layout="wide")


def guard(title: str) -> None:
    """Begin a page; the first statement of each.

    A deep link to a cold server runs the page's file by itself, before `app.py`, so whatever a
    page must not be without is set here.
    """
    configure(f"{title} · ProtoECG")
    st.html(_STYLE)
    with st.container(key="notice"):
        st.caption(NOTICE)


def theme() -> ThemeName:
    """Return the theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"
