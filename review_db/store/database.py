"""The database of ratings: opened, brought up to date, and its failures put into words."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from protoecg import folders
from review_db.store.write_queue import NoTurn, Turns

URL_VARIABLE = "PROTOECG_DATABASE_URL"
VERSION_TABLE = "review_db_version"
BUSY_SECONDS = 15.0

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_SMALLEST_SQLITE_FILE = 512
# Fifty reviewers may press save at the same moment.
_CONNECTIONS_KEPT, _MOST_CONNECTIONS = 10, 60
# What SQLAlchemy would take instead is under a copyleft licence.
_DRIVERS = {"postgresql": "postgresql+pg8000"}
# Waiting for SQLite's own lock is by sleep and retry, where the unlucky wait for long.
_turns = Turns()


class RatingsError(RuntimeError):
    """The database of ratings cannot be used; the message is meant for the people at the screen."""


def open_database(url: str | URL | None = None, *, create: bool = True) -> Engine:
    """Open the database of ratings, made on first use and brought to the newest schema.

    Parameters
    ----------
    url : an SQLAlchemy database URL; without it the environment's `PROTOECG_DATABASE_URL`, else
        the SQLite file `data/ratings.db` of the checkout, or of the folder one works in where the
        package is installed
    create : whether an SQLite file that isn't there may be made, with its folder

    Raises
    ------
    RatingsError
        If there is no such database, it cannot be read, or a newer version of the app made it.
    """
    address = _address(url)
    engine = _engine(address)
    try:
        if engine.dialect.name == "sqlite":
            _find_file(address, create)
        with failures_in_words(engine):
            _bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one unchanging state of the database until the block ends."""
    options = {"isolation_level": "REPEATABLE READ"} if _is_postgresql(engine) else {}
    with failures_in_words(engine), engine.connect() as connection:
        connection.execution_options(**options)
        yield connection


@contextmanager
def writing(engine: Engine, lock: str) -> Iterator[Connection]:
    """Give a connection that is committed when the block ends, one writer of `lock` at a time.

    SQLite lets in one writer at a time anyway; taking the lock at the start means that what the
    block reads is still true when it writes. See `turns` for how writers share a commit.
    """
    with failures_in_words(engine):
        if not _is_postgresql(engine):
            with _turns.take(engine, BUSY_SECONDS) as connection:
                yield connection
            return
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:k))"), {"k": lock})
            yield connection


@contextmanager
def failures_in_words(engine: Engine) -> Iterator[None]:
    """Turn the database driver's errors into a `RatingsError` that says what to do."""
    try:
        yield
    except NoTurn as error:
        raise RatingsError(f"{_named(engine.url)} {_LOCKED}") from error
    # A server that dies in the middle of an answer resets the connection below the driver.
    except (SQLAlchemyError, sqlite3.Error, ConnectionError) as error:
        raise RatingsError(f"{_named(engine.url)} {_in_words(error)}") from error


def _address(url: str | URL | None) -> URL:
    default = URL.create("sqlite", database=str(folders.ratings()))
    given = url or os.environ.get(URL_VARIABLE) or default
    try:
        address = make_url(given)
    except ArgumentError as error:
        # What cannot be taken apart may hold a password.
        shown = "The address given" if "@" in str(given) else repr(str(given))
        raise RatingsError(
            f"{shown} is no database URL. Expected one such as sqlite:///data/ratings.db or "
            "postgresql://user:password@host/name."
        ) from error
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise RatingsError(
            f"{_named(address)} is of the kind {address.get_backend_name()!r}, expected sqlite "
            "or postgresql."
        )
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise RatingsError(
            "An SQLite database in memory would lose every rating when the app stops. Give a "
            "file, such as sqlite:///data/ratings.db."
        )
    return address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))


