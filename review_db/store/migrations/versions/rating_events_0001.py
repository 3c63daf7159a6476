"""Append-only rating events, the triggers that keep them so, and the view of what stands."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# REPLACE deletes without a delete trigger, so an insert over an old event is refused by its own.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER rating_event_no_update BEFORE UPDATE ON rating_event
    BEGIN SELECT RAISE(ABORT, 'rating_event is append-only'); END
    """,
    """
    CREATE TRIGGER rating_event_no_delete BEFORE DELETE ON rating_event
    BEGIN SELECT RAISE(ABORT, 'rating_event is append-only'); END
    """,
    """
    CREATE TRIGGER rating_event_no_replace BEFORE INSERT ON rating_event
    WHEN EXISTS (SELECT 1 FROM rating_event WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'rating_event is append-only'); END
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION rating_event_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'rating_event is append-only'; END $$
    """,
    """
    CREATE TRIGGER rating_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rating_event
    FOR EACH STATEMENT EXECUTE FUNCTION rating_event_append_only()
    """,
)
_VIEW = """
    CREATE VIEW current_rating AS
    SELECT id, at, reviewer, bundle, fingerprint, branch, statement, prototype, question, value,
           app_version, codebook_version
    FROM rating_event AS event
    WHERE value <> '' AND NOT EXISTS (
        SELECT 1 FROM rating_event AS later
        WHERE later.bundle = event.bundle
          AND later.fingerprint = event.fingerprint
          AND later.reviewer = event.reviewer
          AND later.prototype = event.prototype
          AND later.question = event.question
          AND later.id > event.id
    )
"""


def upgrade() -> None:
    """Create `rating_event`, its triggers and `current_rating`."""
    op.create_table(
        "rating_event",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewer", sa.String(32), nullable=False),
        *(
            sa.Column(name, sa.String(200), nullable=False)
            for name in ("bundle", "fingerprint", "branch", "statement", "prototype", "question")
        ),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("app_version", sa.String(200), nullable=False),
        sa.Column("codebook_version", sa.String(200), nullable=False),
        sa.CheckConstraint("id > 0", name="rating_event_id_counts_up"),
        sa.CheckConstraint("reviewer <> ''", name="rating_event_has_a_reviewer"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "rating_event_answer",
        "rating_event",
        ["bundle", "fingerprint", "reviewer", "prototype", "question", "id"],
    )
    dialect = op.get_context().dialect.name
    for statement in _SQLITE_TRIGGERS if dialect == "sqlite" else _POSTGRESQL_TRIGGERS:
        op.execute(statement)
    op.execute(_VIEW)
