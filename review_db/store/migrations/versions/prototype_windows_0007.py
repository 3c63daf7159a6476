"""Which window of which ECG each prototype of a bundle is, and the triggers that keep it so."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

# REPLACE deletes without a delete trigger, so an insert over an old row is refused by its own.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER prototype_window_no_update BEFORE UPDATE ON prototype_window
    BEGIN SELECT RAISE(ABORT, 'prototype_window is append-only'); END
    """,
    """
    CREATE TRIGGER prototype_window_no_delete BEFORE DELETE ON prototype_window
    BEGIN SELECT RAISE(ABORT, 'prototype_window is append-only'); END
    """,
    """
    CREATE TRIGGER prototype_window_no_replace BEFORE INSERT ON prototype_window
    WHEN EXISTS (
        SELECT 1 FROM prototype_window WHERE fingerprint = NEW.fingerprint
          AND prototype = NEW.prototype
    )
    BEGIN SELECT RAISE(ABORT, 'prototype_window is append-only'); END
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION prototype_window_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'prototype_window is append-only'; END $$
    """,
    """
    CREATE TRIGGER prototype_window_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON prototype_window FOR EACH STATEMENT EXECUTE FUNCTION prototype_window_append_only()
    """,
)


def upgrade() -> None:
    """Create `prototype_window`; older ratings get their windows when their bundle is met again."""
    names = ("identity", "branch", "statement", "record", "sha256")
    op.create_table(
        "prototype_window",
        sa.Column("fingerprint", sa.String(200), primary_key=True),
        sa.Column("prototype", sa.String(200), primary_key=True),
        *(sa.Column(name, sa.String(200), nullable=False) for name in names),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
    )
    op.create_index("prototype_window_identity", "prototype_window", ["identity"])
    dialect = op.get_context().dialect.name
    for statement in _SQLITE_TRIGGERS if dialect == "sqlite" else _POSTGRESQL_TRIGGERS:
        op.execute(statement)
