"""Take part: a reviewer of a study answers one item a screen, by keys or by mouse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from sqlalchemy import Engine

from pages.shared import accounts, frame, items, models, reviews, seats, tracing, words
from protoecg.bundle import Bundle
from protoecg.labels import STATEMENTS
from review_db import RatingsError
from review_db.places import Place
from review_db.progress import Progress, first_open, progress
from review_db.questions import ALWAYS, BETWEEN, CANNOT_JUDGE, KINDS, TEXT_LENGTH, Question
from review_db.sittings import Conflict, OpenItem, open_item, others_answers, save_draft, save_item
from review_db.studies import NotAdmitted, Seat, study_info

SHEET, CHOSEN = "study sheet", "study question"
STATES = {"done": "rated", "skipped": "skipped", "open": "open"}
_STYLE = """
<style>
.st-key-answers { position: sticky; top: 4rem; }
.st-key-answers button { justify-content: flex-start; text-align: left; min-height: 0; }
.st-key-answers button > div { justify-content: flex-start; text-align: left; width: 100%; }
</style>
"""


@dataclass
class Sheet:
    """What this browser shows of an item: its answers, and the revision they were read at.

    Changed in place, under its lock: a key that is pressed while the answer before is still being
    saved ends that run, and what it puts into the session state no longer arrives.

    `since` is when its time was last counted, seconds of a clock that is never set; `problem`
    is what kept the last answers from being stored; `unsaved` keeps those in sight, `outdated`
    has them read anew.
    """

    seat: Seat
    place: Place
    revision: int
    answers: Mapping[str, Any]
    since: float
    problem: str = ""
    unsaved: bool = False
    outdated: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Sitting:
    """Who answers which item."""

    engine: Engine
    seat: Seat
    item: OpenItem

    def key(self, widget: str) -> str:
        """Name a widget of this item; a click that comes late meets none of the next one."""
        return f"{self.seat.reviewer} {self.item.place.position} {self.item.place.stage} {widget}"


def main() -> None:
    """Lay out the page."""
    frame.guard("Take part")
    account = accounts.required()
    st.html(_STYLE)
    with reviews.database() as engine:
        seat = seats.seat(engine, account)
        if seat is not None:
            _sit(engine, seat)


def _sit(engine: Engine, seat: Seat) -> None:
    info = study_info(engine, seat.study)
    bundle = models.of_version(info.bundle, info.fingerprint)
    if bundle is None:
        st.error(
            "The model of this study is not on this machine, or another version of it is. Tell "
            "the study's coordinator.",
            icon=":material/error:",
        )
        return
    now = progress(engine, seat)
    item = _opened(engine, seat)
    _top(seat, info.design.title or seat.study, now, item)
    if item is None:
        _finished(now)
        return
    sitting = Sitting(engine, seat, item)
    _take_up(sitting)
    _item(sitting, bundle)


def _opened(engine: Engine, seat: Seat) -> OpenItem | None:
    """Open the item that the URL names, else the first open one; None when all is done."""
    if "item" in st.query_params:
        try:
            return _named(engine, seat, st.query_params["item"], st.query_params.get("stage"))
        except (NotAdmitted, ValueError):
            st.warning("There is no such item for you; here is your first open one.")
    place = first_open(engine, seat)
    _go(*place or ())
    return open_item(engine, seat, place) if place else None


def _named(engine: Engine, seat: Seat, position: str, stage: str | None) -> OpenItem:
    """Open an item at its stage, or at the last that can be answered where none is named."""
    item = open_item(engine, seat, Place(int(position), int(stage or 1)))
    if item.settled and stage is None:
        return open_item(engine, seat, Place(int(position), 2))
    return item


def _go(position: int | None = None, stage: int | None = None) -> None:
    for name, number in (("item", position), ("stage", stage)):
        st.query_params.pop(name, None)
        if number is not None:
            st.query_params[name] = str(number)
    st.session_state.pop(CHOSEN, None)
    # The problem of the last save is not one of the item gone to.
    if sheet := st.session_state.get(SHEET):
        sheet.problem = ""


def _leave() -> None:
    _go()
    seats.leave()
    st.session_state.pop(SHEET, None)


def _top(seat: Seat, title: str, now: Progress, item: OpenItem | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(
            now.done / max(now.total, 1),
            f"{words.plain(title)} · {seat.reviewer}: {now.done} of {now.total} items rated",
        )
        with st.popover("All items", icon=":material/list:"):
            _list(now, item)
        st.button("Leave", type="tertiary", on_click=_leave)


def _list(now: Progress, item: OpenItem | None) -> None:
    positions = list(now.states)
    st.session_state["go to item"] = item.place.position if item else None
    st.selectbox(
        "Go to item",
        positions,
        index=None,
        format_func=lambda position: _in_the_list(now, position),
        key="go to item",
        on_change=_go_to_item,
        placeholder="Choose an item",
    )
    for name, (done, total) in now.groups.items():
        st.caption(f"{_group(name)}: {done} of {total} rated")


def _in_the_list(now: Progress, position: int) -> str:
    flagged = ", flagged" if position in now.flagged else ""
    return f"{position}: {STATES[now.states[position]]}{flagged}"


def _group(name: str) -> str:
    return KINDS[name].words.capitalize() if name in KINDS else words.named(name)


def _go_to_item() -> None:
    if position := st.session_state["go to item"]:
        _go(position)


def _finished(now: Progress) -> None:
    st.success("Everything is rated and saved. Thank you.", icon=":material/check_circle:")
    if now.flagged:
        st.write(f"You flagged {len(now.flagged)} items; your coordinator sees which.")
    st.write("You can still reopen items by “All items” and change your answers.")


def _take_up(sitting: Sitting) -> None:
    """Take the answers from the database, unless some of them could not be stored there."""
    item = sitting.item
    given = {key: value for key, value in item.draft.items() if key != "skip"}
    sheet = _sheet(sitting)
    if sheet is None:
        now = time.monotonic()
        st.session_state[SHEET] = Sheet(sitting.seat, item.place, item.revision, given, now)
        return
    with sheet.lock:
        # An answer may have been saved since the item was read.
        if sheet.outdated or (not sheet.unsaved and item.revision >= sheet.revision):
            sheet.revision, sheet.answers = item.revision, given
            sheet.unsaved = sheet.outdated = False


def _item(sitting: Sitting, bundle: Bundle) -> None:
    item = sitting.item
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(f"#### {_heading(item)}", width="stretch")
        models.badge(bundle)
        view = tracing.choose()
    st.caption(" · ".join(_about(item)))
    pictures, asked = st.columns([5, 2], gap="medium")
    with pictures:
        shown = items.show(item, bundle, view)
        _others(sitting)
    with asked, st.container(key="answers"):
        if shown:
            _questions(sitting)
        _steps(sitting)


def _heading(item: OpenItem) -> str:
    if item.kind == "reading":
        return "What does this ECG show?"
    statement = item.facts.get("statement")
    return words.named(statement) if statement else "Which statement this is about is hidden"


def _about(item: OpenItem) -> list[str]:
    position, stage = item.place
    told = [f"Item {position} of {item.total}: {KINDS[item.kind].words}"]
    if item.practice:
        told.append("**Practice: does not count**")
    if item.stages > 1:
        told.append("First look" if stage == 1 else "**Second look**, with what was hidden before")
    if "branch" in item.facts:
        told.append(f"{item.facts['branch']} branch")
    if "similarity" in item.facts:
        told.append(f"similarity {words.signed(item.facts['similarity'])}")
    if "model" in item.facts:
        told.append(words.plain(item.facts["model"]))
    return told


def _others(sitting: Sitting) -> None:
    """Show what others said where the study's design lets it be seen; else there is nothing."""
    said = others_answers(sitting.engine, sitting.seat, sitting.item.place.position)
    for reviewer, given in said.items():
        answers = [f"{_short(key)} {_in_words(value)}" for key, value in given.items()]
        st.caption(f"{reviewer}: {words.plain(', '.join(answers))}")


