"""Accounts that keys were given from, and the triggers that keep them as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# REPLACE deletes without a delete trigger, so an insert over an old row is refused by its own.
_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER seat_account_no_update BEFORE UPDATE ON seat_account
    BEGIN SELECT RAISE(ABORT, 'seat_account is append-only'); END
    """,
    """
    CREATE TRIGGER seat_account_no_delete BEFORE DELETE ON seat_account
    BEGIN SELECT RAISE(ABORT, 'seat_account is append-only'); END
    """,
    """
    CREATE TRIGGER seat_account_no_replace BEFORE INSERT ON seat_account
    WHEN EXISTS (SELECT 1 FROM seat_account WHERE sign_in_key = NEW.sign_in_key)
    BEGIN SELECT RAISE(ABORT, 'seat_account is append-only'); END
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION seat_account_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'seat_account is append-only'; END $$
    """,
    """
    CREATE TRIGGER seat_account_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seat_account
    FOR EACH STATEMENT EXECUTE FUNCTION seat_account_append_only()
    """,
)


def upgrade() -> None:
    """Create `seat_account` with its triggers; studies, keys and answers stay as they are."""
    op.create_table(
        "seat_account",
        sa.Column(
            "sign_in_key",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["sign_in_key"], ["sign_in_key.id"]),
    )
    dialect = op.get_context().dialect.name
    for statement in _SQLITE_TRIGGERS if dialect == "sqlite" else _POSTGRESQL_TRIGGERS:
        op.execute(statement)
