"""The questions that a reviewer is asked about a prototype, and the answers that each takes.

Accuracy, representativeness and clarity are asked in the words published for ProtoECGNet
(arXiv 2504.08713); the words for the five points of each scale are ours. Change a question or
an anchor only together with `CODEBOOK_VERSION`, which is stored with every answer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from review_db.schema import REVIEWER_LENGTH

CODEBOOK_VERSION = "1"
TEXT_LENGTH = 4000


@dataclass(frozen=True)
class Question:
    """One question about a prototype.

    Parameters
    ----------
    key : its name in the database and in the exports
    text : the question as the reviewer reads it
    options : the answers that it takes; none for a free text of up to `TEXT_LENGTH` characters
    anchors : words for each of `options`, where these are points of a scale
    """

    key: str
    text: str
    options: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()


_QUESTIONS = (
    Question(
        "accurate",
        "Does this prototype portray the diagnostic class correctly?",
        ("yes", "no"),
    ),
    Question(
        "alternative",
        "If not: which statement does it portray? Name a statement, or describe what you see.",
    ),
    Question(
        "representativeness",
        "To what extent does the prototype reflect a typical / defining presentation of the "
        "target diagnostic class?",
        ("1", "2", "3", "4", "5"),
        (
            "Not at all: nobody would show it as an example",
            "Slightly: most of its hallmarks are missing",
            "Moderately: recognisable, but atypical or incomplete",
            "Largely: typical, with small deviations",
            "Completely: a textbook example",
        ),
    ),
    Question(
        "clarity",
        "Is the signal in the prototype interpretable and clear, or does it contain a lot of "
        "noise / artifacts?",
        ("1", "2", "3", "4", "5"),
        (
            "Uninterpretable: noise or artifacts hide the signal",
            "Poor: the important parts are hard to make out",
            "Fair: readable in spite of clear noise or artifacts",
            "Good: slight noise that does not hinder reading",
            "Excellent: clean in all leads that matter",
        ),
    ),
    Question("comment", "Comment"),
    Question("best", "Best prototype of its statement", ("yes",)),
    Question("bad", "Bad prototype: should not be used", ("yes",)),
)
QUESTIONS = {question.key: question for question in _QUESTIONS}
SCALES = tuple(question.key for question in _QUESTIONS if question.anchors)
REQUIRED = ("accurate", *SCALES)

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
    asked = QUESTIONS[question]
    answer = _as_text(asked, value)
    if not answer:
        return ""
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


def _as_text(asked: Question, value: str | int | bool | None) -> str:
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
