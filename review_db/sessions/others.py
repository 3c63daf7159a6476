"""What other reviewers said of an item, where the design lets it be seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from review_db.sessions.assignments import ItemStage, assigned
from review_db.store.database import reading
from review_db.store.schema import assignment, current_answer
from review_db.studies.seats import Seat


def others_answers(engine: Engine, seat: Seat, position: int) -> dict[str, dict[str, str]]:
    """Return what other reviewers said of an item, by reviewer; nothing where that is hidden.

    Of theirs, the first look and its last stage.
    """
    with reading(engine) as connection:
        found = assigned(connection, seat, ItemStage(position))
        if found.design.blinding.reviewers:
            return {}
        now = current_answer.c
        query = (
            select(now.reviewer, now.question, now.new_value)
            .join(assignment, _same_position(now, assignment.c))
            .where(
                now.study == seat.study,
                now.reviewer != seat.reviewer,
                assignment.c.item == found.number,
                assignment.c.repeat_of.is_(None),
            )
            .order_by(now.stage)
        )
        theirs: dict[str, dict[str, str]] = {}
        for reviewer, question, value in connection.execute(query):
            theirs.setdefault(reviewer, {})[question] = value
        return theirs


def _same_position(one: Any, other: Any) -> Any:
    return (
        (one.study == other.study)
        & (one.reviewer == other.reviewer)
        & (one.position == other.position)
    )
