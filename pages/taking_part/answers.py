"""The answers to an item as this browser shows them, and how they are stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import streamlit as st

from pages.shell import reviews
from pages.shell.access import accounts
from pages.shell.access.accounts import Account
from review_db import RatingsError
from review_db.sessions.checks import Unfinished
from review_db.sessions.sessions import Conflict, OpenItem

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
    from being stored, `pending` those that were not and stay in sight; `outdated` has all read
    anew; `refused` counts the steps to another item that led nowhere; `chosen` is the question
    that was reopened; `next_requested` has the first open item opened instead, `reload_requested`
    the one that the URL names.
    """

    place: Hashable
    revision: int
    answers: Mapping[str, Any]
    since: float
    problem: str = ""
    pending: Mapping[str, Any] = field(default_factory=dict)
    outdated: bool = False
    refused: int = 0
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


class Store(Protocol):
    """Stores answers: all of them, of which some changed; returns them with their new revision."""

    def __call__(
        self, answers: Mapping[str, Any], changes: Mapping[str, Any], *, seen: int, seconds: float
    ) -> tuple[int, Mapping[str, Any]]:
        """Store them, or raise what `write` tells."""


@dataclass(frozen=True)
class ItemSession:
    """Who answers which item, how its answers are stored, and the account that is signed in.

    Parameters
    ----------
    name : begins the keys of the item's widgets; a click that comes late meets none of the next
    place : tells the item, and who answers it, from all others
    keep, save : store answers as they are given, and all of them before the next item
    """

    name: str
    place: Hashable
    item: OpenItem
    keep: Store
    save: Store
    account: Account | None

    def key(self, widget: str) -> str:
        """Name a widget of this item."""
        return f"{self.name} {widget}"


def load_answers(session: ItemSession) -> None:
    """Take the answers from the database, unless some of them could not be stored there."""
    item = session.item
    given = {key: value for key, value in item.draft.items() if key != "skip"}
    sheet = sheet_of(session)
    if sheet is None or sheet.reload_requested:
        now = time.monotonic()
        st.session_state[SHEET] = AnswerSheet(session.place, item.revision, given, now)
        return
    with sheet.lock:
        # An answer may have been saved since the item was read.
        if sheet.outdated or (not sheet.pending and item.revision >= sheet.revision):
            sheet.revision, sheet.answers = item.revision, given
            sheet.pending, sheet.outdated = {}, False


def sheet_of(session: ItemSession) -> AnswerSheet | None:
    """Return the answers in sight; None where a late click is about an item that has gone."""
    sheet: AnswerSheet | None = reviews.state().get(SHEET)
    return sheet if sheet and sheet.place == session.place else None


def request_next(session: ItemSession) -> None:
    """Have the first open item opened by the next run, which nothing can end before it has."""
    if sheet := sheet_of(session):
        sheet.next_requested = True


def follow_request(go: Callable[[], None]) -> Hashable | None:
    """Call `go`, which requests a reload, if the next item was requested; return its place."""
    sheet: AnswerSheet | None = reviews.state().get(SHEET)
    if not sheet or not sheet.next_requested:
        return None
    go()
    return sheet.place


def request_reload() -> None:
    """Have the item that the URL names opened by the next run, as it stands."""
    if sheet := reviews.state().get(SHEET):
        sheet.next_requested, sheet.reload_requested = False, True


def clear_answers() -> None:
    """Keep nothing of what this browser showed."""
    st.session_state.pop(SHEET, None)


def answer(session: ItemSession, question: str, value: Any) -> None:
    """Keep an answer as it is given."""
    write(session, {question: value}, session.keep)


def step(session: ItemSession, changes: Mapping[str, Any], save: Store) -> bool:
    """Store the answers before a step to another item; where that fails, stay and say why."""
    if write(session, changes, save):
        return True
    if sheet := sheet_of(session):
        sheet.refused += 1
    return False


def write(session: ItemSession, changes: Mapping[str, Any], save: Store) -> bool:
    """Store the answers with some changes; where that fails, keep them in sight and say why."""
    sheet = sheet_of(session)
    if sheet is None:
        return False
    with sheet.lock:
        changes = {**sheet.pending, **changes}
        answers, worked = {**sheet.answers, **changes}, sheet.count()
        try:
            accounts.confirm(session.account)
            sheet.revision, sheet.answers = save(
                answers, changes, seen=sheet.revision, seconds=worked
            )
        except Conflict as error:
            # What stands now is shown instead: nobody should save over what they haven't seen.
            sheet.problem, sheet.outdated = str(error), True
            return False
        except Unfinished as error:
            sheet.problem = str(error)
            return False
        except (ValueError, RatingsError) as error:
            sheet.problem, sheet.answers, sheet.pending = f"Not saved. {error}", answers, changes
            return False
        sheet.problem, sheet.pending, sheet.worked = "", {}, 0.0
    return True
