"""What a study found: scores, control items, repeats, agreement, preferences and readings."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Engine

from pages.findings import agreeing, compared, estimates, looking, scored
from pages.findings.estimates import Results
from pages.shell import choices, models, words
from protoecg.labels import LabelSet
from review_db.findings.answers import answer_table
from review_db.findings.opening import opening
from review_db.findings.prototypes import rated
from review_db.studies.lifecycle import StudyInfo, studies


def show(engine: Engine) -> None:
    """Ask for a started study and show what it found so far."""
    started = {info.design.name: info for info in studies(engine) if info.started_at}
    if not started:
        st.info(
            "No study has been started. Make and start one on Studies; what its reviewers answer "
            "appears here.",
            icon=":material/science:",
        )
        return
    name = st.selectbox("Study", list(started), key="study", bind="query-params", width=420)
    info = started[name]
    seen = opening(engine, name)
    looking.offer(engine, info, seen)
    if not seen.is_open:
        return
    answers = answer_table(engine, name, seen.until)
    if answers.empty:
        st.info(
            f"Nobody has rated an item of {words.plain(name)} yet.", icon=":material/rate_review:"
        )
        return
    offered = [view for view, (kind, _) in VIEWS.items() if not rated(answers, kind).empty]
    if not offered:
        st.info("Only practice items are rated so far, or all were skipped; these do not count.")
        return
    with st.container(horizontal=True):
        view = choices.one_of("What it found", offered, key="found")
        whom = estimates.whose()
    VIEWS[view][1](Results(answers, whom, _labels(info), info.design.protocol, seen.alpha))
    st.caption(
        f"Practice and skipped items do not count. Intervals are 95 % and hold for {whom.name} and "
        "items like these; where nothing can be said there is none. Everything as CSV, with the "
        "methods in words: on Studies."
    )


def _labels(info: StudyInfo) -> LabelSet:
    """Return the label set of a study's bundle; where that is gone, codes stand for themselves."""
    bundle = models.of_version(info.bundle, info.fingerprint)
    return bundle.labels if bundle else LabelSet(())


# Of each view: the kind of item that it is about, and what shows it.
VIEWS: dict[str, tuple[str, Callable[[Results], None]]] = {
    "Prototypes": ("prototype", scored.prototypes),
    "Controls and repeats": ("prototype", agreeing.controls_and_repeats),
    "Agreement": ("prototype", agreeing.agreement),
    "Matches": ("match", scored.matches),
    "Statements": ("statement", scored.statements),
    "Two explanations": ("pair", compared.pairs),
    "Readings in arms": ("differential", compared.differential_readings),
    "Readings": ("reading", compared.two_stage_readings),
}
