"""A look at the results of a study before its end: when one was declared, or openly without."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Engine

from pages.shell.access import actions
from protoecg import wording
from review_db.findings.opening import Opening, take_look
from review_db.studies.lifecycle import StudyInfo

WHY = "why a look is taken"


def offer(engine: Engine, info: StudyInfo, seen: Opening) -> None:
    """Say what is seen of a study, and offer a look where it has not ended."""
    if info.design.test:
        st.caption("A test run: its results are always open.")
        return
    if seen.is_final:
        st.caption(seen.words)
        return
    text = f"{seen.words} {wording.share(seen.answered)} of all that is assigned is answered."
    st.info(f"{text} {_next(seen)}", icon=":material/lock_clock:")
    refused = actions.show_problem()
    if seen.is_due:
        st.button(
            "Take the look that was declared", type="primary", on_click=_look, args=(engine, info)
        )
        return
    with st.expander("Look before it is due", icon=":material/visibility:", expanded=refused):
        st.write(
            "The trail keeps when and why, and all that is handed out says that the look was not "
            "planned. It spends no alpha: nothing that was declared can be met by it."
        )
        st.text_input("Why the results are looked at now", key=WHY)
        st.button("Take an unplanned look", on_click=_look, args=(engine, info))


def _next(seen: Opening) -> str:
    if seen.declared is None:
        return "Results are shown once the study is closed, on Studies."
    due = "is due" if seen.is_due else "is not due yet"
    return f"The next look that was declared {due}: {seen.declared.words}."


def _look(engine: Engine, info: StudyInfo) -> None:
    def look(actor: str) -> None:
        take_look(engine, info.design.name, actor=actor, reason=st.session_state.get(WHY, ""))

    actions.act(look)
