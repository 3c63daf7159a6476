"""Answers and reviewers' codes, checked before they are stored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from protoecg.labels import is_code
from review_db.questions.catalogue import BETWEEN, QUESTIONS, TEXT_LENGTH, Question
from review_db.store.schema import REVIEWER_LENGTH

_REVIEWER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


def checked_answer(question: str, value: str | int | bool | None) -> str:
    """Return an answer as it is stored; no answer (`None`, or nothing but blanks) as "".

    `True` is "yes"; `False` is "no" where that can be answered, else no answer.

    Raises
    ------
    ValueError
        If there is no such question, or the question does not take this answer.
    """
    if question not in QUESTIONS:
        raise ValueError(
            f"There is no question named {question!r}, expected one of {', '.join(QUESTIONS)}."
        )
    return checked_value(QUESTIONS[question], value)


def checked_value(asked: Question, value: str | int | bool | Sequence[str] | None) -> str:
    """Return an answer to this question as it is stored, as `checked_answer` does.

    Several codes come as a sequence, or as one text with `BETWEEN` between them.

    Raises
    ------
    ValueError
        If the question does not take this answer.
    """
    answer = _codes(value) if asked.several else _as_text(asked, value)
    if not answer:
        return ""
    if asked.statement and not is_code(answer):
        raise ValueError(
            f"The answer to {asked.key} is {answer[:40]!r}, expected the code of a statement."
        )
    if not asked.options:
        return _checked_text(asked, answer)
    if answer not in asked.options:
        raise ValueError(
            f"The answer to {asked.key} is {answer[:40]!r}, expected {_listed(asked.options)}."
        )
    return answer


def checked_reviewer(code: str) -> str:
    """Return a reviewer's code without surrounding blanks.

    Raises
    ------
    ValueError
        If it is empty, too long, or holds anything but letters, digits and `_ . -`.
    """
    code = code.strip()
    if not code:
        raise ValueError("The reviewer code is empty. Enter the code that you were given.")
    if len(code) > REVIEWER_LENGTH:
        raise ValueError(
            f"The reviewer code has {len(code)} characters, at most {REVIEWER_LENGTH} are allowed."
        )
    if not _REVIEWER.fullmatch(code):
        raise ValueError(
            f"The reviewer code {code!r} holds other characters than the letters A to Z, digits, "
            "'_', '.' and '-', or does not start with a letter or digit. Use a code such as R01, "
            "not a name."
        )
    return code


def _codes(value: Any) -> str:
    given = value.split(BETWEEN.strip()) if isinstance(value, str) else value or ()
    return BETWEEN.join(sorted({str(code).strip() for code in given} - {""}))


def _as_text(asked: Question, value: Any) -> str:
    if value is None:
        return ""
    if value is True and "yes" in asked.options:
        return "yes"
    if value is False and "yes" in asked.options:
        return "no" if "no" in asked.options else ""
    # Browsers and spreadsheets disagree on line ends; one kind survives all of them.
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()


def _checked_text(asked: Question, text: str) -> str:
    if len(text) > TEXT_LENGTH:
        raise ValueError(
            f"The {asked.key} has {len(text):,} characters, at most {TEXT_LENGTH:,} are kept. "
            "Shorten it."
        )
    # PostgreSQL stores no NUL, and a lone surrogate has no UTF-8.
    if strange := [c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]:
        raise ValueError(
            f"The {asked.key} holds the control character U+{ord(strange[0]):04X}. Remove it; "
            "text, line breaks and tabs are kept."
        )
    return text


def _listed(options: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(options[:-1]), options[-1])))
