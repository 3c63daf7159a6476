"""Rate: a reviewer judges the prototypes, one at a time; each answer is saved at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.ecg import calipers, drawing, origin, tracing
from pages.shell import accounts, frame, models, reviews, source_ecgs, words
from pages.taking_part import rater
from pages.taking_part.rater import Rater
from protoecg.bundle import Bundle
from protoecg.labels import LabelSet
from protoecg.prototypes.prototype import Prototype
from protoecg.sheet.view import View
from review_db import (
    QUESTIONS,
    Item,
    RatingsError,
    answers,
    first_open,
    progress,
    save_answer,
)
from review_db.questions.catalogue import TEXT_LENGTH
from review_db.ratings.answers import Progress, is_done

FAILED = "answers that were not saved"


@dataclass(frozen=True)
class RatingSession:
    """Who rates which item, and the answers that stand."""

    engine: Engine
    rater: Rater
    item: Item
    given: dict[str, str]

    def key(self, question: str) -> str:
        """Name the widget that asks a question."""
        return f"{self.rater.reviewer} {self.item.fingerprint} {self.item.prototype} {question}"


def main() -> None:
    """Lay out the page."""
    frame.guard("Rate")
    account = accounts.required()
    bundle = models.choose()
    _not_saved()
    with reviews.database() as engine:
        who = rater.rater(engine, account)
        if who is not None:
            _sit(engine, who, bundle)


def _sit(engine: Engine, who: Rater, bundle: Bundle) -> None:
    reviewer = who.reviewer
    items = reviews.items(bundle)
    item = _chosen(engine, reviewer, items)
    now = progress(engine, reviewer=reviewer, items=items)
    _top(engine, reviewer, items, item, now)
    _by_statement(now, items, bundle.labels)
    prototype = next(p for p in bundle.prototypes if p.name == item.prototype)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"### {bundle.labels.named(prototype.statement)}", width="stretch")
        models.badge(bundle)
        view = tracing.choose()
        calipers.toggle()
    given = answers(engine, reviewer=reviewer, bundle=item.bundle, fingerprint=item.fingerprint)
    _marked_best(item, items, given)
    if _picture(bundle, prototype, view):
        _questions(RatingSession(engine, who, item, given.get(item.prototype, {})))


def _chosen(engine: Engine, reviewer: str, items: list[Item]) -> Item:
    by_name = {item.prototype: item for item in items}
    if (name := st.query_params.get("prototype")) in by_name:
        return by_name[name]
    item = first_open(engine, reviewer=reviewer, items=items) or items[0]
    st.query_params["prototype"] = item.prototype
    return item


def _top(engine: Engine, reviewer: str, items: list[Item], item: Item, now: Progress) -> None:
    place = items.index(item)
    following = first_open(engine, reviewer=reviewer, items=items[place + 1 :] + items[:place])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(
            now.done / now.total, f"Reviewer {reviewer}: {now.done} of {now.total} prototypes rated"
        )
        _step("Previous", ":material/arrow_back:", items[place - 1] if place else None)
        st.markdown(f"{place + 1} / {len(items)}", width="content")
        after = items[place + 1] if place + 1 < len(items) else None
        _step("Next", ":material/arrow_forward:", after)
        _step("Next open", ":material/skip_next:", following)
        if "reviewer" in st.query_params:
            st.button("Another reviewer", type="tertiary", on_click=_leave)


def _step(label: str, icon: str, to: Item | None) -> None:
    name = to.prototype if to else None
    st.button(label, icon=icon, on_click=_go, args=(name,), disabled=to is None)


def _go(prototype: str) -> None:
    st.query_params["prototype"] = prototype


def _leave() -> None:
    rater.leave()
    st.query_params.pop("prototype", None)


def _by_statement(now: Progress, items: list[Item], labels: LabelSet) -> None:
    first = {item.statement: item.prototype for item in reversed(items)}
    with st.sidebar:
        st.selectbox(
            "Go to a statement",
            list(now.by_statement),
            index=None,
            format_func=lambda code: _counted(labels.named(code), *now.by_statement[code]),
            placeholder="Choose a statement",
            key="go to",
            on_change=_go_to_statement,
            args=(first,),
        )
        table = pd.DataFrame(
            [(code, f"{done} of {total}") for code, (done, total) in now.by_statement.items()],
            columns=["Statement", "Rated"],
        )
        st.dataframe(table, hide_index=True)


def _counted(named: str, done: int, total: int) -> str:
    return f"{named}: {done} of {total} rated"


def _go_to_statement(first: dict[str, str]) -> None:
    if statement := st.session_state["go to"]:
        _go(first[statement])
    st.session_state["go to"] = None


def _marked_best(item: Item, items: list[Item], given: dict[str, dict[str, str]]) -> None:
    best = [
        other.prototype
        for other in items
        if other.statement == item.statement
        and given.get(other.prototype, {}).get("best") == "yes"
        and other != item
    ]
    if best:
        st.caption(f"Your best prototype of this statement so far: {words.plain(best[0])}")


def _picture(bundle: Bundle, prototype: Prototype, view: View) -> bool:
    st.caption(f"{words.plain(prototype.name)} · {origin.provenance(prototype)}")
    if known := origin.belief(prototype):
        st.caption(known)
    ecg = source_ecgs.load(bundle, prototype)
    if ecg is None:
        source_ecgs.tell_missing(bundle, [prototype])
        st.info("A prototype can be rated once its ECG is shown. Go on with the next one.")
        return False
    own = [drawing.prototype_window(prototype)]
    calipers.draw_ecg(ecg, own, key=f"rate {prototype.name}", view=view)
    return True


def _questions(session: RatingSession) -> None:
    _state(session)
    left, middle, right = st.columns(3, gap="large")
    with left:
        _choice(session, "accurate", horizontal=True)
        if session.given.get("accurate") == "no":
            _text(session, "alternative")
        _mark(session, "best")
        _mark(session, "bad")
        _text(session, "comment")
    with middle:
        _choice(session, "representativeness")
    with right:
        _choice(session, "clarity")
    if session.given:
        st.button("Take back my answers", type="tertiary", on_click=_take_back, args=(session,))


def _not_saved() -> None:
    for (prototype, question), problem in st.session_state.setdefault(FAILED, {}).items():
        st.error(
            f"NOT saved: {question} of {words.plain(f'{prototype}. {problem}')}",
            icon=":material/error:",
        )


def _state(session: RatingSession) -> None:
    if any(prototype == session.item.prototype for prototype, _ in st.session_state[FAILED]):
        return
    if is_done(session.given):
        st.markdown(":green[:material/check_circle: Saved. This prototype is rated.]")
    elif session.given:
        st.markdown(":green[:material/check: Saved.] Some questions are still open.")
    else:
        st.markdown("Not rated yet. Every answer is saved at once.")


def _choice(session: RatingSession, question: str, horizontal: bool = False) -> None:
    asked = QUESTIONS[question]
    given = session.given.get(question)
    anchors = dict(zip(asked.options, asked.anchors, strict=False))
    st.radio(
        asked.text,
        asked.options,
        index=asked.options.index(given) if given else None,
        format_func=lambda point: f"**{point}** · {anchors[point]}" if anchors else point,
        horizontal=horizontal,
        **_widget(session, question, given),
    )


def _text(session: RatingSession, question: str) -> None:
    given = session.given.get(question, "")
    st.text_area(
        QUESTIONS[question].text,
        given,
        max_chars=TEXT_LENGTH,
        height=80,
        **_widget(session, question, given),
    )


def _mark(session: RatingSession, question: str) -> None:
    given = session.given.get(question) == "yes"
    st.checkbox(QUESTIONS[question].text, given, **_widget(session, question, given))


def _widget(session: RatingSession, question: str, stands: Any) -> dict[str, Any]:
    """Show the answer that stands in the database, but keep one that could not be saved."""
    key = session.key(question)
    if (session.item.prototype, question) not in st.session_state[FAILED]:
        reviews.put(key, stands)
    return {"key": key, "on_change": _answer, "args": (session, question)}


def _answer(session: RatingSession, question: str) -> None:
    _save(session, question, reviews.state()[session.key(question)])


def _take_back(session: RatingSession) -> None:
    for question in session.given:
        _save(session, question, None)


def _save(session: RatingSession, question: str, value: str | bool | None) -> None:
    failed = reviews.state()[FAILED]
    failed.pop((session.item.prototype, question), None)
    try:
        accounts.confirm(session.rater.account)
        save_answer(
            session.engine,
            reviewer=session.rater.reviewer,
            item=session.item,
            question=question,
            value=value,
            secret=session.rater.secret,
        )
    except (ValueError, RatingsError) as error:
        failed[session.item.prototype, question] = str(error)


main()
