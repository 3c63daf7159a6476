"""Time of work on an item: a pause of more than a minute counts as a minute.

What a reviewer does with pointer and keys is noticed by the browser (`activity.js`), which tells
the server that something was done, and nothing of what.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.taking_part.answers import ItemSession, sheet_of

_JS = Path(__file__).with_name("activity.js").read_text(encoding="utf-8")
_notice = st.components.v2.component("protoecg_activity", js=_JS)


# A run of this part alone ends no other, so that no key is lost to it.
@st.fragment
def watch(session: ItemSession) -> None:
    """Count the time of work on an item as long as it is in sight."""
    _notice(
        key=session.key("activity"),
        on_active_change=lambda: _count(session),
        height=1,
    )


def _count(session: ItemSession) -> None:
    if sheet := sheet_of(session):
        with sheet.lock:
            sheet.count()
