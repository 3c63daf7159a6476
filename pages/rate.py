"""Rate: a reviewer judges the prototypes, one at a time; each answer is saved at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ecg import cases, origin
from pages.shell import frame, models, reviews, source_ecgs, words
from pages.shell.access import accounts, blinding
from pages.taking_part import layout, navigation, rater
from pages.taking_part.answers import (
    ItemSession,
    follow_request,
    load_answers,
    request_next,
    request_reload,
    sheet_of,
    step,
    write,
)
from pages.taking_part.ratings import Ratings
from protoecg.ecg import ECG
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.sets import PrototypeSet
from protoecg.sheet.view import View
from review_db import Item, progress
from review_db.ratings.answers import is_done


def main() -> None:
    """Lay out the page."""
    frame.guard("Rate")
    account = accounts.required()
    row, progress = navigation.row()
    bundle = models.choose_prototypes(row)
    blinding.refuse(bundle)
    with reviews.database() as engine:
        who = rater.rater(engine, account)
        if who is not None:
            _sit(Ratings(engine, who, bundle, reviews.items(bundle)), row, progress)


def _sit(ratings: Ratings, row: DeltaGenerator, progress_bar: DeltaGenerator) -> None:
    bundle, item = ratings.bundle, _opened(ratings)
    session = ratings.session(item)
    load_answers(session)
    _top(ratings, session, item, row, progress_bar)
    prototype = ratings.prototype(item)
    shown = layout.Shown(
        title=bundle.labels.named(prototype.statement),
        facts=_facts(session, prototype),
        pictures=_pictures(prototype),
        load=partial(_load, bundle, prototype),
        draw_next=partial(_draw_next, ratings, item),
        steps=partial(_steps, ratings, item),
        below=partial(_below, _best(ratings, item)),
    )
    layout.show(session, bundle, shown)


def _facts(session: ItemSession, prototype: Prototype) -> list[str]:
    place = f"Prototype {session.item.at.position} of {session.item.total}"
    named = f"{place}: {words.plain(prototype.name)} · {origin.provenance(prototype)}"
    return list(filter(None, [named, origin.belief(prototype)]))


def _opened(ratings: Ratings) -> Item:
    """Return the prototype after the last where that was asked for, else what the URL names."""
    place, by_name = follow_request(request_reload), {one.prototype: one for one in ratings.items}
    match place:
        case (_, Item() as last) if last in ratings.items:
            item = ratings.following(last)
        case _:
            item = by_name.get(st.query_params.get("prototype", "")) or ratings.first_open()
    st.query_params["prototype"] = item.prototype
    return item


def _top(
    ratings: Ratings,
    session: ItemSession,
    item: Item,
    row: DeltaGenerator,
    progress_bar: DeltaGenerator,
) -> None:
    reviewer, labels = ratings.rater.reviewer, ratings.bundle.labels
    now = progress(ratings.engine, reviewer=reviewer, items=ratings.items)
    text = f"Reviewer {reviewer}: {now.done} of {now.total} prototypes rated"
    navigation.progress(progress_bar, now.done, now.total, text)
    counted = {
        code: f"{labels.named(code)}: {done} of {total} rated"
        for code, (done, total) in now.by_statement.items()
    }
    first = {one.statement: one.prototype for one in reversed(ratings.items)}
    with row:
        with st.popover("All prototypes", icon=":material/list:"):
            navigation.choose(
                "Go to a statement",
                counted,
                here=item.statement,
                go=lambda statement: _go(session, first[statement]),
            )
        if "reviewer" in st.query_params:
            st.button("Another reviewer", type="tertiary", on_click=_leave)


def _go(session: ItemSession, prototype: str) -> None:
    if step(session, {}, session.keep):
        st.query_params["prototype"] = prototype
        request_reload()


def _leave() -> None:
    rater.leave()
    st.query_params.pop("prototype", None)


def _pictures(prototype: Prototype) -> str:
    return f"rate {prototype.name}"


def _load(bundle: PrototypeSet, prototype: Prototype, view: View) -> Callable[[], None] | None:
    ecg = source_ecgs.load(bundle, prototype)
    if ecg is None:
        source_ecgs.show_missing(bundle, [prototype])
        st.info("A prototype can be rated once its ECG is shown. Go on with the next one.")
        return None
    return partial(_draw, bundle, prototype, ecg, view)


def _draw(bundle: PrototypeSet, prototype: Prototype, ecg: ECG, view: View) -> None:
    statement = bundle.labels.get(prototype.statement)
    cases.show(ecg, prototype.window_s, statement, view=view, key=_pictures(prototype))


def _draw_next(ratings: Ratings, item: Item, view: View) -> str:
    """Draw what comes once this item is rated, and name it."""
    following = ratings.prototype(ratings.following(item))
    if following.name == item.prototype:
        return ""
    ecg = source_ecgs.load(ratings.bundle, following)
    if ecg is not None:
        _draw(ratings.bundle, following, ecg, view)
    return _pictures(following)


def _steps(ratings: Ratings, item: Item, session: ItemSession) -> None:
    place = ratings.items.index(item)
    before = ratings.items[place - 1].prototype if place else None
    layout.steps(
        session,
        on="Next",
        go_on=_go_on,
        back=partial(_go, prototype=before) if before else None,
        skip=_skip,
    )


def _go_on(session: ItemSession) -> None:
    if step(session, {}, session.save):
        request_next(session)


def _skip(session: ItemSession) -> None:
    if step(session, {}, session.keep):
        request_next(session)


def _best(ratings: Ratings, item: Item) -> str:
    """Return the reviewer's best prototype of the same statement, where it is another one."""
    given = ratings.given()
    alike = [one for one in ratings.items if one.statement == item.statement and one != item]
    marked = (one.prototype for one in alike if given.get(one.prototype, {}).get("best") == "yes")
    return next(marked, "")


def _below(best: str, session: ItemSession) -> None:
    """Say how far what was answered is saved, and take it back if asked to."""
    sheet = sheet_of(session)
    if sheet is None:
        return
    if best:
        st.caption(f"Your best prototype of this statement so far: {words.plain(best)}")
    if sheet.pending:
        return
    if is_done(sheet.answers):
        st.markdown(":green[:material/check_circle: Saved. This prototype is rated.]")
    elif sheet.answers:
        st.markdown(":green[:material/check: Saved.] Some questions are still open.")
    else:
        st.caption("Not rated yet. Every answer is saved at once.")
    if sheet.answers:
        st.button(
            "Take back my answers",
            key=session.key("take back"),
            type="tertiary",
            on_click=_take_back,
            args=(session,),
        )


def _take_back(session: ItemSession) -> None:
    if sheet := sheet_of(session):
        write(session, dict.fromkeys(sheet.answers), session.keep)


main()
