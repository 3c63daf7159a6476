"""Studies: made, started, and from then on as they are.

create_study(engine, design, material)
keys = start_study(engine, "pilot")      # hand each reviewer the key that is theirs
seat = sign_in(engine, keys["R01"])
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import (
    Connection,
    Engine,
    delete,
    func,
    insert,
    select,
    update,
)

from protoecg import __version__
from review_db.questions.catalogue import CODEBOOK_VERSION
from review_db.store.database import reading, writing
from review_db.store.schema import assignment, study, study_item
from review_db.studies.allocation import allocate
from review_db.studies.design import Design, DesignError, design_from, design_to_json
from review_db.studies.design.protocol import (
    protocol_digest,
    protocol_file,
    refuse_undecidable,
)
from review_db.studies.items import StudyItem, item_from
from review_db.studies.items.material import Material
from review_db.studies.items.selection import make_items
from review_db.studies.seats import add_key
from review_db.studies.trail import Standing, record, standing_of


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
    standing: Standing = Standing()

    @property
    def reviewers(self) -> tuple[str, ...]:
        """All reviewers: those of the design, then those that came late."""
        return (*self.design.reviewers, *self.standing.late)


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
    refuse_undecidable(design, items)
    rows = [{"study": design.name, "number": n, **item.stored()} for n, item in enumerate(items, 1)]
    values = {
        "name": design.name,
        "bundle": material.bundle,
        "fingerprint": material.fingerprint,
        "design": design_to_json(design),
        "app_version": __version__,
        "codebook_version": CODEBOOK_VERSION,
        "created_at": datetime.now(UTC),
        "test": design.test,
    }
    with writing(engine, lock=f"study {design.name}") as connection:
        _refuse_started(connection, design.name)
        connection.execute(delete(study_item).where(study_item.c.study == design.name))
        connection.execute(delete(study).where(study.c.name == design.name))
        connection.execute(insert(study), [values])
        connection.execute(insert(study_item), rows)
    return study_info(engine, design.name)


def start_study(
    engine: Engine,
    name: str,
    check: Callable[[Sequence[StudyItem]], None] | None = None,
    *,
    actor: str = "coordinator",
) -> dict[str, str]:
    """Write the assignment list, and return the key of each reviewer; nothing changes any more.

    The keys are not stored and cannot be shown again, only replaced (`new_key`).

    Parameters
    ----------
    check : refuses items that cannot be drawn (`Pictures.refuse_undrawable`), if it is given
    actor : who starts it, for the trail

    Raises
    ------
    DesignError
        If there is no such study, it has started before, or an item cannot be drawn.
    """
    if check is not None:
        with reading(engine) as connection:
            check(items_on(connection, name))
    with writing(engine, lock=f"study {name}") as connection:
        _refuse_started(connection, name)
        design = info_on(connection, name).design
        order = allocate(design, items_on(connection, name))
        connection.execute(insert(assignment), [{"study": name, **asdict(one)} for one in order])
        keys = {reviewer: add_key(connection, name, reviewer) for reviewer in design.reviewers}
        now = datetime.now(UTC)
        digest = protocol_digest(info_on(connection, name), items_on(connection, name))
        protocol = {"protocol_sha256": digest}
        record(connection, name, "start", actor=actor, data=protocol)
        connection.execute(update(study).where(study.c.name == name).values(started_at=now))
    return keys


def studies(engine: Engine) -> list[StudyInfo]:
    """List all studies, the newest first."""
    with reading(engine) as connection:
        names = connection.scalars(select(study.c.name).order_by(study.c.created_at.desc())).all()
        return [info_on(connection, name) for name in names]


def study_info(engine: Engine, name: str) -> StudyInfo:
    """Return a study as it is stored.

    Raises
    ------
    DesignError
        If there is none of this name.
    """
    with reading(engine) as connection:
        return info_on(connection, name)


def study_protocol(engine: Engine, name: str) -> tuple[str, str]:
    """Return a study's protocol as Markdown, and its SHA-256, which the trail keeps at the start.

    Raises
    ------
    DesignError
        If there is no study of this name.
    """
    with reading(engine) as connection:
        planned = info_on(connection, name), items_on(connection, name)
    return protocol_file(*planned), protocol_digest(*planned)


def remove_study(engine: Engine, name: str) -> None:
    """Remove a study that hasn't started.

    Raises
    ------
    DesignError
        If there is none of this name, or it has started.
    """
    with writing(engine, lock=f"study {name}") as connection:
        _refuse_started(connection, name)
        info_on(connection, name)
        connection.execute(delete(study_item).where(study_item.c.study == name))
        connection.execute(delete(study).where(study.c.name == name))


@lru_cache(maxsize=64)
def read_design(text: str) -> Design:
    """Return the design that a study's `design` holds."""
    return design_from(json.loads(text))


def info_on(connection: Connection, name: str) -> StudyInfo:
    """Return `study_info` as this connection sees it."""
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
        standing=standing_of(connection, name),
    )


def _refuse_started(connection: Connection, name: str) -> None:
    started = select(study.c.started_at).where(study.c.name == name)
    if connection.scalar(started) is not None:
        raise DesignError(
            f"The study {name!r} has started and cannot be changed any more. Make one of another "
            "name."
        )


def items_on(connection: Connection, name: str) -> list[StudyItem]:
    """Return the items of a study in the order of their numbers."""
    query = select(study_item).where(study_item.c.study == name).order_by(study_item.c.number)
    return [item_from(row) for row in connection.execute(query)]
