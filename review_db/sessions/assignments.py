"""What a reviewer is assigned, and what of it is answered: each query is of one seat alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from review_db.sessions.stages import stages
from review_db.store.schema import assignment, current_answer, study, study_item
from review_db.studies.design import Design
from review_db.studies.lifecycle import NotAdmitted, Seat, read_design


class Place(NamedTuple):
    """A stage of an item: its position in the reviewer's order, and 1 or 2."""

    position: int
    stage: int = 1


def assigned(connection: Connection, seat: Seat, place: Place) -> tuple[Row, Design]:
    """Return what is at a place, and the study's design.

    Raises
    ------
    NotAdmitted
        If the reviewer has no such place.
    """
    columns = (
        assignment.c.item,
        assignment.c.swapped,
        *(study_item.c[name] for name in ("kind", "role", "branch", "statement", "data")),
        *(study.c[name] for name in ("bundle", "fingerprint", "design")),
    )
    query = _assignments(seat, *columns).where(assignment.c.position == place.position)
    row = connection.execute(query).first()
    design = read_design(row.design) if row else None
    if row is None or design is None or not 1 <= place.stage <= stages(row.kind, design):
        raise NotAdmitted(
            f"There is no item {place.position}, stage {place.stage}, for you in this study. Go "
            "back to your first open item."
        )
    return row, design


def all_assigned(connection: Connection, seat: Seat) -> Sequence[Row]:
    """Return `position`, `kind`, `role`, `statement` and `design` of all that is assigned."""
    columns = (study_item.c.kind, study_item.c.role, study_item.c.statement, study.c.design)
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


def at_place(table: Table, seat: Seat, place: Place) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for rows of a table to be of one stage of a seat's item."""
    return (*own(table, seat), table.c.position == place.position, table.c.stage == place.stage)


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
