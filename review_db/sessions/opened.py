"""When a reviewer first opened each stage of an item."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, insert, select

from review_db.sessions.assignments import ItemStage, at_stage
from review_db.store.database import writing
from review_db.store.schema import item_look
from review_db.studies.seats import Seat, seat_lock


def is_recorded(connection: Connection, seat: Seat, at: ItemStage) -> bool:
    """Say whether a stage was opened before."""
    mine = select(item_look).where(*at_stage(item_look, seat, at))
    return connection.execute(mine).first() is not None


def record_opened(engine: Engine, seat: Seat, at: ItemStage) -> None:
    """Record that a stage is opened now, unless it was before."""
    with writing(engine, lock=seat_lock(seat)) as connection:
        # Another tab of the reviewer may have been first.
        if not is_recorded(connection, seat, at):
            key = {"study": seat.study, "reviewer": seat.reviewer, **at._asdict()}
            connection.execute(insert(item_look), [{**key, "at": datetime.now(UTC)}])