# Answers change but this part of the page: the tracing is neither drawn nor sent anew.
@st.fragment
def _questions(sitting: Sitting) -> None:
    sheet, item = _sheet(sitting), sitting.item
    if sheet is None or sheet.outdated:
        st.rerun()
    if item.settled:
        st.info("The first look is over; its answers stay as they are.", icon=":material/lock:")
    elif item.saved.get("skip"):
        st.info("You skipped this item. Answer it, or go on.", icon=":material/redo:")
    if sheet.problem:
        st.error(sheet.problem, icon=":material/error:")
    chosen = _in_turn(item, sheet)
    for question in _asked(item, sheet):
        if question.key == chosen:
            _points(sitting, question, sheet)
        elif question.options:
            _line(sitting, question, sheet)
        else:
            _words(sitting, question, sheet)
    _remarks(sitting, sheet)


def _asked(item: OpenItem, sheet: Sheet) -> list[Question]:
    unasked = ALWAYS if sheet.answers.get("accurate") == "no" else (*ALWAYS, "alternative")
    return [question for question in item.questions if question.key not in unasked]


def _in_turn(item: OpenItem, sheet: Sheet) -> str | None:
    """Return the question that the keys answer: the one reopened, else the first open one."""
    if st.session_state.get(CHOSEN):
        return st.session_state[CHOSEN]
    asked = _asked(item, sheet)
    open_ones = (q.key for q in asked if q.options and q.key not in sheet.answers)
    return None if item.settled else next(open_ones, None)


