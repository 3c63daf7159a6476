"""Studies: items, assignments, keys, sheets, events; and the triggers that hold a started study."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("sign_in_key", "item_event")
_DESIGN = ("study_item", "assignment")

# An empty line parts statements. REPLACE deletes without a delete trigger, so an insert over an
# old row is refused by its own.
_SQLITE_APPEND_ONLY = """
    CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END

    CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END

    CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""
_SQLITE_ASSIGNED = """
    CREATE TRIGGER item_event_is_assigned BEFORE INSERT ON item_event
    WHEN NOT EXISTS (
        SELECT 1 FROM assignment AS a JOIN study AS s ON s.name = a.study
        WHERE s.started_at IS NOT NULL AND a.study = NEW.study AND a.reviewer = NEW.reviewer
          AND a.position = NEW.position
    )
    BEGIN SELECT RAISE(ABORT, 'the item is not assigned to this reviewer'); END
"""
_SQLITE_STUDY = """
    CREATE TRIGGER study_no_update BEFORE UPDATE ON study WHEN OLD.started_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the study has begun'); END

    CREATE TRIGGER study_no_delete BEFORE DELETE ON study WHEN OLD.started_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the study has begun'); END

    CREATE TRIGGER study_no_replace BEFORE INSERT ON study
    WHEN EXISTS (SELECT 1 FROM study WHERE name = NEW.name AND started_at IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'the study has begun'); END
"""
_SQLITE_DESIGN = """
    CREATE TRIGGER {table}_no_insert BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM study WHERE name = NEW.study AND started_at IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'the study has begun'); END

    CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
    WHEN EXISTS (
        SELECT 1 FROM study WHERE name IN (OLD.study, NEW.study) AND started_at IS NOT NULL
    )
    BEGIN SELECT RAISE(ABORT, 'the study has begun'); END

    CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
    WHEN EXISTS (SELECT 1 FROM study WHERE name = OLD.study AND started_at IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'the study has begun'); END
"""
_POSTGRESQL_APPEND_ONLY = """
    CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$

    CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()
"""
_POSTGRESQL_ASSIGNED = """
    CREATE FUNCTION item_event_is_assigned() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NOT EXISTS (
            SELECT 1 FROM assignment AS a JOIN study AS s ON s.name = a.study
            WHERE s.started_at IS NOT NULL AND a.study = NEW.study AND a.reviewer = NEW.reviewer
              AND a.position = NEW.position
        ) THEN RAISE EXCEPTION 'the item is not assigned to this reviewer'; END IF;
        RETURN NEW;
    END $$

    CREATE TRIGGER item_event_is_assigned BEFORE INSERT ON item_event
    FOR EACH ROW EXECUTE FUNCTION item_event_is_assigned()
"""
_POSTGRESQL_STUDY = """
    CREATE FUNCTION study_has_begun() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the study has begun'; END $$

    CREATE TRIGGER study_no_change BEFORE UPDATE OR DELETE ON study
    FOR EACH ROW WHEN (OLD.started_at IS NOT NULL) EXECUTE FUNCTION study_has_begun()

    CREATE TRIGGER study_no_truncate BEFORE TRUNCATE ON study
    FOR EACH STATEMENT EXECUTE FUNCTION study_has_begun()

    CREATE FUNCTION design_is_settled() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF TG_OP IN ('INSERT', 'UPDATE') AND EXISTS (
            SELECT 1 FROM study WHERE name = NEW.study AND started_at IS NOT NULL
        ) THEN RAISE EXCEPTION 'the study has begun'; END IF;
        IF TG_OP IN ('UPDATE', 'DELETE') AND EXISTS (
            SELECT 1 FROM study WHERE name = OLD.study AND started_at IS NOT NULL
        ) THEN RAISE EXCEPTION 'the study has begun'; END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END $$
"""
_POSTGRESQL_DESIGN = """
    CREATE TRIGGER {table}_no_change BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION design_is_settled()

    CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION study_has_begun()
"""
_VIEW = """
    CREATE VIEW current_answer AS
    SELECT id, at, study, reviewer, position, stage, revision, question, old_value, new_value,
           duration_ms, bundle, fingerprint, app_version, codebook_version
    FROM item_event AS event
    WHERE new_value <> '' AND NOT EXISTS (
        SELECT 1 FROM item_event AS later
        WHERE later.study = event.study
          AND later.reviewer = event.reviewer
          AND later.position = event.position
          AND later.stage = event.stage
          AND later.question = event.question
          AND later.id > event.id
    )
"""
_ASSIGNED = (
    ["study", "reviewer", "position"],
    ["assignment.study", "assignment.reviewer", "assignment.position"],
)


