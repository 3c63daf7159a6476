"""The frame of every page: settings, navigation, notice and theme."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from pages.shell import paper_style
from pages.shell.access import accounts, coordinators
from protoecg.sheet.colours import ThemeName

NOTICE = "Research use only. Not a medical device."

_HERE = Path(__file__).resolve().parent
_PAGES = _HERE.parent
EXPLAIN, TAKE_PART = _PAGES / "explain.py", _PAGES / "take_part.py"
_ICON = _HERE / "icon.svg"
_HEAD = (
    f"<style>{(_HERE / 'style.css').read_text()}{paper_style.PAPER}</style>"
    f"<script>{(_HERE / 'keyboard.js').read_text()}</script>"
    f'<div class="research-notice">{NOTICE}</div>'
)
_follow_theme = st.components.v2.component(
    "protoecg_theme", js=(_HERE / "theme.js").read_text(encoding="utf-8")
)


def navigation() -> Page:
    """Return the page that the browser asks for, and show the way to the others."""
    st.session_state["navigated"] = True
    return st.navigation(
        [
            # The default page answers at "/" only; its other entry answers at its own name.
            st.Page(EXPLAIN, title="Explain", url_path="start", default=True),
            st.Page(EXPLAIN, title="Explain", url_path="explain", visibility="hidden"),
            st.Page(_PAGES / "batch.py", title="Batch"),
            st.Page(_PAGES / "library.py", title="Library"),
            st.Page(_PAGES / "rate.py", title="Rate"),
            st.Page(_PAGES / "studies.py", title="Studies"),
            st.Page(TAKE_PART, title="Take part"),
            st.Page(_PAGES / "sitting.py", title="Take part", visibility="hidden"),
            st.Page(_PAGES / "results.py", title="Results"),
            st.Page(_PAGES / "curate.py", title="Curate"),
            st.Page(_PAGES / "model_card.py", title="Model card"),
        ],
        position="top",
    )


def guard(title: str) -> None:
    """Begin a page; the first statement of each.

    A deep link to a cold server runs the page's file by itself, before `app.py`. It is sent
    through the navigation here, and whatever a page must not be without is set here, too.
    """
    if not st.session_state.get("navigated"):
        navigation()
        st.rerun()
    st.set_page_config(page_title=f"{title} · ProtoECG", page_icon=_ICON, layout="wide")
    st.html(f"{_colours()}{_HEAD}", unsafe_allow_javascript=True)
    with st.container(key="theme"):
        _follow_theme(key="theme of the page", data={"drawn": theme()}, height=1)
    accounts.show()
    coordinators.show()


def titled(title: str, about: str | None = None) -> DeltaGenerator:
    """Print a page's title, and return the row that it begins, for what stands at its right."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f"### {title}", width="stretch", help=about)
    return row


def _colours() -> str:
    """Return the page's own colours, which Streamlit tells to components alone, as CSS.

    Each in both themes: a browser may change its theme while the page stands.
    """
    variables = {"page": "backgroundColor", "shade": "secondaryBackgroundColor", "ink": "textColor"}
    lines = " ".join(f"--{name}: {_of_both(colour)};" for name, colour in variables.items())
    return f"<style>:root {{ {lines} }}</style>"


def _of_both(colour: str) -> str:
    light, dark = (st.get_option(f"theme.{theme}.{colour}") for theme in ("light", "dark"))
    return f"light-dark({light}, {dark})"


def theme() -> ThemeName:
    """Return the theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"