def _points(sitting: Sitting, question: Question, sheet: Sheet) -> None:
    st.markdown(f"**{question.text}**")
    for number, option in enumerate(question.options, start=1):
        st.button(
            _point(question, option),
            key=sitting.key(f"{question.key} {option}"),
            type="primary" if sheet.answers.get(question.key) == option else "secondary",
            shortcut="0" if option == CANNOT_JUDGE else str(number),
            width="stretch",
            on_click=_answer_in_turn,
            args=(sitting, question.key, option),
        )


def _point(question: Question, option: str) -> str:
    anchors = dict(zip(question.points, question.anchors, strict=True))
    return anchors.get(option) or _in_words(option)


def _line(sitting: Sitting, question: Question, sheet: Sheet) -> None:
    given = sheet.answers.get(question.key)
    said = f"**{_in_words(given)}**" if given else "open"
    st.button(
        f"{_short(question.key)}: {said}",
        key=sitting.key(f"{question.key} again"),
        icon=":material/check:" if given else ":material/radio_button_unchecked:",
        type="tertiary",
        disabled=sitting.item.settled,
        help=question.text,
        on_click=_choose,
        args=(question.key,),
    )


def _words(sitting: Sitting, question: Question, sheet: Sheet) -> None:
    given = sheet.answers.get(question.key, "")
    if options := _choices(sitting.item, question.key):
        _pick(sitting, question, options, given)
        return
    st.text_area(
        question.text,
        max_chars=TEXT_LENGTH,
        height=68,
        **_widget(sitting, question.key, given),
    )


def _choices(item: OpenItem, question: str) -> dict[str, str]:
    """Return what there is to choose from, with how it is shown; nothing for a free text."""
    if item.kind == "statement" and question.endswith(("prototype", "prototypes")):
        return items.letters(item.draw)
    if question == "diagnosis":
        return {code: words.named(code) for code in STATEMENTS}
    return {}


def _pick(sitting: Sitting, question: Question, options: dict[str, str], given: Any) -> None:
    many = given.split(BETWEEN) if isinstance(given, str) and given else given or []
    shown = {"format_func": lambda option: options.get(option, option)}
    if question.several:
        st.multiselect(
            question.text,
            list(options),
            # Or the Enter key would take all that match what is typed.
            select_all=False,
            **shown,
            **_widget(sitting, question.key, list(many)),
        )
    else:
        st.selectbox(
            question.text,
            list(options),
            index=None,
            **shown,
            **_widget(sitting, question.key, given or None),
        )


