"""The studies that are made: chosen, described, and started or taken away before their start."""

from __future__ import annotations

from urllib.parse import urljoin

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.planning import running
from pages.planning.new_study import BLINDING
from pages.shell import words
from pages.shell.access.actions import KEYS, act, hand_out, show_problem
from review_db.studies.items.pictures import study_pictures
from review_db.studies.lifecycle import (
    StudyInfo,
    remove_study,
    start_study,
    studies,
    study_info,
    study_protocol,
)


def show(engine: Engine) -> None:
    """Show one of the studies, and what can be done with it."""
    show_problem()
    found = {info.design.name: info for info in studies(engine)}
    if not found:
        st.info("There is no study yet. Make one under “New study”.", icon=":material/science:")
        return
    name = st.selectbox("Study", list(found), key="study", bind="query-params", width=420)
    info = found[name]
    st.caption(_design(info))
    _protocol(engine, name)
    if info.started_at is None:
        _before(engine, name)
    else:
        _keys(name)
        running.show(engine, info)


def _design(info: StudyInfo) -> str:
    design = info.design
    hidden = [what for name, what in BLINDING.items() if getattr(design.blinding, name)]
    return " · ".join(
        [
            f"**{_state(info)}**",
            words.plain(design.title or design.name),
            f"{info.items} items",
            f"{len(info.reviewers)} reviewers",
            f"model {words.plain(info.bundle)}, version {info.fingerprint[:8]}",
            f"hidden: {', '.join(hidden) or 'nothing'}",
            "two looks" if design.two_stages else "one look",
            f"{100 * design.repeats:.0f} % repeats",
            f"seed {design.seed}",
        ]
    )


def _state(info: StudyInfo) -> str:
    if info.started_at is None:
        return "not started"
    test = "test run, " if info.design.test else ""
    if closed_at := info.standing.closed_at:
        return f"{test}closed {closed_at:%Y-%m-%d}"
    return f"{test}started {info.started_at:%Y-%m-%d}"


def _protocol(engine: Engine, name: str) -> None:
    text, digest = study_protocol(engine, name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Protocol",
            text,
            file_name=f"protocol_{name}.md",
            mime="text/markdown",
            on_click="ignore",
            icon=":material/contract:",
            help="The design, the outcomes and how they are tested, as declared before the start.",
        )
        st.caption(f"SHA-256 {digest}")


def _before(engine: Engine, name: str) -> None:
    st.write(
        "Starting writes down which item each reviewer meets when, and makes their keys. From then "
        "on nothing can be changed."
    )
    with st.container(horizontal=True):
        st.button("Start the study", type="primary", on_click=_start, args=(engine, name))
        st.button("Remove it", type="tertiary", on_click=_remove, args=(engine, name))


def _start(engine: Engine, name: str) -> None:
    def start(actor: str) -> None:
        info = study_info(engine, name)
        pictures = study_pictures(info.bundle, info.fingerprint)
        hand_out(name, start_study(engine, name, pictures.refuse_undrawable, actor=actor))

    act(start)


def _remove(engine: Engine, name: str) -> None:
    def remove(_actor: str) -> None:
        remove_study(engine, name)
        st.query_params.pop("study", None)

    act(remove)


def _keys(name: str) -> None:
    """Show keys that were just made; they are kept nowhere but in this browser's session."""
    study, keys = st.session_state.get(KEYS, ("", {}))
    if study != name:
        return
    st.warning(
        "Hand each reviewer their own key or link now: it is not stored, and only another one can "
        "be made later.",
        icon=":material/key:",
    )
    links = [urljoin(st.context.url or "", f"take_part?key={key}") for key in keys.values()]
    table = pd.DataFrame({"Reviewer": list(keys), "Key": list(keys.values()), "Link": links})
    st.dataframe(table, hide_index=True)
    st.button("I have noted them", on_click=st.session_state.pop, args=(KEYS,))
