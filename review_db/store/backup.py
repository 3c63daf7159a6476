"""Copies of the ratings that are whole, made and put back while the app runs.

backup(None, Path("ratings-2026-11-30.db"))
kept = restore(None, Path("ratings-2026-11-30.db"))

Both check what they have written. What a restore replaces is kept.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, NullPool, create_engine, inspect

from review_db.store import postgresql_dump
from review_db.store.address import database_url
from review_db.store.checkpoint import Checkpointer
from review_db.store.database import open_database
from review_db.store.failures import BUSY_SECONDS, LockTimeout, RatingsError, failures_in_words
from review_db.store.migration import is_up_to_date, refuse_changed_schema
from review_db.store.sqlite_file import (
    check_file,
    create_for_owner,
    file_of,
    has_log,
    log_of,
    read_only,
)

_BESIDE = ("", "-wal", "-shm", "-journal")


def backup(url: str | URL | None, file: Path) -> None:
    """Write all ratings and studies to a new file, for its owner alone, and check it.

    Parameters
    ----------
    url : the database, as for `open_database`
    file : becomes an SQLite database without a log, or a dump of the PostgreSQL database

    Raises
    ------
    RatingsError
        If the file is there already or cannot be written, or the database is not whole.
    """
    address = database_url(url)
    if file.exists():
        raise RatingsError(f"{file} is there already. Name a new file for each backup.")
    # Refuses what is no database of ratings, or damaged.
    open_database(address, create=False).dispose()
    with _unfinished(file) as unfinished, failures_in_words(address):
        if address.get_backend_name() == "sqlite":
            _copy(file_of(address), unfinished)
        else:
            postgresql_dump.dump(address, unfinished)
        _move(unfinished, file)


def restore(url: str | URL | None, file: Path) -> Path | None:
    """Put a backup in the place of all ratings and studies; return where those are kept, if any.

    The app may run meanwhile. It goes on with what was restored; only where its own file was
    damaged, it asks to be started again.

    Raises
    ------
    RatingsError
        If the file is no backup of ratings, is damaged, or has a log beside it that may be of
        another file. Then nothing was changed.
    """
    address = database_url(url)
    if not file.is_file():
        raise RatingsError(f"There is no backup at {file}. Name a file that `backup` has written.")
    if address.get_backend_name() == "postgresql":
        return _restore_dump(address, file)
    target = file_of(address)
    with _unfinished(target) as copy, failures_in_words(address):
        _copy_backup(file, copy)
        if target.exists():
            return _replace(target, copy)
        _move(copy, target)
        return None


def _restore_dump(address: URL, file: Path) -> Path:
    postgresql_dump.check_dump(file)
    kept = _kept(file)
    backup(address, kept)
    with failures_in_words(address):
        postgresql_dump.load(address, file)
    # An older version of the app may have made it.
    open_database(address).dispose()
    return kept


def _copy_backup(file: Path, copy: Path) -> None:
    if has_log(file):
        raise RatingsError(
            f"Beside {file} is a log, {log_of(file).name}, which may be of another file: what "
            "belongs together cannot be told. Where the two do, make one whole file of them with "
            f"python -m review_db backup WHOLE --database sqlite:///{file}, and restore WHOLE."
        )
    with failures_in_words(_url(file)):
        check_file(file, "integrity_check")
        if not _tables(file):
            raise RatingsError(f"{file} is empty. Name a file that `backup` has written.")
        _copy(file, copy)
    # An older version of the app may have made it.
    engine = open_database(_url(copy), create=False)
    try:
        with engine.connect() as connection:
            refuse_changed_schema(connection, file)
    finally:
        engine.dispose()


def _tables(file: Path) -> list[str]:
    """List the tables of a file, and refuse those of other programs and newer versions."""
    engine = create_engine(_url(file), creator=lambda: read_only(file), poolclass=NullPool)
    with engine.connect() as connection:
        is_up_to_date(connection)
        return inspect(connection).get_table_names()


def _replace(target: Path, copy: Path) -> Path:
    kept = _kept(target)
    try:
        check_file(target)
    except RatingsError:
        # SQLite writes over whole files only. Whoever has the damaged one open will notice.
        _move(target, kept)
        _move(copy, target)
        return kept
    _tables(target)
    _copy(target, kept)
    with closing(read_only(copy)) as source, closing(sqlite3.connect(target)) as connection:
        source.backup(connection, progress=_give_up(), sleep=0.05)
    _make_whole(target)
    check_file(target, "integrity_check")
    return kept


def _copy(file: Path, copy: Path) -> None:
    """Copy one state of a file into a new one that needs no log, whoever writes meanwhile."""
    create_for_owner(copy)
    with closing(read_only(file)) as source, closing(sqlite3.connect(copy)) as connection:
        source.backup(connection, progress=_give_up(), sleep=0.05)
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    check_file(copy, "integrity_check")


def _give_up() -> Callable[[int, int, int], None]:
    """Return what ends a copy that others have kept waiting for too long."""
    end = time.monotonic() + BUSY_SECONDS

    def progress(_: int, remaining: int, __: int) -> None:
        if remaining and time.monotonic() > end:
            raise LockTimeout

    return progress


def _make_whole(file: Path) -> None:
    checkpointer = Checkpointer()
    checkpointer.committed(file)
    checkpointer.finish()


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """Name a file beside another one, and leave nothing of it behind."""
    unfinished = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        yield unfinished
    except OSError as error:
        raise RatingsError(
            f"{file} cannot be written: {error.strerror}. Name a file in a folder that may be "
            "written to."
        ) from error
    finally:
        for end in _BESIDE:
            Path(f"{unfinished}{end}").unlink(missing_ok=True)


def _move(file: Path, to: Path) -> None:
    """Rename a database with the files that belong to it."""
    for end in _BESIDE:
        if (part := Path(f"{file}{end}")).exists():
            part.replace(f"{to}{end}")


def _kept(file: Path) -> Path:
    """Name a file beside another one that is not there, whatever the clock says."""
    name = f"{file.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    names = chain([name], (f"{name}-{again}" for again in count(2)))
    return next(free for each in names if not (free := file.with_name(each)).exists())


def _url(file: Path) -> URL:
    return URL.create("sqlite", database=str(file))
