"""The SQLite file of the ratings: found or made for its owner alone, checked, set up."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from review_db.store.failures import (
    BUSY_SECONDS,
    URL_VARIABLE,
    WORDS,
    RatingsError,
    database_name,
    error_name,
)

_SMALLEST_FILE = 512
# Closing a file takes away the locks that this process has on it, so nobody may use it yet.
_creating = threading.Lock()


def file_of(url: URL) -> Path:
    """Return the file of an SQLite URL."""
    return Path(str(url.database))


def log_of(file: Path) -> Path:
    """Return SQLite's write-ahead log of a file: commits that are not in the file itself yet."""
    return file.with_name(f"{file.name}-wal")


def has_log(file: Path) -> bool:
    """Say whether the log of a file holds anything."""
    return log_of(file).exists() and log_of(file).stat().st_size > 0


def find_file(file: Path, create: bool) -> None:
    """Make sure that there is a file that may hold ratings, readable by its owner alone.

    Raises
    ------
    RatingsError
        If there is none and none may be made, or what is there is no such file.
    """
    try:
        if file.is_dir():
            raise RatingsError(f"{file} is a folder, expected the SQLite file of the ratings.")
        if not create and not file.exists():
            raise RatingsError(
                f"There is no database of ratings at {file}. Rate a prototype in the app first, "
                "or name the database that holds the ratings."
            )
        create_for_owner(file)
        # SQLite takes a file this short for an empty database, and would write over it.
        if 0 < file.stat().st_size < _SMALLEST_FILE:
            raise RatingsError(f"The database {file} {WORDS['SQLITE_NOTADB']}")
    except OSError as error:
        raise RatingsError(
            f"The folder {file.parent} cannot hold the ratings: {error.strerror}. Name another "
            f"place in {URL_VARIABLE}."
        ) from error


def check_file(file: Path, pragma: str = "quick_check") -> None:
    """Refuse a damaged file; nothing is written, not even what its log holds.

    With a log left by a program that was killed, `integrity_check` is made in any case: where the
    file was put in place of another one, the log's pages are of that other one.

    Raises
    ------
    RatingsError
        If it is no SQLite file, or there is a fault in its pages.
    sqlite3.Error
        If it cannot be read for another reason, such as a lock.
    """
    log_left = has_log(file)
    if log_left:
        pragma = "integrity_check"
    try:
        # Closing a connection that may write would write the log's pages into the file.
        with closing(read_only(file)) as connection:
            found = [row[0] for row in connection.execute(f"PRAGMA {pragma}(1)")]
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if error_name(error) == "SQLITE_NOTADB":
            raise RatingsError(f"The database {file} {WORDS['SQLITE_NOTADB']}") from error
        if error_name(error) not in ("SQLITE_CORRUPT", ""):
            raise
        found = [str(error)]
    if found != ["ok"]:
        raise RatingsError(_MIXED.format(file) if log_left else _DAMAGED.format(file))


def create_for_owner(file: Path) -> None:
    """Make an empty file, and its folder, for its owner alone; one that is there is left."""
    with _creating:
        if file.exists():
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            # SQLite gives the files that it keeps beside this one the same rights.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return


def read_only(file: Path) -> sqlite3.Connection:
    """Connect to a file that is there, and change neither it nor its log."""
    address = f"{file.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def set_up(engine: Engine) -> None:
    """Have each connection of an engine commit to the disk, and notice a file that was replaced."""
    event.listen(engine, "do_connect", partial(_connect, engine.url))
    event.listen(engine, "connect", _set_up_connection)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkout", partial(_refuse_replaced_file, engine.url))


def use_write_ahead_log(engine: Engine) -> None:
    """Let readers go on while somebody writes, from now on and for whoever opens the file."""
    # SQLite does not wait for others here as it does elsewhere, so two first starts would collide.
    give_up = time.monotonic() + BUSY_SECONDS
    with closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except sqlite3.OperationalError as error:
                if error_name(error) != "SQLITE_BUSY" or time.monotonic() > give_up:
                    raise
                time.sleep(0.02)


def _connect(
    url: URL, _: object, __: object, arguments: list[Any], settings: dict[str, Any]
) -> sqlite3.Connection:
    # SQLite would make a file that is missing, empty and readable by whoever may read others.
    if not file_of(url).exists():
        raise RatingsError(f"{database_name(url)} {_GONE}")
    return sqlite3.connect(f"{file_of(url).resolve().as_uri()}?mode=rw", uri=True, **settings)


def _set_up_connection(connection: sqlite3.Connection, _: object) -> None:
    # The driver would begin transactions by itself, and only before the first write.
    connection.isolation_level = None
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # A rating that was called saved is on the disk, whatever happens next.
        cursor.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")


def _refuse_replaced_file(url: URL, _: object, connection: ConnectionPoolEntry, __: object) -> None:
    # A file that was deleted or replaced would still take ratings, which nobody could read again.
    if connection.info.setdefault("file", _identity(url)) != _identity(url):
        raise RatingsError(f"{database_name(url)} {_GONE}")


def _identity(url: URL) -> tuple[int, int] | None:
    try:
        found = os.stat(file_of(url))
    except OSError:
        return None
    return found.st_dev, found.st_ino


_GONE = (
    "was deleted or replaced while the app was running: nothing was saved since. Where it is "
    "missing, put it back, or restore the last backup: python -m review_db restore FILE. Then load "
    "this page anew; if it still says so, start the app again."
)
_DAMAGED = f"The database {{0}} {WORDS['SQLITE_CORRUPT']}"
_MIXED = (
    "The database {0} and its log {0}-wal do not go together, or are damaged. Nothing was changed. "
    "Where {0} was put in place of another file, its log is of that other file: move the log away "
    "and start again. Else restore the last backup: python -m review_db restore FILE. That keeps "
    "both beside it."
)
