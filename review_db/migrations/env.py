"""Alembic's way into the migrations: on the connection that `review_db.database` hands over."""

from alembic import context

from review_db.database import VERSION_TABLE
from review_db.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
