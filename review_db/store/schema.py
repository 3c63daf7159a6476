"""What a rating is in the database: events that are only ever added, and the answers that stand.

`rating_event` and `item_event` are append-only; triggers of the database itself (see
`migrations/`) refuse UPDATE and DELETE. An answer is changed by a later event and taken back by an
event with an empty value. `current_rating` and `current_answer` are views: the latest event of
each reviewer, item and question, without those that were taken back.

`rating_event` holds ratings outside of any study, and `reviewer_secret`, append-only too, what
opens a reviewer's code there (`ratings.reviewers`). A study is a row of `study` with its
`study_item`s; its `assignment`s, written when it starts, say which item each reviewer meets at
which position, and `item_event` holds the answers. From the start on, triggers refuse every change
to study, items and assignments. `seat_account`, append-only too, ties a reviewer's key to the
account that it was first given from: a digest, never who that is. `sheet` is what a reviewer has
filled in and not yet saved, with the revision by which two browsers of one reviewer notice each
other. `item_look`, append-only, says when a stage of an item was first opened, and `study_action`,
append-only too, what coordinators and reviewers did besides answering. Rows of a study that was
made as a test (`study.test`) may be deleted with it. Events and actions are chained (`chain`).

A bundle's fingerprint is part of every key: prototypes of a retrained bundle may carry the names
of the old ones, but they are other ECGs, and no rating may pass from one to the other.
`prototype_window`, append-only, says which window of which ECG each prototype is: ratings of the
same window under the same statement are ratings of the same prototype, in whatever bundle
(`ratings.windows`). `rating_import`, append-only, lists the files of ratings given elsewhere.

Longer than 300 lines, as all tables and views stand beside each other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from review_db.store.failures import UnreadableValue

NAME_LENGTH = 200
REVIEWER_LENGTH = 32
STUDY_LENGTH = 64

# SQLite counts up by itself in an INTEGER only.
_COUNTER = BigInteger().with_variant(Integer, "sqlite")


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

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Read a time; text that is none is a sign of a damaged file."""
        read = super().result_processor(dialect, coltype)

        def checked(value: Any) -> datetime | None:
            try:
                return read(value) if read else value
            except ValueError as error:
                raise UnreadableValue(f"{value!r} is no time.") from error

        return checked

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

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
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
    chain: Mapped[str] = mapped_column(String(64), server_default="")

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
        Index("rating_event_chain", "reviewer", "id"),
        {"sqlite_autoincrement": True},
    )


class PrototypeWindow(Base):
    """What a prototype of a version of a bundle is: `identity` is that of its window's content."""

    __tablename__ = "prototype_window"

    fingerprint: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    prototype: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    identity: Mapped[str] = mapped_column(String(NAME_LENGTH))
    branch: Mapped[str] = mapped_column(String(NAME_LENGTH))
    statement: Mapped[str] = mapped_column(String(NAME_LENGTH))
    record: Mapped[str] = mapped_column(String(NAME_LENGTH))
    sha256: Mapped[str] = mapped_column(String(NAME_LENGTH))
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)

    __table_args__ = (Index("prototype_window_identity", "identity"),)


class RatingImport(Base):
    """A file of ratings that were given elsewhere, and how many answers it brought."""

    __tablename__ = "rating_import"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    site: Mapped[str] = mapped_column(String(REVIEWER_LENGTH))
    file: Mapped[str] = mapped_column(String(NAME_LENGTH))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    answers: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"sqlite_autoincrement": True},)


class ReviewerSecret(Base):
    """The digest of the secret of a reviewer's code outside studies; the latest one opens it."""

    __tablename__ = "reviewer_secret"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH))
    salt: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("reviewer_secret_reviewer", "reviewer"),
        {"sqlite_autoincrement": True},
    )


class Study(Base):
    """A reader study: the bundle that is judged, and the design that it is judged by."""

    __tablename__ = "study"

    name: Mapped[str] = mapped_column(String(STUDY_LENGTH), primary_key=True)
    bundle: Mapped[str] = mapped_column(String(NAME_LENGTH))
    fingerprint: Mapped[str] = mapped_column(String(NAME_LENGTH))
    design: Mapped[str] = mapped_column(Text)
    app_version: Mapped[str] = mapped_column(String(NAME_LENGTH))
    codebook_version: Mapped[str] = mapped_column(String(NAME_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    test: Mapped[bool] = mapped_column(Boolean, server_default=false())

    __table_args__ = (CheckConstraint("name <> ''", name="study_has_a_name"),)


class StudyItem(Base):
    """One thing that a study asks about; `data` is JSON: where its ECGs are, what may be shown."""

    __tablename__ = "study_item"

    study: Mapped[str] = mapped_column(String(STUDY_LENGTH), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(NAME_LENGTH))
    role: Mapped[str] = mapped_column(String(NAME_LENGTH))
    branch: Mapped[str] = mapped_column(String(NAME_LENGTH))
    statement: Mapped[str] = mapped_column(String(NAME_LENGTH))
    prototype: Mapped[str] = mapped_column(String(NAME_LENGTH))
    case_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    data: Mapped[str] = mapped_column(Text)

    __table_args__ = (ForeignKeyConstraint(["study"], ["study.name"]),)


class Assignment(Base):
    """Which item a reviewer meets at which position, and which position it repeats, if any.

    `session` counts the visits that a crossover is spread over; `arm` is what is shown of a case.
    """

    __tablename__ = "assignment"

    study: Mapped[str] = mapped_column(String(STUDY_LENGTH), primary_key=True)
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    item: Mapped[int] = mapped_column(Integer)
    repeat_of: Mapped[int | None] = mapped_column(Integer)
    swapped: Mapped[bool] = mapped_column(Boolean)
    session: Mapped[int] = mapped_column(Integer, server_default="1")
    arm: Mapped[str] = mapped_column(String(NAME_LENGTH), server_default="")

    __table_args__ = (
        ForeignKeyConstraint(["study", "item"], ["study_item.study", "study_item.number"]),
        CheckConstraint("position > 0", name="assignment_counts_from_one"),
    )


class SignInKey(Base):
    """The digest of a reviewer's key to a study; the latest one opens it."""

    __tablename__ = "sign_in_key"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    study: Mapped[str] = mapped_column(String(STUDY_LENGTH))
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH))
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        ForeignKeyConstraint(["study"], ["study.name"]),
        Index("sign_in_key_digest", "digest"),
        {"sqlite_autoincrement": True},
    )


