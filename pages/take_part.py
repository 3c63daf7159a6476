"""Take part: a reviewer of a study answers one item a screen, by keys or by mouse."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import streamlit as st
from sqlalchemy import Engine

from pages.shell import frame, models, reviews, source_ecgs, words
from pages.shell.access import accounts
from pages.shell.access.accounts import Account
from pages.taking_part import admission, items, layout, navigation, questions, welcome
from pages.taking_part.answers import (
    ItemSession,
    Store,
    clear_answers,
    follow_request,
    load_answers,
    request_next,
    request_reload,
    step,
)
from protoecg import wording
from protoecg.labels import LabelSet
from protoecg.prototypes.sets import PrototypeSet
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
    navigation.top(seat, info.design, now, item, bundle.labels, _go, _leave)
    if item is None:
        navigation.finished(now, _go)
        return
    at = item.at
    session = ItemSession(
        name=f"{seat.reviewer} {at.position} {at.stage}",
        place=(seat, at),
        item=item,
        keep=_store(engine, seat, at, save_draft),
        save=_store(engine, seat, at, save_item),
        account=account,
    )
    load_answers(session)
    _item(engine, seat, session, bundle)


def _store(engine: Engine, seat: Seat, at: ItemStage, save: Callable[..., int]) -> Store:
    def stored(
        answers: Mapping[str, Any], changes: Mapping[str, Any], *, seen: int, seconds: float
    ) -> tuple[int, Mapping[str, Any]]:
        return save(engine, seat, at, answers, seen=seen, seconds=seconds), answers

    return stored


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
    at = next_open(engine, seat, after=_stage(finished, seat))
    _address(*at or ())
    return open_item(engine, seat, at) if at else None


def _named(engine: Engine, seat: Seat, position: str, stage: str | None) -> OpenItem:
    """Open an item at its stage, or at the last that can be answered where none is named."""
    item = open_item(engine, seat, ItemStage(int(position), int(stage or 1)))
    if item.settled and stage is None:
        return open_item(engine, seat, ItemStage(int(position), 2))
    return item


def _stage(place: Hashable, seat: Seat) -> ItemStage | None:
    """Return the stage that a place names, if it is one of this seat."""
    match place:
        case (whose, ItemStage() as at) if whose == seat:
            return at
    return None


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


def _item(engine: Engine, seat: Seat, session: ItemSession, bundle: PrototypeSet) -> None:
    item = session.item

    def load(view: View) -> Callable[[], None] | None:
        ecgs = items.load(item, bundle)
        return partial(draw, ecgs, view) if ecgs else None

    def draw(ecgs: items.ECGs, view: View) -> None:
        items.show(item, ecgs, view, bundle.labels)
        _others(engine, seat, item)

    shown = layout.Shown(
        title=_heading(item, bundle.labels),
        facts=[" · ".join(_about(item)), *items.beliefs(item, bundle)],
        pictures=items.name(item),
        load=load,
        draw_next=partial(_draw_next, engine, seat, item, bundle),
        steps=_steps,
    )
    layout.show(session, bundle, shown)


def _draw_next(engine: Engine, seat: Seat, item: OpenItem, bundle: PrototypeSet, view: View) -> str:
    """Draw what comes once this item is saved, and name it; a second look can't be had before."""
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
    facts = [f"Item {position} of {item.total}: {KINDS[item.kind].words}"]
    if item.practice:
        facts.append("**Practice: does not count**")
    if item.kind == "differential":
        facts.append(f"session {item.session}")
    if item.stages > 1:
        facts.append("First look" if stage == 1 else "**Second look**, with what was hidden before")
    if item.facts.branch is not None:
        facts.append(f"{item.facts.branch} branch")
    if item.facts.similarity is not None:
        facts.append(f"similarity {wording.signed(item.facts.similarity)}")
    if item.facts.model is not None:
        facts.append(words.plain(item.facts.model))
    return facts


def _others(engine: Engine, seat: Seat, item: OpenItem) -> None:
    """Show the answers of others where the study's design lets them be seen."""
    for reviewer, given in others_answers(engine, seat, item.at.position).items():
        st.caption(f"{reviewer}: {words.plain(questions.in_short(given))}")


def _steps(session: ItemSession) -> None:
    settled = session.item.settled
    layout.steps(
        session,
        on="Go on" if settled else "Save and next",
        go_on=request_next if settled else _save,
        back=None if session.item.at == ItemStage(1) else _turn_back,
        skip=None if settled else _skip,
    )


def _turn_back(session: ItemSession) -> None:
    # The time that was spent on this item is kept, whether it was answered or not.
    if session.item.settled or step(session, {}, session.keep):
        _go(*_before(session.item.at))


def _before(at: ItemStage) -> tuple[int, ...]:
    return (at.position, 1) if at.stage > 1 else (at.position - 1,)


def _save(session: ItemSession) -> None:
    if not step(session, {}, session.save):
        return
    if session.item.feedback.teaches:
        request_reload()
    else:
        request_next(session)


def _skip(session: ItemSession) -> None:
    if step(session, {"skip": "yes"}, session.save):
        request_next(session)


main()
