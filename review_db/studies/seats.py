"""A reviewer's seat in a study: what opens it, and what closes it again.

seat = sign_in(engine, key)      # whose key it is
key = new_key(engine, "pilot", "R01")
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, func, insert, select

from review_db.keys import draw_key, spelled
from review_db.questions.checks import checked_reviewer
from review_db.store.database import reading, writing
from review_db.store.failures import RatingsError
from review_db.store.schema import assignment, seat_account, sign_in_key
from review_db.studies.trail import record, standing_of


class NotAdmitted(RatingsError):
    """The key or account does not open this; the message doesn't say what there is."""


@dataclass(frozen=True)
class Seat:
    """A reviewer's place in a study: what may be read and written is theirs alone.

    Get one from `sign_in` or `accounts`, or from `seat_of` where who it is was established
    elsewhere.

    Parameters
    ----------
    study, reviewer : whose place it is
    key : number of the key that opened it; nothing is written once that key was replaced
    account : digest of the account that the key is tied to, if any
    """

    study: str
    reviewer: str
    key: int = field(default=0, compare=False)
    account: str | None = field(default=None, compare=False)


def sign_in(engine: Engine, key: str) -> Seat:
    """Return the seat that a reviewer's key opens; letters may be small, dashes left out.

    Raises
    ------
    NotAdmitted
        If it opens none, was replaced, or is tied to an account (`accounts`).
    """
    with reading(engine) as connection:
        found = find_seat(connection, key)
    if found.account is not None:
        raise NotAdmitted(
            "This key is tied to an account, which alone opens its seat. Sign in with that account "
            "where the app asks for it, or ask for a new key."
        )
    return found


def find_seat(connection: Connection, key: str) -> Seat:
    """Return the seat of a reviewer's key, whether it is tied to an account or not.

    Raises
    ------
    NotAdmitted
        If there is none such, or it was replaced.
    """
    query = _standing_keys().where(sign_in_key.c.digest == _digest(key))
    if found := _seats(connection, query):
        return found[0]
    raise NotAdmitted("This key opens no study. Check it, or ask for a new one.")


def tied_seats(connection: Connection) -> list[Seat]:
    """List the seats whose standing key is tied to an account."""
    return _seats(connection, _standing_keys().where(seat_account.c.digest.is_not(None)))


def refuse_closed(connection: Connection, seat: Seat) -> None:
    """Refuse a seat that was opened by a key or an account which no longer opens it.

    Raises
    ------
    NotAdmitted
        If its key was replaced or tied to another account, or the study or its part has ended.
    """
    now = standing_of(connection, seat.study)
    if now.closed_at is not None:
        raise NotAdmitted("This study is closed, and takes no more answers. Thank you.")
    if seat.reviewer in now.withdrawn:
        raise NotAdmitted("Your part in this study has ended. Ask its coordinator if in doubt.")
    standing = _seats(connection, _standing_keys().where(*_of(sign_in_key, seat)))
    if [(s.key, s.account) for s in standing] != [(seat.key, seat.account)]:
        raise NotAdmitted(
            "The key that opened this page was replaced or tied to an account. Open the page anew "
            "with the key that you have now, or ask for one."
        )


def seat_of(engine: Engine, name: str, reviewer: str) -> Seat:
    """Return the seat of a reviewer whose identity was established elsewhere.

    Raises
    ------
    NotAdmitted
        If the study hasn't started, or has no such reviewer.
    """
    assigned = select(assignment.c.position).where(
        assignment.c.study == name, assignment.c.reviewer == reviewer
    )
    with reading(engine) as connection:
        if connection.execute(assigned.limit(1)).first() is None:
            raise NotAdmitted("You are no reviewer of this study, or it has not started.")
        whose = _standing_keys().where(*_of(sign_in_key, Seat(name, reviewer)))
        return _seats(connection, whose)[0]


def new_key(engine: Engine, name: str, reviewer: str, *, actor: str = "coordinator") -> str:
    """Give a reviewer of a started study another key.

    The old one no longer opens the seat, nor does the account that it was tied to.
    """
    seat = seat_of(engine, name, checked_reviewer(reviewer))
    with writing(engine, lock=f"study {seat.study}") as connection:
        record(connection, seat.study, "new key", actor=actor, reviewer=seat.reviewer)
    with writing(engine, lock=seat_lock(seat)) as connection:
        return add_key(connection, seat.study, seat.reviewer)


def seat_lock(seat: Seat) -> str:
    """Name the lock under which a seat's answers are written, and its key is replaced."""
    return f"{seat.study} {seat.reviewer}"


def add_key(connection: Connection, name: str, reviewer: str) -> str:
    """Write down that a reviewer has a key from now on, and return it."""
    key = draw_key()
    row = {"at": datetime.now(UTC), "study": name, "reviewer": reviewer, "digest": _digest(key)}
    connection.execute(insert(sign_in_key), [row])
    return key


def _standing_keys() -> Select[Any]:
    latest = select(func.max(sign_in_key.c.id)).group_by(
        sign_in_key.c.study, sign_in_key.c.reviewer
    )
    return (
        select(sign_in_key.c.id, sign_in_key.c.study, sign_in_key.c.reviewer, seat_account.c.digest)
        .outerjoin(seat_account, seat_account.c.sign_in_key == sign_in_key.c.id)
        .where(sign_in_key.c.id.in_(latest))
    )


def _seats(connection: Connection, query: Select[Any]) -> list[Seat]:
    rows = connection.execute(query)
    return [Seat(row.study, row.reviewer, row.id, row.digest) for row in rows]


def _of(table: Table, seat: Seat) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.study == seat.study, table.c.reviewer == seat.reviewer


def _digest(key: str) -> str:
    # A key is drawn at random, so that its digest needs no salt: there is nothing to guess from.
    return hashlib.sha256(spelled(key).encode()).hexdigest()
