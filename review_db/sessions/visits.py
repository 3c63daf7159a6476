"""The sessions of a crossover: one opens when the one before has ended and its washout is over.

Once it is open, those before it stay closed: what was read there is not to be changed, nor seen
again, beside what another arm shows of the same case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from review_db.sessions.assignments import own
from review_db.store.schema import assignment, item_event, item_look
from review_db.studies.design import Design
from review_db.studies.seats import NotAdmitted, Seat


@dataclass(frozen=True)
class Visit:
    """Which session a reviewer is in, of how many, and when the next one opens.

    `next_opens` counts from the last answer so far.
    """

    number: int
    of: int
    next_opens: datetime | None

    def is_open(self, session: int, now: datetime) -> bool:
        """Say whether items of a session may be opened and answered."""
        if session != self.number + 1:
            return session == self.number
        return self.next_opens is not None and self.next_opens <= now


def visit(connection: Connection, seat: Seat, design: Design) -> Visit:
    """Return the session that a reviewer is in: the first of one, where nothing is crossed."""
    number, of = (
        connection.scalar(query) or 1
        for query in (
            _last_met(seat),
            select(func.max(assignment.c.session)).where(*own(assignment, seat)),
        )
    )
    if number == of:
        return Visit(number, of, None)
    answered = select(func.max(item_event.c.at)).where(*own(item_event, seat))
    # A clock that was once ahead must not keep the next session closed until then.
    past = answered.where(item_event.c.at <= datetime.now(UTC))
    last = connection.scalar(past) or connection.scalar(answered)
    washout = timedelta(days=design.readings.washout_days)
    return Visit(number, of, last + washout if last else None)


def refuse_other_session(connection: Connection, seat: Seat, session: int, design: Design) -> None:
    """Refuse an item of a session that is over, or not open yet.

    Raises
    ------
    NotAdmitted
        The message says until when.
    """
    found = visit(connection, seat, design)
    if found.is_open(session, datetime.now(UTC)):
        return
    if session < found.number:
        raise NotAdmitted(
            f"Session {session} is over: its answers stay as they are, so that later ones don't "
            "change them."
        )
    when = f"{found.next_opens:%Y-%m-%d %H:%M} UTC" if found.next_opens else "later"
    raise NotAdmitted(
        f"Session {session} opens {when}: between sessions lies some time, so that cases are not "
        "remembered."
    )


def _last_met(seat: Seat) -> Select[Any]:
    same = (
        (item_look.c.study == assignment.c.study)
        & (item_look.c.reviewer == assignment.c.reviewer)
        & (item_look.c.position == assignment.c.position)
    )
    met = select(func.max(assignment.c.session)).select_from(item_look.join(assignment, same))
    return met.where(*own(item_look, seat))