class SeatAccount(Base):
    """The account that a key was given from (`accounts`); it alone opens the key's seat."""

    __tablename__ = "seat_account"

    sign_in_key: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (ForeignKeyConstraint(["sign_in_key"], ["sign_in_key.id"]),)


class Sheet(Base):
    """The answers to one stage of an assigned item that are filled in and not yet saved."""

    __tablename__ = "sheet"

    study: Mapped[str] = mapped_column(String(STUDY_LENGTH), primary_key=True)
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    stage: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(Integer)
    draft: Mapped[str] = mapped_column(Text)
    spent_ms: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (
        ForeignKeyConstraint(
            ["study", "reviewer", "position"],
            ["assignment.study", "assignment.reviewer", "assignment.position"],
        ),
    )


class ItemLook(Base):
    """When a reviewer first opened a stage of an item."""

    __tablename__ = "item_look"

    study: Mapped[str] = mapped_column(String(STUDY_LENGTH), primary_key=True)
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    stage: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (
        ForeignKeyConstraint(
            ["study", "reviewer", "position"],
            ["assignment.study", "assignment.reviewer", "assignment.position"],
        ),
    )


class ItemEvent(Base):
    """One answer in a study: given, changed or (empty `new_value`) taken back."""

    __tablename__ = "item_event"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    study: Mapped[str] = mapped_column(String(STUDY_LENGTH))
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH))
    position: Mapped[int] = mapped_column(Integer)
    stage: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    question: Mapped[str] = mapped_column(String(NAME_LENGTH))
    old_value: Mapped[str] = mapped_column(Text)
    new_value: Mapped[str] = mapped_column(Text)
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    bundle: Mapped[str] = mapped_column(String(NAME_LENGTH))
    fingerprint: Mapped[str] = mapped_column(String(NAME_LENGTH))
    app_version: Mapped[str] = mapped_column(String(NAME_LENGTH))
    codebook_version: Mapped[str] = mapped_column(String(NAME_LENGTH))
    chain: Mapped[str] = mapped_column(String(64), server_default="")

    __table_args__ = (
        ForeignKeyConstraint(
            ["study", "reviewer", "position"],
            ["assignment.study", "assignment.reviewer", "assignment.position"],
        ),
        CheckConstraint("id > 0", name="item_event_id_counts_up"),
        CheckConstraint("old_value <> new_value", name="item_event_changes_something"),
        Index("item_event_answer", "study", "reviewer", "position", "stage", "question", "id"),
        Index("item_event_chain", "study", "reviewer", "id"),
        {"sqlite_autoincrement": True},
    )


class StudyAction(Base):
    """What was done with a study or with a reviewer of it; `data` is JSON (`studies.trail`)."""

    __tablename__ = "study_action"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    study: Mapped[str] = mapped_column(String(STUDY_LENGTH))
    actor: Mapped[str] = mapped_column(String(NAME_LENGTH))
    action: Mapped[str] = mapped_column(String(NAME_LENGTH))
    reviewer: Mapped[str] = mapped_column(String(REVIEWER_LENGTH))
    reason: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    chain: Mapped[str] = mapped_column(String(64), server_default="")

    __table_args__ = (
        ForeignKeyConstraint(["study"], ["study.name"]),
        CheckConstraint("id > 0", name="study_action_id_counts_up"),
        Index("study_action_chain", "study", "id"),
        {"sqlite_autoincrement": True},
    )


def _view(name: str, of: Table) -> Table:
    # Outside of Base's metadata: a view is made by the migrations and is no table to create.
    columns = (Column(c.name, c.type) for c in of.columns if c.name != "chain")
    return Table(name, MetaData(), *columns)


rating_event = Base.metadata.tables["rating_event"]
prototype_window = Base.metadata.tables["prototype_window"]
rating_import = Base.metadata.tables["rating_import"]
reviewer_secret = Base.metadata.tables["reviewer_secret"]
study = Base.metadata.tables["study"]
study_item = Base.metadata.tables["study_item"]
assignment = Base.metadata.tables["assignment"]
sign_in_key = Base.metadata.tables["sign_in_key"]
seat_account = Base.metadata.tables["seat_account"]
sheet = Base.metadata.tables["sheet"]
item_look = Base.metadata.tables["item_look"]
item_event = Base.metadata.tables["item_event"]
study_action = Base.metadata.tables["study_action"]

current_rating = _view("current_rating", rating_event)
current_answer = _view("current_answer", item_event)
