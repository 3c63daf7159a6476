"""The questions about an item of a study, answered by keys or by mouse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.shell import reviews, words
from pages.taking_part import items
from pages.taking_part.answers import Sheet, Sitting, answer, sheet_of
from protoecg.labels import STATEMENTS
from review_db.questions.catalogue import ALWAYS, BETWEEN, CANNOT_JUDGE, TEXT_LENGTH, Question
from review_db.sessions.sessions import OpenItem


# Answers change but this part of the page: the tracing is neither drawn nor sent anew.
@st.fragment
def show(sitting: Sitting) -> None:
    """Ask what is still open, and show what was answered."""
    sheet, item = sheet_of(sitting), sitting.item
    # A key that follows an answer at once, such as that of the next item, can come with a run of
    # this part alone.
    if sheet is None or sheet.stale:
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


def in_short(answers: Mapping[str, str]) -> str:
    """Return answers in a line."""
    return ", ".join(f"{_short(key)} {_in_words(value)}" for key, value in answers.items())


def _asked(item: OpenItem, sheet: Sheet) -> list[Question]:
    unasked = ALWAYS if sheet.answers.get("accurate") == "no" else (*ALWAYS, "alternative")
    return [question for question in item.questions if question.key not in unasked]


def _in_turn(item: OpenItem, sheet: Sheet) -> str | None:
    """Return the question that the keys answer: the one reopened, else the first open one."""
    if sheet.chosen:
        return sheet.chosen
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
        args=(sitting, question.key),
    )


def _words(sitting: Sitting, question: Question, sheet: Sheet) -> None:
    given = sheet.answers.get(question.key, "")
    if options := _choices(sitting.item, question.key):
        _pick(sitting, question, options, given)
        return
    st.text_area(
        question.text,
        given,
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
    shown: dict[str, Any] = {"format_func": lambda option: options.get(option, option)}
    if question.several:
        st.multiselect(
            question.text,
            list(options),
            list(many),
            # Or the Enter key would take all that match what is typed.
            select_all=False,
            **shown,
            **_widget(sitting, question.key, list(many)),
        )
    else:
        st.selectbox(
            question.text,
            list(options),
            index=list(options).index(given) if given else None,
            **shown,
            **_widget(sitting, question.key, given or None),
        )


def _remarks(sitting: Sitting, sheet: Sheet) -> None:
    asked = {question.key: question for question in sitting.item.questions}
    comment, flag = asked["comment"], asked["flag"]
    said, flagged = sheet.answers.get("comment", ""), sheet.answers.get("flag") == "yes"
    st.text_area(
        comment.text, said, max_chars=TEXT_LENGTH, height=68, **_widget(sitting, "comment", said)
    )
    st.checkbox(flag.text, flagged, **_widget(sitting, "flag", flagged))


def _widget(sitting: Sitting, question: str, stands: Any) -> dict[str, Any]:
    key = sitting.key(question)
    reviews.put(key, stands)
    return {
        "key": key,
        "on_change": _answer_from,
        "args": (sitting, question),
        "disabled": sitting.item.settled,
    }


def _choose(sitting: Sitting, question: str) -> None:
    if sheet := sheet_of(sitting):
        sheet.chosen = question


def _answer_in_turn(sitting: Sitting, question: str, value: str) -> None:
    # A key that is pressed early still meets the buttons of the question before.
    sheet = sheet_of(sitting)
    if sheet is not None and _in_turn(sitting.item, sheet) == question:
        sheet.chosen = None
        answer(sitting, question, value)


def _answer_from(sitting: Sitting, question: str) -> None:
    answer(sitting, question, reviews.state()[sitting.key(question)])


def _short(question: str) -> str:
    return question.replace("_", " ").capitalize()


def _in_words(value: str) -> str:
    return value.replace("_", " ")
