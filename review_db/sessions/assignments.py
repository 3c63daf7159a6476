"""What a reviewer is assigned, and what of it is answered: each query is of one seat alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from review_db.sessions.stages import stages
from review_db.store.schema import assignment, current_answer, study, study_item
from review_db.studies.design import Design
from review_db.studies.items import StudyItem, item_from
from review_db.studies.lifecycle import read_design
from review_db.studies.seats import NotAdmitted, Seat

# What a column of integers holds.
LARGEST = 2**31 - 1


class ItemStage(NamedTuple):
    """A stage of an item: the item's position in the reviewer's order, and 1 or 2."""

    position: int
    stage: int = 1


@dataclass(frozen=True)
class Assigned:
    """An item as it is assigned to a reviewer, with the study that it is of.

    `number` is the item's within the study; `swapped` has the sides of a pair change; `session` and
    `arm` are those of a crossover.
    """

    item: StudyItem
    number: int
    swapped: bool
    session: int
    arm: str
    bundle: str
    fingerprint: str
    design: Design


def assigned(connection: Connection, seat: Seat, at: ItemStage) -> Assigned:
    """Return what a reviewer meets at a position.

    Raises
    ------
    NotAdmitted
        If there is no such position or stage for the reviewer.
    """
    columns = (
        assignment.c.item,
        assignment.c.swapped,
        assignment.c.session,
        assignment.c.arm,
        *(column for column in study_item.c if column.name not in ("study", "number")),
        *(study.c[name] for name in ("bundle", "fingerprint", "design")),
    )
    query = _assignments(seat, *columns).where(assignment.c.position == at.position)
    # Others can't be written into a query: an address may name any number.
    row = connection.execute(query).first() if 0 < at.position <= LARGEST else None
    design = read_design(row.design) if row else None
    if row is None or design is None or not 1 <= at.stage <= stages(row.kind, design):
        raise NotAdmitted(
            f"There is no item {at.position}, stage {at.stage}, for you in this study. Go back to "
            "your first open item."
        )
    return Assigned(
        item=item_from(row),
        number=row.item,
        swapped=row.swapped,
        session=row.session,
        arm=row.arm,
        bundle=row.bundle,
        fingerprint=row.fingerprint,
        design=design,
    )


def all_assigned(connection: Connection, seat: Seat) -> Sequence[Row]:
    """Return all that is assigned in its order.

    Columns: `position`, `session`, `kind`, `role`, `statement` and `design`.
    """
    columns = (
        assignment.c.session,
        *(study_item.c[name] for name in ("kind", "role", "statement")),
        study.c.design,
    )
    query = _assignments(seat, *columns).order_by(assignment.c.position)
    return connection.execute(query).all()


def standing(connection: Connection, seat: Seat, position: int) -> dict[int, dict[str, str]]:
    """Return the answers that stand at a position, by stage and question."""
    now = current_answer.c
    query = select(now.stage, now.question, now.new_value).where(
        *own(current_answer, seat), now.position == position
    )
    found: dict[int, dict[str, str]] = {}
    for stage, question, value in connection.execute(query):
        found.setdefault(stage, {})[question] = value
    return found


def own(table: Table, seat: Seat) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions for rows of a table to be a seat's own."""
    return table.c.study == seat.study, table.c.reviewer == seat.reviewer


def at_stage(table: Table, seat: Seat, at: ItemStage) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for rows of a table to be of one stage of a seat's item."""
    return (*own(table, seat), table.c.position == at.position, table.c.stage == at.stage)


def _assignments(seat: Seat, *columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(assignment.c.position, *columns)
        .join(
            study_item,
            (study_item.c.study == assignment.c.study) & (study_item.c.number == assignment.c.item),
        )
        .join(study, study.c.name == assignment.c.study)
        .where(*own(assignment, seat))
    )
