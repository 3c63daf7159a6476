"""What a rating is in the database: events that are only ever added, and the answers that stand.

`rating_event` is append-only; triggers of the database itself (see `migrations/`) refuse UPDATE
and DELETE. An answer is changed by a later event and taken back by an event with an empty value.
`current_rating` is a view: the latest event of each reviewer, prototype and question, without
those that were taken back.

A bundle's fingerprint is part of every key: prototypes of a retrained bundle may carry the names
of the old ones, but they are other ECGs, and no rating may pass from one to the other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAME_LENGTH = 200
REVIEWER_LENGTH = 32


class UTCDateTime(TypeDecorator[datetime]):
    """A time with its zone, which SQLite would drop: stored in UTC, returned in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a time without a zone, and store any other in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"The time {value} has no zone. Give an aware time, such as UTC.")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The tables of this room."""


class RatingEvent(Base):
    """One answer, changed answer or (empty `value`) answer taken back."""

    __tablename__ = "rating_event"

    # SQLite counts up by itself in an INTEGER only.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH))
    bundle: Mapped[str] = mapped_column(String(NAME_LENGTH))
    fingerprint: Mapped[str] = mapped_column(String(NAME_LENGTH))
    branch: Mapped[str] = mapped_column(String(NAME_LENGTH))
    statement: Mapped[str] = mapped_column(String(NAME_LENGTH))
    prototype: Mapped[str] = mapped_column(String(NAME_LENGTH))
    question: Mapped[str] = mapped_column(String(NAME_LENGTH))
    value: Mapped[str] = mapped_column(Text)
    app_version: Mapped[str] = mapped_column(String(NAME_LENGTH))
    codebook_version: Mapped[str] = mapped_column(String(NAME_LENGTH))

    __table_args__ = (
        CheckConstraint("id > 0", name="rating_event_id_counts_up"),
        CheckConstraint("reviewer <> ''", name="rating_event_has_a_reviewer"),
        Index(
            "rating_event_answer",
            "bundle",
            "fingerprint",
            "reviewer",
            "prototype",
            "question",
            "id",
        ),
        {"sqlite_autoincrement": True},
    )


rating_event = RatingEvent.__table__

# Outside of Base's metadata: a view is made by the migrations and is no table to create.
current_rating = Table(
    "current_rating",
    MetaData(),
    *(Column(column.name, column.type) for column in rating_event.columns),
)
