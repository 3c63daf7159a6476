"""The studies that are made: started, watched, taken away, and their reviewers' keys."""

from __future__ import annotations

from urllib.parse import urljoin

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.planning.new_study import BLINDING
from pages.shell import coordinators, words
from review_db import RatingsError
from review_db.findings.export import study_files
from review_db.sessions.progress import session_progress
from review_db.store.files import as_zip
from review_db.studies.accounts import tied_reviewers
from review_db.studies.design import DesignError
from review_db.studies.lifecycle import (
    StudyInfo,
    remove_study,
    start_study,
    studies,
    study_info,
)
from review_db.studies.pictures import study_pictures
from review_db.studies.seats import new_key, seat_of

KEYS, PROBLEM = "new keys", "study said"


def show(engine: Engine) -> None:
    """Show one of the studies, and what can be done with it."""
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(words.plain(problem), icon=":material/error:")
    found = {info.design.name: info for info in studies(engine)}
    if not found:
        st.info("There is no study yet. Make one under “New study”.", icon=":material/science:")
        return
    name = st.selectbox("Study", list(found), key="study", bind="query-params", width=420)
    info = found[name]
    st.caption(_design(info))
    if info.started_at is None:
        _before(engine, name)
    else:
        _keys(name)
        _running(engine, info)


def _design(info: StudyInfo) -> str:
    design = info.design
    hidden = [what for name, what in BLINDING.items() if getattr(design.blinding, name)]
    return " · ".join(
        [
            f"**started {info.started_at:%Y-%m-%d}**" if info.started_at else "**not started**",
            words.plain(design.title or design.name),
            f"{info.items} items",
            f"{len(design.reviewers)} reviewers",
            f"model {words.plain(info.bundle)}, version {info.fingerprint[:8]}",
            f"hidden: {', '.join(hidden) or 'nothing'}",
            "two looks" if design.two_stages else "one look",
            f"{100 * design.repeats:.0f} % repeats",
            f"seed {design.seed}",
        ]
    )


def _before(engine: Engine, name: str) -> None:
    st.write(
        "Starting writes down which item each reviewer meets when, and makes their keys. From then "
        "on nothing can be changed."
    )
    with st.container(horizontal=True):
        st.button("Start the study", type="primary", on_click=_start, args=(engine, name))
        st.button("Remove it", type="tertiary", on_click=_remove, args=(engine, name))


def _start(engine: Engine, name: str) -> None:
    try:
        coordinators.confirm()
        info = study_info(engine, name)
        pictures = study_pictures(info.bundle, info.fingerprint)
        st.session_state[KEYS] = name, start_study(engine, name, pictures)
    except (DesignError, RatingsError) as error:
        st.session_state[PROBLEM] = str(error)


def _remove(engine: Engine, name: str) -> None:
    try:
        coordinators.confirm()
        remove_study(engine, name)
        st.query_params.pop("study", None)
    except (DesignError, RatingsError) as error:
        st.session_state[PROBLEM] = str(error)


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


def _running(engine: Engine, info: StudyInfo) -> None:
    name = info.design.name
    rows = []
    for reviewer in info.design.reviewers:
        now = session_progress(engine, seat_of(engine, name, reviewer))
        states = list(now.states.values())
        flagged = ", ".join(map(str, now.flagged))
        rows.append((reviewer, now.done, now.total, states.count("skipped"), flagged))
    columns = ["Reviewer", "Rated", "Of", "Skipped", "Flagged positions"]
    table = pd.DataFrame(rows, columns=columns)
    if tied := tied_reviewers(engine, name):
        table["Tied to an account"] = table["Reviewer"].isin(tied)
    st.dataframe(table, hide_index=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "Everything as CSV, with codebook",
            lambda: as_zip(study_files(engine, name)),
            file_name=f"protoecg_study_{name}.zip",
            mime="application/zip",
            on_click="ignore",
            icon=":material/download:",
        )
        reviewer = st.selectbox("A key was lost by", info.design.reviewers, width=200)
        st.button(
            "Make another key",
            on_click=_replace_key,
            args=(engine, name, reviewer),
            help="The old key opens nothing any more, nor does the account that it is tied to.",
        )


def _replace_key(engine: Engine, name: str, reviewer: str) -> None:
    try:
        coordinators.confirm()
        st.session_state[KEYS] = name, {reviewer: new_key(engine, name, reviewer)}
    except RatingsError as error:
        st.session_state[PROBLEM] = str(error)
