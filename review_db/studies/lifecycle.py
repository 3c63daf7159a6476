"""Studies: made, started, and from then on as they are.

create_study(engine, design, material)
keys = start_study(engine, "pilot")      # hand each reviewer the key that is theirs
seat = sign_in(engine, keys["R01"])
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from protoecg import __version__
from review_db.keys import draw_key, spelled
from review_db.questions.catalogue import CODEBOOK_VERSION
from review_db.questions.checks import checked_reviewer
from review_db.store.database import reading, writing
from review_db.store.failures import RatingsError
from review_db.store.schema import assignment, seat_account, sign_in_key, study, study_item
from review_db.studies.allocation import allocate
from review_db.studies.design import Design, DesignError, design_from, design_to_json
from review_db.studies.items import StudyItem, item_from
from review_db.studies.material import Material
from review_db.studies.selection import make_items


class NotAdmitted(RatingsError):
    """Whoever asks has no part in this; the message doesn't say what there is."""


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


@dataclass(frozen=True)
class StudyInfo:
    """A study as it is stored; `started_at` is None as long as it can still be changed."""

    design: Design
    bundle: str
    fingerprint: str
    app_version: str
    codebook_version: str
    created_at: datetime
    started_at: datetime | None
    items: int


def create_study(engine: Engine, design: Design, material: Material) -> StudyInfo:
    """Store a study with its items; one of the same name that hasn't started is replaced.

    Raises
    ------
    DesignError
        If there is not enough to draw from, or a study of this name has started.
    RatingsError
        If the database cannot take it; then nothing of it is saved.
    """
    items = make_items(design, material)
    if not items:
        raise DesignError("The study has no items. Widen its sample, or hand in some cases.")
    rows = [{"study": design.name, "number": n, **item.stored()} for n, item in enumerate(items, 1)]
    values = {
        "name": design.name,
        "bundle": material.bundle,
        "fingerprint": material.fingerprint,
        "design": design_to_json(design),
        "app_version": __version__,
        "codebook_version": CODEBOOK_VERSION,
        "created_at": datetime.now(UTC),
    }
    with writing(engine, lock=f"study {design.name}") as connection:
        _refuse_started(connection, design.name)
        connection.execute(delete(study_item).where(study_item.c.study == design.name))
        connection.execute(delete(study).where(study.c.name == design.name))
        connection.execute(insert(study), [values])
        connection.execute(insert(study_item), rows)
    return study_info(engine, design.name)


def start_study(engine: Engine, name: str) -> dict[str, str]:
    """Write the assignment list, and return the key of each reviewer; nothing changes any more.

    The keys are not stored and cannot be had again, only replaced (`new_key`).

    Raises
    ------
    DesignError
        If there is no such study, or it has started before.
    """
    with writing(engine, lock=f"study {name}") as connection:
        _refuse_started(connection, name)
        design = _info(connection, name).design
        order = allocate(design, _items(connection, name))
        connection.execute(insert(assignment), [{"study": name, **asdict(one)} for one in order])
        keys = {reviewer: _add_key(connection, name, reviewer) for reviewer in design.reviewers}
        now = datetime.now(UTC)
        connection.execute(update(study).where(study.c.name == name).values(started_at=now))
    return keys


def studies(engine: Engine) -> list[StudyInfo]:
    """List all studies, the newest first."""
    with reading(engine) as connection:
        names = connection.scalars(select(study.c.name).order_by(study.c.created_at.desc())).all()
        return [_info(connection, name) for name in names]


def study_info(engine: Engine, name: str) -> StudyInfo:
    """Return a study as it is stored.

    Raises
    ------
    DesignError
        If there is none of this name.
    """
    with reading(engine) as connection:
        return _info(connection, name)


def remove_study(engine: Engine, name: str) -> None:
    """Remove a study that hasn't started.

    Raises
    ------
    DesignError
        If there is none of this name, or it has started.
    """
    with writing(engine, lock=f"study {name}") as connection:
        _refuse_started(connection, name)
        _info(connection, name)
        connection.execute(delete(study_item).where(study_item.c.study == name))
        connection.execute(delete(study).where(study.c.name == name))


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
        If its key was replaced, or has been tied to another account.
    """
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
    place = select(assignment.c.position).where(
        assignment.c.study == name, assignment.c.reviewer == reviewer
    )
    with reading(engine) as connection:
        if connection.execute(place.limit(1)).first() is None:
            raise NotAdmitted("You are no reviewer of this study, or it has not started.")
        whose = _standing_keys().where(*_of(sign_in_key, Seat(name, reviewer)))
        return _seats(connection, whose)[0]


def new_key(engine: Engine, name: str, reviewer: str) -> str:
    """Give a reviewer of a started study another key.

    The old one no longer opens the seat, nor does the account that it was tied to.
    """
    seat = seat_of(engine, name, checked_reviewer(reviewer))
    with writing(engine, lock=seat_lock(seat)) as connection:
        return _add_key(connection, seat.study, seat.reviewer)


def seat_lock(seat: Seat) -> str:
    """Name the lock under which a seat's answers are written, and its key is replaced."""
    return f"{seat.study} {seat.reviewer}"


@lru_cache(maxsize=64)
def read_design(text: str) -> Design:
    """Return the design that a study's `design` holds."""
    return design_from(json.loads(text))


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


def _info(connection: Connection, name: str) -> StudyInfo:
    row = connection.execute(select(study).where(study.c.name == name)).first()
    if row is None:
        raise DesignError(f"There is no study named {name!r}. Make it first.")
    counted = select(func.count()).where(study_item.c.study == name)
    return StudyInfo(
        design=read_design(row.design),
        bundle=row.bundle,
        fingerprint=row.fingerprint,
        app_version=row.app_version,
        codebook_version=row.codebook_version,
        created_at=row.created_at,
        started_at=row.started_at,
        items=connection.scalar(counted) or 0,
    )


def _refuse_started(connection: Connection, name: str) -> None:
    started = select(study.c.started_at).where(study.c.name == name)
    if connection.scalar(started) is not None:
        raise DesignError(
            f"The study {name!r} has started and cannot be changed any more. Make one of another "
            "name."
        )


def _items(connection: Connection, name: str) -> list[StudyItem]:
    query = select(study_item).where(study_item.c.study == name).order_by(study_item.c.number)
    return [item_from(row) for row in connection.execute(query)]


def _add_key(connection: Connection, name: str, reviewer: str) -> str:
    key = draw_key()
    row = {"at": datetime.now(UTC), "study": name, "reviewer": reviewer, "digest": _digest(key)}
    connection.execute(insert(sign_in_key), [row])
    return key


def _digest(key: str) -> str:
    # A key is drawn at random, so that its digest needs no salt: there is nothing to guess from.
    return hashlib.sha256(spelled(key).encode()).hexdigest()
