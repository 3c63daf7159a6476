"""Pages of a model under blind study are closed to the study's reviewers.

A reviewer is known by their account, or by the seat that this browser has opened since the server
started. Whoever takes another browser, or another device, cannot be known: that is said to them.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

import streamlit as st
from sqlalchemy import Engine

from pages.shell import reviews, words
from pages.shell.access import accounts
from protoecg.prototypes.sets import PrototypeSet
from review_db import RatingsError
from review_db.ratings.windows import share_windows
from review_db.studies.accounts import seats_of
from review_db.studies.design.settings import DesignError
from review_db.studies.lifecycle import StudyInfo, study_info
from review_db.studies.seats import Seat

OPENED, MOST_REMEMBERED = "seats opened here", 1000


def remember(seat: Seat) -> None:
    """Keep in mind that this browser has opened a seat, for as long as the server runs."""
    st.session_state.setdefault(OPENED, set()).add(seat)
    if (browser := _browser()) is None:
        return
    seats = _seats()
    seats.setdefault(browser, set()).add(seat)
    seats.move_to_end(browser)
    while len(seats) > MOST_REMEMBERED:
        seats.popitem(last=False)


def refuse(bundle: PrototypeSet) -> None:
    """End a page that would show a reviewer what a study of this model hides from them."""
    with suppress(RatingsError):
        engine = reviews.opened()
        for info in _studies(engine):
            if _hides(info) and share_windows(engine, info.fingerprint, bundle.fingerprint):
                _show_refusal(info)
                st.stop()


def _studies(engine: Engine) -> list[StudyInfo]:
    account = accounts.current()
    seats = {*seats_of(engine, account.digest)} if account else set()
    seats |= st.session_state.get(OPENED, set())
    seats |= _seats().get(_browser() or "", set())
    found = []
    for name in sorted({seat.study for seat in seats}):
        # A test run may be gone.
        with suppress(DesignError):
            found.append(study_info(engine, name))
    return found


def _hides(info: StudyInfo) -> bool:
    """Say whether a study is under way, and hides something that these pages show."""
    blinding = info.design.blinding
    hidden = blinding.statement or blinding.similarity or blinding.model
    return hidden and info.started_at is not None and info.standing.closed_at is None


def _show_refusal(info: StudyInfo) -> None:
    title = words.plain(info.design.title or info.design.name)
    st.info(
        f"You take part in the study “{title}”, which hides from you what this page shows of its "
        "model. It opens again once the study is closed. You are known by your seat in this "
        "browser, or by your account; nobody can know you in another browser, so please don't "
        "look there either. Other models are open to you: choose one above.",
        icon=":material/visibility_off:",
    )


def _browser() -> str | None:
    browser = st.user.to_dict().get("browser")
    return browser if isinstance(browser, str) else None


@st.cache_resource(show_spinner=False)
def _seats() -> OrderedDict[str, set[Seat]]:
    return OrderedDict()