def _remarks(sitting: Sitting, sheet: Sheet) -> None:
    asked = {question.key: question for question in sitting.item.questions}
    comment, flag = asked["comment"], asked["flag"]
    st.text_area(
        comment.text,
        max_chars=TEXT_LENGTH,
        height=68,
        **_widget(sitting, "comment", sheet.answers.get("comment", "")),
    )
    st.checkbox(flag.text, **_widget(sitting, "flag", sheet.answers.get("flag") == "yes"))


def _widget(sitting: Sitting, question: str, stands: Any) -> dict[str, Any]:
    key = sitting.key(question)
    st.session_state[key] = stands
    return {
        "key": key,
        "on_change": _answer_from,
        "args": (sitting, question),
        "disabled": sitting.item.settled,
    }


def _steps(sitting: Sitting) -> None:
    item = sitting.item
    st.button(
        "Go on" if item.settled else "Save and next",
        key=sitting.key("save"),
        type="primary",
        icon=":material/arrow_forward:",
        shortcut="N",
        width="stretch",
        on_click=_next if item.settled else _save,
        args=(sitting,),
    )
    with st.container(horizontal=True):
        st.button(
            "Previous",
            key=sitting.key("previous"),
            icon=":material/arrow_back:",
            shortcut="P",
            disabled=item.place == Place(1),
            on_click=_go,
            args=_before(item.place),
        )
        if not item.settled:
            st.button(
                "Skip", key=sitting.key("skip"), shortcut="S", on_click=_skip, args=(sitting,)
            )


def _before(place: Place) -> tuple[int, ...]:
    return (place.position, 1) if place.stage > 1 else (place.position - 1,)


def _choose(question: str) -> None:
    st.session_state[CHOSEN] = question


def _sheet(sitting: Sitting) -> Sheet | None:
    """Return the answers in sight; None where a late click is about an item that has gone."""
    sheet: Sheet | None = st.session_state.get(SHEET)
    same = sheet and (sheet.seat, sheet.place) == (sitting.seat, sitting.item.place)
    return sheet if same else None


def _answer_in_turn(sitting: Sitting, question: str, value: str) -> None:
    # A key that is pressed early still meets the buttons of the question before.
    sheet = _sheet(sitting)
    if sheet is not None and _in_turn(sitting.item, sheet) == question:
        st.session_state.pop(CHOSEN, None)
        _answer(sitting, question, value)


def _answer(sitting: Sitting, question: str, value: Any) -> None:
    _write(sitting, {question: value}, save_draft)


def _answer_from(sitting: Sitting, question: str) -> None:
    _answer(sitting, question, st.session_state[sitting.key(question)])


def _save(sitting: Sitting) -> None:
    if _write(sitting, {}, save_item):
        _next(sitting)


def _skip(sitting: Sitting) -> None:
    if _write(sitting, {"skip": "yes"}, save_item):
        _next(sitting)


def _next(sitting: Sitting) -> None:
    _go(*first_open(sitting.engine, sitting.seat) or ())


def _write(sitting: Sitting, changes: Mapping[str, Any], save: Callable[..., int]) -> bool:
    """Store the answers with some changes; where that fails, keep them in sight and say why."""
    sheet = _sheet(sitting)
    if sheet is None:
        return False
    with sheet.lock:
        answers, now = {**sheet.answers, **changes}, time.monotonic()
        try:
            sheet.revision = save(
                sitting.engine,
                sitting.seat,
                sitting.item.place,
                answers,
                seen=sheet.revision,
                seconds=now - sheet.since,
            )
        except Conflict as error:
            # What stands now is shown instead: nobody should save over what they haven't seen.
            sheet.problem, sheet.outdated = str(error), True
            return False
        except (ValueError, RatingsError) as error:
            sheet.problem, sheet.answers, sheet.unsaved = f"Not saved. {error}", answers, True
            return False
        sheet.problem, sheet.answers, sheet.since, sheet.unsaved = "", answers, now, False
    return True


def _short(question: str) -> str:
    return question.replace("_", " ").capitalize()


def _in_words(answer: str) -> str:
    return answer.replace("_", " ")


main()
