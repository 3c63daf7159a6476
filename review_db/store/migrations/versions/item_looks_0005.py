"""When a reviewer first opened each stage of an item, and the triggers that keep it so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# REPLACE deletes without a delete trigger, so an insert over an old row is refused by its own.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER item_look_no_update BEFORE UPDATE ON item_look
    BEGIN SELECT RAISE(ABORT, 'item_look is append-only'); END
    """,
    """
    CREATE TRIGGER item_look_no_delete BEFORE DELETE ON item_look
    BEGIN SELECT RAISE(ABORT, 'item_look is append-only'); END
    """,
    """
    CREATE TRIGGER item_look_no_replace BEFORE INSERT ON item_look
    WHEN EXISTS (
        SELECT 1 FROM item_look WHERE study = NEW.study AND reviewer = NEW.reviewer
          AND position = NEW.position AND stage = NEW.stage
    )
    BEGIN SELECT RAISE(ABORT, 'item_look is append-only'); END
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION item_look_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'item_look is append-only'; END $$
    """,
    """
    CREATE TRIGGER item_look_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON item_look
    FOR EACH STATEMENT EXECUTE FUNCTION item_look_append_only()
    """,
)


def upgrade() -> None:
    """Create `item_look` with its triggers; of what was opened before, nothing is known."""
    op.create_table(
        "item_look",
        sa.Column("study", sa.String(64), primary_key=True),
        sa.Column("reviewer", sa.String(32), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("stage", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study", "reviewer", "position"],
            ["assignment.study", "assignment.reviewer", "assignment.position"],
        ),
    )
    dialect = op.get_context().dialect.name
    for statement in _SQLITE_TRIGGERS if dialect == "sqlite" else _POSTGRESQL_TRIGGERS:
        op.execute(statement)
