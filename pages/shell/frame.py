"""The frame of every page: settings, navigation, notice and theme."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from pages.shell import accounts, coordinators, proportion, switching
from protoecg.figures.theme import ThemeName

NOTICE = "Research use only. Not a medical device."

_PAGES = Path(__file__).resolve().parents[1]
EXPLAIN, TAKE_PART = _PAGES / "explain.py", _PAGES / "take_part.py"
_ICON = Path(__file__).with_name("icon.svg")
_STYLE = """
<style>
.research-notice {
  position: fixed; bottom: 0; right: 0; z-index: 999990; pointer-events: none;
  padding: 0.15rem 0.75rem; border-top-left-radius: 4px; font-size: 0.8rem;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
}
[data-testid="stMainBlockContainer"] { padding: 3.75rem 2rem 3rem; }
[data-testid="stMainBlockContainer"] [data-testid="stVerticalBlock"] { gap: 0.6rem; }
[data-testid="stCheckbox"] label * { white-space: normal; overflow: visible; }
/* Two tracings stand side by side only where each is wide enough to be read. */
[class*="st-key-pair"] [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
[class*="st-key-pair"] [data-testid="stColumn"] { min-width: 440px; }
/* Charts are of one width, as many beside each other as can be read. */
.st-key-charts > * > [data-testid="stHorizontalBlock"] {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr));
}
.st-key-charts > * > [data-testid="stHorizontalBlock"] > [data-testid="stColumn"] {
  width: auto; min-width: 0;
}
[class*="st-key-numbers-"] button { min-height: 0; padding: 0; opacity: 0.75; }
.st-key-measured-beat [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
.st-key-measured-beat [data-testid="stColumn"] { min-width: 360px; }
</style>
"""


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
    st.html(
        f"{_STYLE}<style>{proportion.STYLE}{switching.STYLE}</style>"
        f'<script>{switching.SCRIPT}</script><div class="research-notice">{NOTICE}</div>',
        unsafe_allow_javascript=True,
    )
    accounts.show()
    coordinators.show()


def theme() -> ThemeName:
    """Return the theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"
