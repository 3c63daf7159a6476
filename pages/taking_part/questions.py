"""The questions about an item, answered by keys or by mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.shell import reviews, words
from pages.taking_part import items, keys
from pages.taking_part.answers import AnswerSheet, ItemSession, answer, sheet_of
from protoecg.labels import LabelSet
from review_db.questions.catalogue import (
    BETWEEN,
    RANKS,
    STUDY_QUESTIONS,
    TEXT_LENGTH,
    Question,
)
from review_db.sessions.sessions import OpenItem
from review_db.studies.items import StatementContent

# Below what has to be answered: words and marks, of which none has its turn.
REMARKS = ("comment", "flag", "best", "bad")


# Answers change but this part of the page: the tracing is neither drawn nor sent anew.
@st.fragment
def show(
    session: ItemSession, labels: LabelSet, below: Callable[[ItemSession], None] | None = None
) -> None:
    """Ask what is still open, and show what was answered.

    Parameters
    ----------
    below : shows what stands under the questions
    """
    sheet, item = sheet_of(session), session.item
    # A key that follows an answer at once, such as that of the next item, can come with a run of
    # this part alone.
    if sheet is None or sheet.stale:
        st.rerun()
    if item.feedback.truth:
        _show_truth(item, labels)
    elif item.settled:
        st.info("The first look is over; its answers stay as they are.", icon=":material/lock:")
    elif item.saved.get("skip"):
        st.info("You skipped this item. Answer it, or go on.", icon=":material/redo:")
    if sheet.problem:
        st.error(words.plain(sheet.problem), icon=":material/error:")
    chosen = _in_turn(item, sheet)
    for question in _asked(item, sheet):
        if question.key == chosen:
            _points(session, question, sheet)
        elif question.options:
            _line(session, question, sheet)
        else:
            _words(session, question, sheet, labels)
    _remarks(session, sheet)
    if below:
        below(session)
    keys.listen(session, sheet, _question(item, chosen))


def only_steps(session: ItemSession) -> None:
    """Ask nothing about an item that cannot be shown; the keys lead to others."""
    if sheet := sheet_of(session):
        keys.listen(session, sheet, None)


def _question(item: OpenItem, chosen: str | None) -> Question | None:
    return next((question for question in item.questions if question.key == chosen), None)


def _show_truth(item: OpenItem, labels: LabelSet) -> None:
    true = ", ".join(labels.named(code) for code in item.feedback.truth)
    st.info(f"Practice. True of this ECG: {true}.", icon=":material/school:")


def in_short(answers: Mapping[str, str]) -> str:
    """Return answers in a line."""
    return ", ".join(f"{_short(key)} {_in_words(value)}" for key, value in answers.items())


def _asked(item: OpenItem, sheet: AnswerSheet) -> list[Question]:
    unasked = {*REMARKS, "skip"}
    if sheet.answers.get("accurate") != "no":
        unasked.add("alternative")
    asked = [question for question in item.questions if question.key not in unasked]
    return [question for question in asked if _is_in_order(question.key, sheet)]


def _is_in_order(key: str, sheet: AnswerSheet) -> bool:
    """Say whether a part of a differential has its turn: each choice follows the one before."""
    place, _, what = key.partition("_")
    if place not in RANKS:
        return True
    before = RANKS[: RANKS.index(place) + (what == "confidence")]
    return all(sheet.answers.get(f"{earlier}_choice") for earlier in before)


def _in_turn(item: OpenItem, sheet: AnswerSheet) -> str | None:
    """Return the question that the keys answer: the one reopened, else the first open one."""
    if sheet.chosen:
        return sheet.chosen
    asked = _asked(item, sheet)
    open_ones = (q.key for q in asked if q.options and q.key not in sheet.answers)
    return None if item.settled else next(open_ones, None)


def _points(session: ItemSession, question: Question, sheet: AnswerSheet) -> None:
    st.markdown(f"**{question.text}**")
    for option in question.options:
        st.button(
            _point(question, option),
            key=session.key(f"{question.key} {option}"),
            type="primary" if sheet.answers.get(question.key) == option else "secondary",
            shortcut=keys.of_option(question, option),
            width="stretch",
            on_click=_answer_in_turn,
            args=(session, question.key, option),
        )


def _point(question: Question, option: str) -> str:
    anchors = dict(zip(question.points, question.anchors, strict=True))
    return anchors.get(option) or _in_words(option)


def _line(session: ItemSession, question: Question, sheet: AnswerSheet) -> None:
    given = sheet.answers.get(question.key)
    state = f"**{_in_words(given)}**" if given else "open"
    st.button(
        f"{_short(question.key)}: {state}",
        key=session.key(f"{question.key} again"),
        icon=":material/check:" if given else ":material/radio_button_unchecked:",
        type="tertiary",
        disabled=session.item.settled,
        help=question.text,
        on_click=_choose,
        args=(session, question.key),
    )


def _words(session: ItemSession, question: Question, sheet: AnswerSheet, labels: LabelSet) -> None:
    given = sheet.answers.get(question.key, "")
    if options := _choices(session.item, question.key, labels):
        _pick(session, question, options, given)
        return
    _free_text(session, question, given)


def _free_text(session: ItemSession, question: Question, given: str) -> None:
    st.text_area(
        question.text,
        given,
        max_chars=TEXT_LENGTH,
        height=68,
        **_widget(session, question.key, given),
    )


def _choices(item: OpenItem, question: str, labels: LabelSet) -> dict[str, str]:
    """Return what there is to choose from, with how it is shown; nothing for a free text."""
    named = question.endswith(("prototype", "prototypes"))
    if named and isinstance(item.content, StatementContent):
        return items.letters(item.content)
    if question == "diagnosis" or STUDY_QUESTIONS[question].statement:
        return {code: labels.named(code) for code in labels}
    return {}


def _pick(session: ItemSession, question: Question, options: dict[str, str], given: Any) -> None:
    many = given.split(BETWEEN) if isinstance(given, str) and given else given or []
    shown: dict[str, Any] = {"format_func": lambda option: options.get(option, option)}
    if question.several:
        st.multiselect(
            question.text,
            list(options),
            list(many),
            # Or the Enter key would take all that match what is typed.
            select_all=False,
            # Or "(SR)" and Enter would take what merely has these letters in turn.
            filter_mode="contains",
            **shown,
            **_widget(session, question.key, list(many)),
        )
    else:
        st.selectbox(
            question.text,
            list(options),
            index=list(options).index(given) if given else None,
            filter_mode="contains",
            **shown,
            **_widget(session, question.key, given or None),
        )


def _remarks(session: ItemSession, sheet: AnswerSheet) -> None:
    for question in session.item.questions:
        if question.key not in REMARKS:
            continue
        given = sheet.answers.get(question.key)
        if question.options:
            # A mark that was just made is not yet as it is stored.
            marked = given in ("yes", True)
            st.checkbox(question.text, marked, **_widget(session, question.key, marked))
        else:
            _free_text(session, question, given or "")


def _widget(session: ItemSession, question: str, stands: Any) -> dict[str, Any]:
    key = session.key(question)
    reviews.put(key, stands)
    return {
        "key": key,
        "on_change": _answer_from,
        "args": (session, question),
        "disabled": session.item.settled,
    }


def _choose(session: ItemSession, question: str) -> None:
    if sheet := sheet_of(session):
        sheet.chosen = question


def _answer_in_turn(session: ItemSession, question: str, value: str) -> None:
    # A key that is pressed early still meets the buttons of the question before.
    sheet = sheet_of(session)
    if sheet is not None and _in_turn(session.item, sheet) == question:
        sheet.chosen = None
        answer(session, question, value)


def _answer_from(session: ItemSession, question: str) -> None:
    answer(session, question, reviews.state()[session.key(question)])


def _short(question: str) -> str:
    return question.replace("_", " ").capitalize()


def _in_words(value: str) -> str:
    return value.replace("_", " ")
