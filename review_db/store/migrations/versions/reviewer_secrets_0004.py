"""Secrets of reviewer codes outside studies, and the triggers that keep them as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# REPLACE deletes without a delete trigger, so an insert over an old row is refused by its own.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER reviewer_secret_no_update BEFORE UPDATE ON reviewer_secret
    BEGIN SELECT RAISE(ABORT, 'reviewer_secret is append-only'); END
    """,
    """
    CREATE TRIGGER reviewer_secret_no_delete BEFORE DELETE ON reviewer_secret
    BEGIN SELECT RAISE(ABORT, 'reviewer_secret is append-only'); END
    """,
    """
    CREATE TRIGGER reviewer_secret_no_replace BEFORE INSERT ON reviewer_secret
    WHEN EXISTS (SELECT 1 FROM reviewer_secret WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'reviewer_secret is append-only'); END
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION reviewer_secret_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'reviewer_secret is append-only'; END $$
    """,
    """
    CREATE TRIGGER reviewer_secret_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON reviewer_secret
    FOR EACH STATEMENT EXECUTE FUNCTION reviewer_secret_append_only()
    """,
)


def upgrade() -> None:
    """Create `reviewer_secret` with its triggers; codes that were rated under have none yet."""
    op.create_table(
        "reviewer_secret",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewer", sa.String(32), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("reviewer_secret_reviewer", "reviewer_secret", ["reviewer"])
    dialect = op.get_context().dialect.name
    for statement in _SQLITE_TRIGGERS if dialect == "sqlite" else _POSTGRESQL_TRIGGERS:
        op.execute(statement)
