"""Which files of ratings were imported, from where, and the triggers that keep it so."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# REPLACE deletes without a delete trigger, so an insert over an old row is refused by its own.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER rating_import_no_update BEFORE UPDATE ON rating_import
    BEGIN SELECT RAISE(ABORT, 'rating_import is append-only'); END
    """,
    """
    CREATE TRIGGER rating_import_no_delete BEFORE DELETE ON rating_import
    BEGIN SELECT RAISE(ABORT, 'rating_import is append-only'); END
    """,
    """
    CREATE TRIGGER rating_import_no_replace BEFORE INSERT ON rating_import
    WHEN EXISTS (SELECT 1 FROM rating_import WHERE id = NEW.id OR sha256 = NEW.sha256)
    BEGIN SELECT RAISE(ABORT, 'rating_import is append-only'); END
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION rating_import_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'rating_import is append-only'; END $$
    """,
    """
    CREATE TRIGGER rating_import_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rating_import
    FOR EACH STATEMENT EXECUTE FUNCTION rating_import_append_only()
    """,
)


def upgrade() -> None:
    """Create `rating_import` with its triggers."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "rating_import",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("file", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("answers", sa.Integer(), nullable=False),
        sqlite_autoincrement=True,
    )
    dialect = op.get_context().dialect.name
    for statement in _SQLITE_TRIGGERS if dialect == "sqlite" else _POSTGRESQL_TRIGGERS:
        op.execute(statement)
