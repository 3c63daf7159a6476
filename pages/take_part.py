"""Take part: a reviewer of a study answers one item a screen, by keys or by mouse."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Engine

from pages.ecg import calipers, tracing
from pages.shell import accounts, frame, models, reviews, source_ecgs, words
from pages.shell.accounts import Account
from pages.taking_part import admission, items, places, prefetch, questions, welcome, work
from pages.taking_part.answers import (
    ItemSession,
    clear_answers,
    follow_request,
    load_answers,
    request_next,
    request_reload,
    write,
)
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.labels import LabelSet
from protoecg.sheet.view import View
from review_db.questions.catalogue import KINDS
from review_db.sessions.assignments import ItemStage
from review_db.sessions.others import others_answers
from review_db.sessions.progress import READ, next_open, session_progress
from review_db.sessions.sessions import (
    OpenItem,
    foresee_item,
    open_item,
    save_draft,
    save_item,
)
from review_db.studies.lifecycle import study_info
from review_db.studies.seats import NotAdmitted, Seat


def main() -> None:
    """Lay out the page."""
    frame.guard("Take part")
    account = accounts.required()
    with reviews.database() as engine:
        seat = admission.seat(engine, account)
        if seat is not None:
            _sit(engine, seat, account)


def _sit(engine: Engine, seat: Seat, account: Account | None) -> None:
    info = study_info(engine, seat.study)
    bundle = models.of_version(info.bundle, info.fingerprint)
    if bundle is None:
        st.error(
            "The model of this study is not on this machine, or another version of it is. Tell "
            "the study's coordinator.",
            icon=":material/error:",
        )
        return
    source_ecgs.begin(bundle)
    if welcome.is_due(engine, seat, info.design):
        welcome.show(engine, seat, info.design, account)
        return
    now = session_progress(engine, seat)
    item = _opened(engine, seat)
    places.top(seat, info.design, now, item, bundle.labels, _go, _leave)
    if item is None:
        places.finished(now, _go)
        return
    session = ItemSession(engine, seat, item, account)
    load_answers(session)
    _item(session, bundle)


def _opened(engine: Engine, seat: Seat) -> OpenItem | None:
    """Open the item that the URL names, else the first open one; None when all is done."""
    finished = follow_request(_go)
    if "item" in st.query_params:
        try:
            return _named(engine, seat, st.query_params["item"], st.query_params.get("stage"))
        except (NotAdmitted, ValueError):
            st.warning(
                "There is no such item for you, or items before it are still open; here is your "
                "first open one."
            )
    at = next_open(engine, seat, after=finished)
    _address(*at or ())
    return open_item(engine, seat, at) if at else None


def _named(engine: Engine, seat: Seat, position: str, stage: str | None) -> OpenItem:
    """Open an item at its stage, or at the last that can be answered where none is named."""
    item = open_item(engine, seat, ItemStage(int(position), int(stage or 1)))
    if item.settled and stage is None:
        return open_item(engine, seat, ItemStage(int(position), 2))
    return item


def _turn_back(session: ItemSession) -> None:
    # The time that was spent on this item is kept, whether it was answered or not.
    if not session.item.settled:
        write(session, {}, save_draft)
    _go(*_before(session.item.at))


def _go(position: int | None = None, stage: int | None = None) -> None:
    _address(position, stage)
    request_reload()


def _address(position: int | None = None, stage: int | None = None) -> None:
    for name, number in (("item", position), ("stage", stage)):
        st.query_params.pop(name, None)
        if number is not None:
            st.query_params[name] = str(number)


def _leave() -> None:
    _go()
    admission.leave()
    clear_answers()


def _item(session: ItemSession, bundle: Bundle) -> None:
    item = session.item
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"#### {_heading(item, bundle.labels)}", width="stretch")
        models.badge(bundle)
        view = tracing.choose()
        calipers.toggle()
    st.caption(" · ".join(_about(item)))
    for known in items.beliefs(item, bundle):
        st.caption(known)
    pictures, asked = st.columns([5, 2], gap="medium")
    with pictures:
        here, open_next = prefetch.containers(items.name(item))
    with here:
        ecgs = items.load(item, bundle)
    # What is asked doesn't wait for all of a long explanation to be drawn, nor for pictures to be
    # made anew that were prefetched. What is asked never moves the steps, whose keys then hold.
    with asked, st.container(key="answers"):
        asking, steps = st.container(), st.container()
    with asking:
        if ecgs:
            questions.show(session, bundle.labels)
    with steps:
        _steps(session)
        work.watch(session)
    with here:
        if ecgs:
            items.show(item, ecgs, view, bundle.labels)
        _others(session)
    with open_next():
        prefetch.prefetched(_prefetch(session, bundle, view))


def _prefetch(session: ItemSession, bundle: Bundle, view: View) -> str:
    """Draw what comes once this item is saved, and name it; a second look can't be had before."""
    engine, seat, item = session.engine, session.seat, session.item
    at = next_open(engine, seat, after=item.at)
    if at is None or item.at.stage < item.stages:
        return ""
    following = foresee_item(engine, seat, at)
    if following.session != item.session:
        return ""
    if ecgs := items.load(following, bundle):
        items.show(following, ecgs, view, bundle.labels)
    return items.name(following)


def _heading(item: OpenItem, labels: LabelSet) -> str:
    if item.kind in READ:
        return "What does this ECG show?"
    statement = item.facts.statement
    return labels.named(statement) if statement else "Which statement this is about is hidden"


def _about(item: OpenItem) -> list[str]:
    position, stage = item.at
    told = [f"Item {position} of {item.total}: {KINDS[item.kind].words}"]
    if item.practice:
        told.append("**Practice: does not count**")
    if item.kind == "differential":
        told.append(f"session {item.session}")
    if item.stages > 1:
        told.append("First look" if stage == 1 else "**Second look**, with what was hidden before")
    if item.facts.branch is not None:
        told.append(f"{item.facts.branch} branch")
    if item.facts.similarity is not None:
        told.append(f"similarity {wording.signed(item.facts.similarity)}")
    if item.facts.model is not None:
        told.append(words.plain(item.facts.model))
    return told


def _others(session: ItemSession) -> None:
    """Show what others said where the study's design lets it be seen; else there is nothing."""
    said = others_answers(session.engine, session.seat, session.item.at.position)
    for reviewer, given in said.items():
        st.caption(f"{reviewer}: {words.plain(questions.in_short(given))}")


def _steps(session: ItemSession) -> None:
    item = session.item
    st.button(
        "Go on" if item.settled else "Save and next",
        key=session.key("save"),
        type="primary",
        icon=":material/arrow_forward:",
        shortcut="N",
        width="stretch",
        on_click=request_next if item.settled else _save,
        args=(session,),
    )
    with st.container(horizontal=True):
        st.button(
            "Previous",
            key=session.key("previous"),
            icon=":material/arrow_back:",
            shortcut="P",
            disabled=item.at == ItemStage(1),
            on_click=_turn_back,
            args=(session,),
        )
        if not item.settled:
            st.button(
                "Skip", key=session.key("skip"), shortcut="S", on_click=_skip, args=(session,)
            )


def _before(at: ItemStage) -> tuple[int, ...]:
    return (at.position, 1) if at.stage > 1 else (at.position - 1,)


def _save(session: ItemSession) -> None:
    if not write(session, {}, save_item):
        return
    if session.item.feedback.teaches:
        request_reload()
    else:
        request_next(session)


def _skip(session: ItemSession) -> None:
    if write(session, {"skip": "yes"}, save_item):
        request_next(session)


main()
