"""The database of ratings: opened, brought up to date, read and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from review_db.store.address import database_url
from review_db.store.checkpoint import checkpoint
from review_db.store.failures import (
    BUSY_SECONDS,
    RatingsError,
    database_name,
    failures_in_words,
    in_words,
)
from review_db.store.migration import VERSION_TABLE, is_up_to_date, migrate
from review_db.store.sqlite_file import (
    check_file,
    file_of,
    find_file,
    set_up,
    use_write_ahead_log,
)
from review_db.store.write_queue import WriteQueue

# Fifty reviewers may press save at the same moment.
_CONNECTIONS_KEPT, _MOST_CONNECTIONS = 10, 60
# Waiting for SQLite's own lock is by sleep and retry, where the unlucky wait for long.
_queue = WriteQueue()


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
        If there is no such database, it is damaged, or a newer version of the app made it.
    """
    address = database_url(url)
    engine = _engine(address)
    try:
        with failures_in_words(engine.url):
            if engine.dialect.name == "sqlite":
                find_file(file_of(address), create)
                check_file(file_of(address))
            _bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one unchanging state of the database until the block ends."""
    options = {"isolation_level": "REPEATABLE READ"} if _is_postgresql(engine) else {}
    with failures_in_words(engine.url), engine.connect() as connection:
        connection.execution_options(**options)
        yield connection


@contextmanager
def writing(engine: Engine, lock: str) -> Iterator[Connection]:
    """Give a connection that is committed when the block ends, one writer of `lock` at a time.

    SQLite lets in one writer at a time anyway; taking the lock at the start means that what the
    block reads is still true when it writes. See `write_queue` for how writers share a commit.
    """
    with failures_in_words(engine.url):
        if not _is_postgresql(engine):
            with _queue.transaction(engine, BUSY_SECONDS) as connection:
                yield connection
            return
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:k))"), {"k": lock})
            yield connection


def flush() -> None:
    """Move what was saved into the SQLite file itself now, not within the next second.

    For the end of a server that doesn't end as Python does; there it happens by itself.
    """
    _queue.finish()


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
            f"{database_name(address)} needs the Python package {error.name!r}, which is not "
            "installed. Install it, and start again."
        ) from error
    except SQLAlchemyError as error:
        raise RatingsError(f"{database_name(address)} {in_words(error)}") from error
    if engine.dialect.name == "sqlite":
        set_up(engine)
    return engine


def _bring_up_to_date(engine: Engine) -> None:
    with engine.connect() as connection:
        up_to_date = is_up_to_date(connection)
    if engine.dialect.name == "sqlite":
        # A backup that was put in place has no log; a program that was killed has left one.
        use_write_ahead_log(engine)
        checkpoint(file_of(engine.url))
    if up_to_date:
        return
    with writing(engine, lock=VERSION_TABLE) as connection:
        # Where another process was first while this one waited, nothing is left to do.
        migrate(connection)


def _is_postgresql(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"