def upgrade() -> None:
    """Create the tables of studies, their triggers and their view; ratings stay as they are."""
    _create_study()
    _create_answers()
    if op.get_context().dialect.name == "sqlite":
        append_only, design = _SQLITE_APPEND_ONLY, _SQLITE_DESIGN
        others = (_SQLITE_STUDY, _SQLITE_ASSIGNED)
    else:
        append_only, design = _POSTGRESQL_APPEND_ONLY, _POSTGRESQL_DESIGN
        others = (_POSTGRESQL_STUDY, _POSTGRESQL_ASSIGNED)
    for script in (
        *others,
        *(append_only.format(table=table) for table in _APPEND_ONLY),
        *(design.format(table=table) for table in _DESIGN),
        _VIEW,
    ):
        for statement in script.split("\n\n"):
            op.execute(statement)


def _create_study() -> None:
    op.create_table(
        "study",
        sa.Column("name", sa.String(64), primary_key=True),
        *_names("bundle", "fingerprint"),
        sa.Column("design", sa.Text(), nullable=False),
        *_names("app_version", "codebook_version"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("name <> ''", name="study_has_a_name"),
    )
    op.create_table(
        "study_item",
        _study(primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        *_names("kind", "role", "branch", "statement", "prototype", "case_name"),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["study.name"]),
    )
    op.create_table(
        "assignment",
        *_place(primary_key=True),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("repeat_of", sa.Integer()),
        sa.Column("swapped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["study", "item"], ["study_item.study", "study_item.number"]),
        sa.CheckConstraint("position > 0", name="assignment_counts_from_one"),
    )
    op.create_table(
        "sign_in_key",
        _counter(),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _study(nullable=False),
        sa.Column("reviewer", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["study.name"]),
        sqlite_autoincrement=True,
    )
    op.create_index("sign_in_key_digest", "sign_in_key", ["digest"])


def _create_answers() -> None:
    op.create_table(
        "sheet",
        *_place(primary_key=True),
        sa.Column("stage", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("spent_ms", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(*_ASSIGNED),
    )
    op.create_table(
        "item_event",
        _counter(),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *_place(nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_names("question"),
        sa.Column("old_value", sa.Text(), nullable=False),
        sa.Column("new_value", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        *_names("bundle", "fingerprint", "app_version", "codebook_version"),
        sa.ForeignKeyConstraint(*_ASSIGNED),
        sa.CheckConstraint("id > 0", name="item_event_id_counts_up"),
        sa.CheckConstraint("old_value <> new_value", name="item_event_changes_something"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "item_event_answer",
        "item_event",
        ["study", "reviewer", "position", "stage", "question", "id"],
    )


def _counter() -> sa.Column:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", number, primary_key=True, autoincrement=True)


def _names(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.String(200), nullable=False) for name in names]


def _study(**options: Any) -> sa.Column:
    return sa.Column("study", sa.String(64), **options)


def _place(**options: Any) -> list[sa.Column]:
    position = {"autoincrement": False, **options} if "primary_key" in options else options
    return [
        _study(**options),
        sa.Column("reviewer", sa.String(32), **options),
        sa.Column("position", sa.Integer(), **position),
    ]
