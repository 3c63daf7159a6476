"""Seats that are opened by an account of an identity provider (OpenID Connect).

claim_seat(engine, key, account)      # once; from then on the account alone opens the seat
seats = seats_of(engine, account)

`account` stands for somebody: a digest under a secret that the database never sees, so that
nobody can be looked for in it. It is digested again with the study's name: that two reviewers of
two studies are the same person cannot be read from the database either. Which account has a
reviewer's seat is changed by making that reviewer another key, `studies.new_key`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, insert

from review_db.store.database import reading, writing
from review_db.store.schema import seat_account
from review_db.studies.seats import NotAdmitted, Seat, find_seat, tied_seats


def claim_seat(engine: Engine, key: str, account: str) -> Seat:
    """Tie the seat of a key to an account, unless it is already, and return it.

    Raises
    ------
    NotAdmitted
        If the key opens no seat, another account has it, or this one has another of the study.
    """
    with reading(engine) as connection:
        study = find_seat(connection, key).study
    with writing(engine, lock=f"study {study}") as connection:
        # Asked anew: another account may have been first, or the key replaced.
        found = find_seat(connection, key)
        if _is_open_to(found, account):
            return found
        _refuse_a_second(connection, found, account)
        digest = _digest(account, study)
        row = {"sign_in_key": found.key, "at": datetime.now(UTC), "digest": digest}
        connection.execute(insert(seat_account), [row])
    return replace(found, account=digest)


def seat_by_key(engine: Engine, key: str, account: str) -> Seat | None:
    """Return the seat of a key that is tied to this account; None where it is tied to none yet.

    Raises
    ------
    NotAdmitted
        If the key opens no seat, or another account has it.
    """
    with reading(engine) as connection:
        found = find_seat(connection, key)
    return found if _is_open_to(found, account) else None


def seats_of(engine: Engine, account: str) -> list[Seat]:
    """List the seats that an account opens, at most one of each study."""
    with reading(engine) as connection:
        return _seats(connection, account)


def tied_reviewers(engine: Engine, study: str) -> set[str]:
    """Return the reviewers of a study whose seat an account has."""
    with reading(engine) as connection:
        return {seat.reviewer for seat in tied_seats(connection) if seat.study == study}


def _seats(connection: Connection, account: str) -> list[Seat]:
    tied = tied_seats(connection)
    return [seat for seat in tied if seat.account == _digest(account, seat.study)]


def _is_open_to(seat: Seat, account: str) -> bool:
    if seat.account not in (None, _digest(account, seat.study)):
        raise NotAdmitted(
            "This key is tied to another account. Sign in with the account that you first gave it "
            "from, or ask for a new key."
        )
    return seat.account is not None


def _refuse_a_second(connection: Connection, seat: Seat, account: str) -> None:
    if seat.study in {other.study for other in _seats(connection, account)}:
        raise NotAdmitted(
            "Your account takes part in this study already, under another key. A second reviewer "
            "needs an account of their own."
        )


def _digest(account: str, study: str) -> str:
    return hashlib.sha256(f"{study} {account}".encode()).hexdigest()
