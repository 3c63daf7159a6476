"""A study that has started: reviewers who come late or are withdrawn, its end, and test runs.

key = add_reviewer(engine, "pilot", "R04", actor="coordinator", reason="R02 fell ill")
withdraw(engine, "pilot", "R02", actor="coordinator", reason="fell ill")
close_study(engine, "pilot", actor="coordinator")

Each of them is an entry in the study's trail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, Engine, Table, delete, insert, select

from review_db.questions.checks import checked_reviewer
from review_db.store.database import reading, writing
from review_db.store.schema import (
    assignment,
    item_event,
    item_look,
    seat_account,
    sheet,
    sign_in_key,
    study,
    study_action,
    study_item,
)
from review_db.studies.allocation import order_of
from review_db.studies.design.settings import DesignError
from review_db.studies.lifecycle import info_on, items_on
from review_db.studies.seats import Seat, add_key, refuse_closed
from review_db.studies.trail import Standing, last_event, record, standing_of

LONGEST_REASON = 2000


def standing(engine: Engine, name: str) -> Standing:
    """Return how a study stands after all that was done with it."""
    with reading(engine) as connection:
        return standing_of(connection, name)


def add_reviewer(engine: Engine, name: str, code: str, *, actor: str, reason: str) -> str:
    """Write down the order of one more reviewer of a started study, and return their key.

    They meet the same items, in the next row of the Latin squares.

    Raises
    ------
    DesignError
        If the study has not started or is closed, the code is taken, or no reason is given.
    """
    with writing(engine, lock=f"study {name}") as connection:
        reviewers = _open_reviewers(connection, name)
        code = checked_reviewer(code)
        if code.lower() in {other.lower() for other in reviewers}:
            raise DesignError(f"The study has a reviewer {code} already. Choose another code.")
        design = info_on(connection, name).design
        order = order_of(design, items_on(connection, name), code, len(reviewers))
        connection.execute(insert(assignment), [{"study": name, **asdict(one)} for one in order])
        why = _checked_reason(reason)
        record(connection, name, "add reviewer", actor=actor, reviewer=code, reason=why)
        return add_key(connection, name, code)


def withdraw(engine: Engine, name: str, reviewer: str, *, actor: str, reason: str) -> None:
    """End a reviewer's part: their answers are kept, and count in no analysis.

    Raises
    ------
    DesignError
        If there is no such reviewer in a study that is open, or no reason is given.
    """
    with writing(engine, lock=f"study {name}") as connection:
        if reviewer not in _open_reviewers(connection, name):
            raise DesignError(f"The study has no reviewer {reviewer!r}.")
        if reviewer in standing_of(connection, name).withdrawn:
            raise DesignError(f"The reviewer {reviewer} was withdrawn before.")
        why = _checked_reason(reason)
        record(connection, name, "withdraw", actor=actor, reviewer=reviewer, reason=why)


def close_study(engine: Engine, name: str, *, actor: str) -> None:
    """End a study: nobody answers any more. The trail keeps where each reviewer's answers end.

    Raises
    ------
    DesignError
        If it has not started, or is closed already.
    """
    with writing(engine, lock=f"study {name}") as connection:
        _open_reviewers(connection, name)
        record(connection, name, "close", actor=actor, data=_ends(connection, name))


def reopen_study(engine: Engine, name: str, *, actor: str, reason: str) -> None:
    """Let a closed study's reviewers answer again; that its results were open is in the trail.

    Raises
    ------
    DesignError
        If it is not closed, or no reason is given.
    """
    with writing(engine, lock=f"study {name}") as connection:
        if standing_of(connection, name).closed_at is None:
            raise DesignError(f"The study {name!r} is not closed.")
        seen = {"planned": "no", "until": str(last_event(connection, name))}
        record(connection, name, "reopen", actor=actor, reason=_checked_reason(reason), data=seen)


def give_consent(engine: Engine, seat: Seat, profile: Mapping[str, str]) -> None:
    """Record that a reviewer agreed to the study's text, and what they say of themselves."""
    with writing(engine, lock=f"study {seat.study}") as connection:
        refuse_closed(connection, seat)
        text = info_on(connection, seat.study).design.consent
        data = {**profile, "consent_sha256": hashlib.sha256(text.encode()).hexdigest()}
        record(
            connection,
            seat.study,
            "consent",
            actor=seat.reviewer,
            reviewer=seat.reviewer,
            data=data,
        )


def remove_test(engine: Engine, name: str) -> None:
    """Remove a test run with all its answers.

    Raises
    ------
    DesignError
        If there is no study of this name, or it was not made as a test.
    """
    with writing(engine, lock=f"study {name}") as connection:
        if not info_on(connection, name).design.test:
            raise DesignError(
                f"The study {name!r} was not made as a test: its answers are kept. Close it."
            )
        keys = select(sign_in_key.c.id).where(sign_in_key.c.study == name)
        connection.execute(delete(seat_account).where(seat_account.c.sign_in_key.in_(keys)))
        for table in (sheet, item_look, item_event, study_action, sign_in_key, assignment):
            _remove(connection, table, name)
        _remove(connection, study_item, name)
        connection.execute(delete(study).where(study.c.name == name))


def _remove(connection: Connection, table: Table, name: str) -> None:
    connection.execute(delete(table).where(table.c.study == name))


def _open_reviewers(connection: Connection, name: str) -> tuple[str, ...]:
    info = info_on(connection, name)
    if info.started_at is None:
        raise DesignError(f"The study {name!r} has not started. Change its design instead.")
    if info.standing.closed_at is not None:
        raise DesignError(f"The study {name!r} is closed. Reopen it first, with a reason.")
    return info.reviewers


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise DesignError("Say why: the reason stays in the study's trail.")
    if len(reason) > LONGEST_REASON:
        raise DesignError(f"The reason has {len(reason):,} characters, at most {LONGEST_REASON:,}.")
    return reason.strip()


def _ends(connection: Connection, name: str) -> dict[str, str]:
    """Return the digest that each reviewer's chain of answers ends in."""
    query = select(item_event.c.reviewer, item_event.c.chain).where(item_event.c.study == name)
    rows = connection.execute(query.order_by(item_event.c.id))
    return {row.reviewer: row.chain for row in rows}
