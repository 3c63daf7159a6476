"""When a reviewer last did something, and how much work that has been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from review_db.sessions.assignments import own
from review_db.store.database import reading
from review_db.store.schema import item_event, sheet
from review_db.studies.seats import Seat


@dataclass(frozen=True)
class Activity:
    """The last answer or draft of a reviewer, None before the first, and the seconds of work."""

    last_at: datetime | None
    seconds: float


def activity(engine: Engine, seat: Seat) -> Activity:
    """Return what a reviewer has done so far."""
    event, kept = item_event.c, sheet.c
    # The events of one save share its time.
    saves = (
        select(event.duration_ms)
        .where(*own(item_event, seat))
        .group_by(event.position, event.stage, event.revision, event.duration_ms)
        .subquery()
    )
    open_ones = select(func.max(kept.at), func.sum(kept.spent_ms)).where(*own(sheet, seat))
    with reading(engine) as connection:
        saved = connection.scalar(select(func.sum(saves.c.duration_ms))) or 0
        last_at, spent = connection.execute(open_ones).one()
    return Activity(last_at, float(saved + (spent or 0)) / 1000)
