"""The keys of an item: 1 to 5 and 0 answer the question in turn, N, P and S go to another item.

The browser hands them to the buttons one after the other (`keys.js`), however fast they follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from pages.taking_part.answers import AnswerSheet, ItemSession
from review_db.questions.catalogue import CANNOT_JUDGE, Question

STEPS = {"n": "save", "p": "previous", "s": "skip"}
"""The key of each step's button, by the key that is pressed."""

_JS = Path(__file__).with_name("keys.js").read_text(encoding="utf-8")
_listen = st.components.v2.component("protoecg_keys", js=_JS)
_ANSWERS = "0123456789"


def of_option(question: Question, option: str) -> str:
    """Return the key that gives an answer."""
    return "0" if option == CANNOT_JUDGE else str(question.options.index(option) + 1)


def listen(session: ItemSession, sheet: AnswerSheet, asked: Question | None) -> None:
    """Have the browser hand the keys to the buttons of the question in turn, and to the steps."""
    options = asked.options if asked else ()
    answers = {of_option(asked, one): f"{asked.key} {one}" for one in options if asked}
    _listen(
        key="keys",
        height=1,
        data={
            "item": f"{session.name} {session.item.settled}",
            "turn": asked.key if asked else "",
            "refused": sheet.refused,
            "steps": STEPS,
            "keys": _classes(session, {**answers, **STEPS}),
            "all": dict.fromkeys([*_ANSWERS, *STEPS], True),
        },
    )


def _classes(session: ItemSession, buttons: Mapping[str, str]) -> dict[str, str]:
    """Return the classes that Streamlit gives to the elements of these keys."""
    named = {key: session.key(button) for key, button in buttons.items()}
    return {key: "st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", name) for key, name in named.items()}
