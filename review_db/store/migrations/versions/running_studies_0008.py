"""Studies that are run: sessions and arms, reviewers who come late, test runs, chained events."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from review_db.store.chain import linked
from review_db.store.schema import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEST = "EXISTS (SELECT 1 FROM study WHERE name = OLD.study AND test)"
_TEST_KEY = (
    "EXISTS (SELECT 1 FROM sign_in_key AS k JOIN study AS s ON s.name = k.study "
    "WHERE k.id = OLD.sign_in_key AND s.test)"
)
# What is only ever added to: its key, and when a row of it may go, with a test run.
_APPEND_ONLY = {
    "sign_in_key": ("id = NEW.id", _TEST),
    "item_event": ("id = NEW.id", _TEST),
    "study_action": ("id = NEW.id", _TEST),
    "seat_account": ("sign_in_key = NEW.sign_in_key", _TEST_KEY),
    "item_look": (
        "study = NEW.study AND reviewer = NEW.reviewer AND position = NEW.position "
        "AND stage = NEW.stage",
        _TEST,
    ),
}
_SQLITE_APPEND_ONLY = (
    "DROP TRIGGER IF EXISTS {table}_no_update",
    "DROP TRIGGER IF EXISTS {table}_no_delete",
    "DROP TRIGGER IF EXISTS {table}_no_replace",
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT {test} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    # REPLACE deletes without a delete trigger, so an insert over an old row is refused as well.
    "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
    "WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
)
_POSTGRESQL_APPEND_ONLY = (
    "DROP TRIGGER IF EXISTS {table}_append_only ON {table}",
    "CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
    "CREATE FUNCTION {table}_goes_with_a_test() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN IF NOT {test} THEN RAISE EXCEPTION '{table} is append-only'; END IF; "
    "RETURN OLD; END $$",
    "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION {table}_goes_with_a_test()",
)
_SQLITE_DESIGN = (
    *(
        statement.format(table=table)
        for table in ("study_item", "assignment")
        for statement in (
            "DROP TRIGGER {table}_no_delete",
            "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN EXISTS (SELECT 1 FROM "
            "study WHERE name = OLD.study AND started_at IS NOT NULL AND NOT test) "
            "BEGIN SELECT RAISE(ABORT, 'the study has begun'); END",
        )
    ),
    "DROP TRIGGER study_no_delete",
    "CREATE TRIGGER study_no_delete BEFORE DELETE ON study "
    "WHEN OLD.started_at IS NOT NULL AND NOT OLD.test "
    "BEGIN SELECT RAISE(ABORT, 'the study has begun'); END",
    # The order of a reviewer who comes late is settled once there is a key for it.
    "DROP TRIGGER assignment_no_insert",
    "CREATE TRIGGER assignment_no_insert BEFORE INSERT ON assignment WHEN EXISTS "
    "(SELECT 1 FROM sign_in_key WHERE study = NEW.study AND reviewer = NEW.reviewer) "
    "BEGIN SELECT RAISE(ABORT, 'the study has begun'); END",
)
_POSTGRESQL_DESIGN = (
    "DROP TRIGGER study_no_change ON study",
    "CREATE TRIGGER study_no_update BEFORE UPDATE ON study FOR EACH ROW "
    "WHEN (OLD.started_at IS NOT NULL) EXECUTE FUNCTION study_has_begun()",
    "CREATE TRIGGER study_no_delete BEFORE DELETE ON study FOR EACH ROW "
    "WHEN (OLD.started_at IS NOT NULL AND NOT OLD.test) EXECUTE FUNCTION study_has_begun()",
    """
    CREATE OR REPLACE FUNCTION design_is_settled() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF TG_OP = 'INSERT' AND TG_TABLE_NAME = 'assignment' THEN
            IF EXISTS (
                SELECT 1 FROM sign_in_key WHERE study = NEW.study AND reviewer = NEW.reviewer
            ) THEN RAISE EXCEPTION 'the study has begun'; END IF;
            RETURN NEW;
        END IF;
        IF TG_OP IN ('INSERT', 'UPDATE') AND EXISTS (
            SELECT 1 FROM study WHERE name = NEW.study AND started_at IS NOT NULL
        ) THEN RAISE EXCEPTION 'the study has begun'; END IF;
        IF TG_OP = 'UPDATE' AND EXISTS (
            SELECT 1 FROM study WHERE name = OLD.study AND started_at IS NOT NULL
        ) THEN RAISE EXCEPTION 'the study has begun'; END IF;
        IF TG_OP = 'DELETE' AND EXISTS (
            SELECT 1 FROM study WHERE name = OLD.study AND started_at IS NOT NULL AND NOT test
        ) THEN RAISE EXCEPTION 'the study has begun'; END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END $$
    """,
)
# Of rating_event nothing may go, test or not.
_RATING_UPDATE = (
    "CREATE TRIGGER rating_event_no_update BEFORE UPDATE ON rating_event "
    "BEGIN SELECT RAISE(ABORT, 'rating_event is append-only'); END"
)
_EVENTS = {
    "rating_event": (
        ("reviewer",),
        "at reviewer bundle fingerprint branch statement prototype question value app_version "
        "codebook_version",
    ),
    "item_event": (
        ("study", "reviewer"),
        "at study reviewer position stage revision question old_value new_value duration_ms bundle "
        "fingerprint app_version codebook_version",
    ),
}


def upgrade() -> None:
    """Add columns with what held before, `study_action`, and the chains of all events there are."""
    op.add_column(
        "study", sa.Column("test", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "assignment", sa.Column("session", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column("assignment", sa.Column("arm", sa.String(200), nullable=False, server_default=""))
    _create_actions()
    sqlite = op.get_context().dialect.name == "sqlite"
    for table, (keys, columns) in _EVENTS.items():
        op.add_column(table, sa.Column("chain", sa.String(64), nullable=False, server_default=""))
        op.create_index(f"{table}_chain", table, [*keys, "id"])
        _open(table, sqlite)
        _chain(table, keys, columns.split())
    _close(sqlite)


def _create_actions() -> None:
    op.create_table(
        "study_action",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("study", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(200), nullable=False),
        sa.Column("reviewer", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("chain", sa.String(64), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["study"], ["study.name"]),
        sa.CheckConstraint("id > 0", name="study_action_id_counts_up"),
        sqlite_autoincrement=True,
    )
    op.create_index("study_action_chain", "study_action", ["study", "id"])


def _open(table: str, sqlite: bool) -> None:
    """Let the digests be written into events, for the length of this migration."""
    op.execute(
        f"DROP TRIGGER {table}_no_update"
        if sqlite
        else f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"
    )


def _close(sqlite: bool) -> None:
    op.execute(
        _RATING_UPDATE
        if sqlite
        else "ALTER TABLE rating_event ENABLE TRIGGER rating_event_append_only"
    )
    for table, (same, test) in _APPEND_ONLY.items():
        for statement in _SQLITE_APPEND_ONLY if sqlite else _POSTGRESQL_APPEND_ONLY:
            op.execute(statement.format(table=table, same=same, test=test))
    for statement in _SQLITE_DESIGN if sqlite else _POSTGRESQL_DESIGN:
        op.execute(statement)


def _chain(table: str, keys: Sequence[str], columns: Sequence[str]) -> None:
    events = sa.table(
        table,
        sa.column("id", sa.BigInteger()),
        sa.column("chain", sa.String()),
        *(sa.column(name, UTCDateTime() if name == "at" else None) for name in columns),
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(events).order_by(events.c.id)).all()
    digests = [{"of": row.id, "digest": digest} for row, digest in linked(rows, keys)]
    if digests:
        change = sa.update(events).where(events.c.id == sa.bindparam("of"))
        connection.execute(change.values(chain=sa.bindparam("digest")), digests)