def _engine(address: URL) -> Engine:
    try:
        engine = create_engine(
            address,
            pool_pre_ping=address.get_backend_name() != "sqlite",
            pool_size=_CONNECTIONS_KEPT,
            max_overflow=_MOST_CONNECTIONS - _CONNECTIONS_KEPT,
        )
    except ModuleNotFoundError as error:
        raise RatingsError(
            f"{_named(address)} needs the Python package {error.name!r}, which is not installed. "
            "Install it, and start again."
        ) from error
    except SQLAlchemyError as error:
        raise RatingsError(f"{_named(address)} {_in_words(error)}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "checkout", partial(_refuse_removed_file, address))
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver would begin transactions by itself, and only before the first write.
    connection.isolation_level = None
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # A rating that was called saved is on the disk, whatever happens next.
        cursor.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")


def _refuse_removed_file(
    address: URL, _: object, connection: ConnectionPoolEntry, __: object
) -> None:
    # A file that was deleted or replaced would still take ratings, which nobody could read again.
    if connection.info.setdefault("file", _identity(address)) != _identity(address):
        raise RatingsError(
            f"{_named(address)} was deleted or replaced while the app was running. Nothing was "
            "saved; put the file back if it is missing, and start the app again."
        )


def _identity(address: URL) -> tuple[int, int] | None:
    try:
        found = os.stat(str(address.database))
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _find_file(address: URL, create: bool) -> None:
    file = Path(str(address.database))
    try:
        if file.is_dir():
            raise RatingsError(f"{file} is a folder, expected the SQLite file of the ratings.")
        if not create and not file.exists():
            raise RatingsError(
                f"There is no database of ratings at {file}. Rate a prototype in the app first, "
                "or name the database that holds the ratings."
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        # SQLite takes a file this short for an empty database, and would write over it.
        if file.exists() and 0 < file.stat().st_size < _SMALLEST_SQLITE_FILE:
            raise RatingsError(f"The database {file} {_WORDS['SQLITE_NOTADB']}")
    except OSError as error:
        raise RatingsError(
            f"The folder {file.parent} cannot hold the ratings: {error.strerror}. Name another "
            f"place in {URL_VARIABLE}."
        ) from error


def _bring_up_to_date(engine: Engine) -> None:
    scripts = ScriptDirectory(str(_MIGRATIONS))
    with engine.connect() as connection:
        if _is_up_to_date(connection, scripts):
            return
    if engine.dialect.name == "sqlite":
        _use_write_ahead_log(engine)
    with writing(engine, lock=VERSION_TABLE) as connection:
        # Where another process was first while this one waited, nothing is left to do.
        _migrate(connection)


def _is_up_to_date(connection: Connection, scripts: ScriptDirectory) -> bool:
    found = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_heads()
    if not found:
        _refuse_foreign_tables(connection)
    if unknown := set(found) - {script.revision for script in scripts.walk_revisions()}:
        raise RatingsError(
            f"{_named(connection.engine.url)} was made by a newer version of this app (schema "
            f"{', '.join(sorted(unknown))}, expected up to {scripts.get_current_head()}). Update "
            "the app, or name another database."
        )
    return set(found) == set(scripts.get_heads())


def _refuse_foreign_tables(connection: Connection) -> None:
    # A PostgreSQL database may be shared; an SQLite file belongs to one program.
    if connection.dialect.name == "sqlite" and (
        tables := set(inspect(connection).get_table_names()) - {VERSION_TABLE}
    ):
        raise RatingsError(
            f"{_named(connection.engine.url)} is the database of another program: it has the "
            f"tables {', '.join(sorted(tables)[:5])} and none of this app. Name another file."
        )


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _use_write_ahead_log(engine: Engine) -> None:
    # SQLite does not wait for others here as it does elsewhere, so two first starts would collide.
    give_up = time.monotonic() + BUSY_SECONDS
    with closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except sqlite3.OperationalError as error:
                if _kind(error) != "SQLITE_BUSY" or time.monotonic() > give_up:
                    raise
                time.sleep(0.02)


def _is_postgresql(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


def _named(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"The database {url.database}"
    return f"The database {url.render_as_string(hide_password=True)}"


def _in_words(error: BaseException) -> str:
    cause = (error.orig if isinstance(error, DBAPIError) else error) or error
    return _WORDS.get(_kind(cause), f"cannot be used: {_first_line(cause)}")


def _first_line(cause: BaseException) -> str:
    # The driver of PostgreSQL hands over the server's answer as a dictionary of its fields.
    said = cause.args[0]["M"] if cause.args and isinstance(cause.args[0], dict) else str(cause)
    return (said.strip() or type(cause).__name__).splitlines()[0]


def _kind(error: BaseException) -> str:
    """SQLite's name of an error without its details: `SQLITE_BUSY` for `SQLITE_BUSY_SNAPSHOT`."""
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])


_LOCKED = (
    f"is locked by another program: nothing was saved within {BUSY_SECONDS:g} seconds. Close "
    "other programs that have it open, and try again."
)
_WORDS = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_READONLY": (
        "may only be read, so nothing was saved. Allow writing to the file and its folder, or "
        f"name another place in {URL_VARIABLE}."
    ),
    "SQLITE_FULL": "has no space left on its disk: nothing was saved. Free some space.",
    "SQLITE_IOERR": "failed while its disk was read or written: nothing was saved. Check the disk.",
    "SQLITE_NOTADB": "is no SQLite database. Name the file that holds the ratings.",
    "SQLITE_CORRUPT": "is damaged. Keep a copy of the file, and restore the last backup.",
    "SQLITE_CANTOPEN": (
        "cannot be opened. Check that its folder exists and may be written to, or name another "
        f"place in {URL_VARIABLE}."
    ),
}
