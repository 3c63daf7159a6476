"""The answers to an item of a study as this browser shows them, and how they are stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from sqlalchemy import Engine

from pages.shell import accounts, reviews
from pages.shell.accounts import Account
from review_db import RatingsError
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import Conflict, OpenItem, save_draft
from review_db.studies.seats import Seat

SHEET = "study sheet"
# Who does nothing for longer is not at work.
LONGEST_PAUSE_S = 60.0


@dataclass
class AnswerSheet:
    """What this browser shows of an item: its answers, and the revision they were read at.

    Changed in place, under its lock: a key that is pressed while the answer before is still being
    saved ends that run, and what it puts into the session state no longer arrives.

    `since` is when somebody was last seen at work, seconds of a clock that is never set, and
    `worked` the seconds of work that are not stored yet; `problem` is what kept the last answers
    from being stored; `unsaved` keeps those in sight, `outdated` has them read anew; `chosen` is
    the question that was reopened; `next_requested` has the first open item opened instead,
    `reload_requested` the one that the URL names.
    """

    seat: Seat
    at: ItemStage
    revision: int
    answers: Mapping[str, Any]
    since: float
    problem: str = ""
    unsaved: bool = False
    outdated: bool = False
    chosen: str | None = None
    next_requested: bool = False
    reload_requested: bool = False
    worked: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> float:
        """Count the time since somebody was last seen at work, and return all not stored yet."""
        now = time.monotonic()
        self.worked += min(now - self.since, LONGEST_PAUSE_S)
        self.since = now
        return self.worked

    @property
    def stale(self) -> bool:
        """Whether the whole page is to be made anew, not the answers alone."""
        return self.outdated or self.next_requested or self.reload_requested


@dataclass(frozen=True)
class ItemSession:
    """Who answers which item, and the account that is signed in, if any has to be."""

    engine: Engine
    seat: Seat
    item: OpenItem
    account: Account | None

    def key(self, widget: str) -> str:
        """Name a widget of this item; a click that comes late meets none of the next one."""
        return f"{self.seat.reviewer} {self.item.at.position} {self.item.at.stage} {widget}"


def load_answers(session: ItemSession) -> None:
    """Take the answers from the database, unless some of them could not be stored there."""
    item = session.item
    given = {key: value for key, value in item.draft.items() if key != "skip"}
    sheet = sheet_of(session)
    if sheet is None or sheet.reload_requested:
        now = time.monotonic()
        st.session_state[SHEET] = AnswerSheet(session.seat, item.at, item.revision, given, now)
        return
    with sheet.lock:
        # An answer may have been saved since the item was read.
        if sheet.outdated or (not sheet.unsaved and item.revision >= sheet.revision):
            sheet.revision, sheet.answers = item.revision, given
            sheet.unsaved = sheet.outdated = False


def sheet_of(session: ItemSession) -> AnswerSheet | None:
    """Return the answers in sight; None where a late click is about an item that has gone."""
    sheet: AnswerSheet | None = reviews.state().get(SHEET)
    same = sheet and (sheet.seat, sheet.at) == (session.seat, session.item.at)
    return sheet if same else None


def request_next(session: ItemSession) -> None:
    """Have the first open item opened by the next run, which nothing can end before it has."""
    if sheet := sheet_of(session):
        sheet.next_requested = True


def follow_request(go: Callable[[], None]) -> ItemStage | None:
    """Call `go`, which requests a reload, if the next item was requested; return after which."""
    sheet: AnswerSheet | None = reviews.state().get(SHEET)
    if not sheet or not sheet.next_requested:
        return None
    go()
    return sheet.at


def request_reload() -> None:
    """Have the item that the URL names opened by the next run, as it stands."""
    if sheet := reviews.state().get(SHEET):
        sheet.next_requested, sheet.reload_requested = False, True


def clear_answers() -> None:
    """Keep nothing of what this browser showed."""
    st.session_state.pop(SHEET, None)


def answer(session: ItemSession, question: str, value: Any) -> None:
    """Keep an answer as a draft."""
    write(session, {question: value}, save_draft)


def write(session: ItemSession, changes: Mapping[str, Any], save: Callable[..., int]) -> bool:
    """Store the answers with some changes; where that fails, keep them in sight and say why."""
    sheet = sheet_of(session)
    if sheet is None:
        return False
    with sheet.lock:
        answers, worked = {**sheet.answers, **changes}, sheet.count()
        try:
            accounts.confirm(session.account)
            sheet.revision = save(
                session.engine,
                session.seat,
                session.item.at,
                answers,
                seen=sheet.revision,
                seconds=worked,
            )
        except Conflict as error:
            # What stands now is shown instead: nobody should save over what they haven't seen.
            sheet.problem, sheet.outdated = str(error), True
            return False
        except (ValueError, RatingsError) as error:
            sheet.problem, sheet.answers, sheet.unsaved = f"Not saved. {error}", answers, True
            return False
        sheet.problem, sheet.answers, sheet.worked, sheet.unsaved = "", answers, 0.0, False
    return True
