"""Alembic's way into the migrations: on the connection of `review_db.store.migration`."""

from alembic import context

from review_db.store.migration import VERSION_TABLE
from review_db.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
