"""The schema of a database: which version it has, and the way to the newest."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, inspect, text

from review_db.store.failures import RatingsError, database_name

VERSION_TABLE = "review_db_version"

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def known_versions() -> set[str]:
    """Return the versions of the schema that this app can bring up to date."""
    return {script.revision for script in _scripts().walk_revisions()}


def is_up_to_date(connection: Connection) -> bool:
    """Say whether a database has the newest schema; an empty one has not.

    Raises
    ------
    RatingsError
        If it is another program's, or a newer version of this app made it.
    """
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    found = context.get_current_heads()
    if not found:
        _refuse_other_tables(connection)
    if unknown := set(found) - known_versions():
        raise RatingsError(
            f"{database_name(connection.engine.url)} was made by a newer version of this app "
            f"(schema {', '.join(sorted(unknown))}, expected up to "
            f"{_scripts().get_current_head()}). Update the app, or name another database."
        )
    return set(found) == set(_scripts().get_heads())


def migrate(connection: Connection) -> None:
    """Bring a database to the newest schema."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def refuse_changed_schema(connection: Connection, file: Path) -> None:
    """Refuse an SQLite database whose tables, views or triggers are not those of this schema.

    A trigger can drop whatever is saved, and a view leave out what stands.

    Parameters
    ----------
    file : where it comes from, for the message

    Raises
    ------
    RatingsError
        With the names of some that are others.
    """
    with create_engine("sqlite://", poolclass=NullPool).connect() as fresh:
        migrate(fresh)
        expected = _parts(fresh)
    found = _parts(connection)
    if changed := sorted({name for name, _ in expected ^ found}):
        names = ", ".join(repr(name[:40]) for name in changed[:5])
        raise RatingsError(
            f"{file} was changed by something else than this app: {names}. Name a file that "
            "`backup` has written."
        )


def _parts(connection: Connection) -> set[tuple[str, str]]:
    """Return the name of each table, and name and words of each view and trigger."""
    rows = connection.execute(
        text(
            "SELECT name, CASE type WHEN 'table' THEN '' ELSE sql END FROM sqlite_master "
            "WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
    )
    return {(name, " ".join(sql.split())) for name, sql in rows}


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))


def _refuse_other_tables(connection: Connection) -> None:
    # A PostgreSQL database may be shared; an SQLite file belongs to one program.
    if connection.dialect.name == "sqlite" and (
        tables := set(inspect(connection).get_table_names()) - {VERSION_TABLE}
    ):
        raise RatingsError(
            f"{database_name(connection.engine.url)} is the database of another program: it has "
            f"the tables {', '.join(sorted(tables)[:5])} and none of this app. Name another file."
        )
