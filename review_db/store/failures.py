"""Failures of the database, put into words for the people at the screen."""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from protoecg.settings import variable

URL_VARIABLE = variable("database_url")
BUSY_SECONDS = 15.0

_log = logging.getLogger(__name__)


class RatingsError(RuntimeError):
    """The database of ratings cannot be used; the message is meant for the people at the screen."""


class LockTimeout(RuntimeError):
    """Others have been writing for too long."""


class UnreadableValue(ValueError):
    """A cell of the database holds what no program has written there."""


@contextmanager
def failures_in_words(url: URL) -> Iterator[None]:
    """Turn the database driver's errors into a `RatingsError` that says what to do."""
    try:
        yield
    except LockTimeout as error:
        raise RatingsError(f"{database_name(url)} {_LOCKED}") from error
    except (UnreadableValue, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RatingsError(f"{database_name(url)} {WORDS['SQLITE_CORRUPT']}") from error
    # A server that dies in the middle of an answer resets the connection below the driver.
    except (SQLAlchemyError, sqlite3.Error, ConnectionError) as error:
        raise RatingsError(f"{database_name(url)} {in_words(error)}") from error


def database_name(url: URL) -> str:
    """Name a database in a sentence that a page may show: neither its folder nor its server."""
    return f"The database {PurePath(url.database or '').name}"


def in_words(error: BaseException) -> str:
    """Say what an error of the driver means, and what to do; the database's name goes in front."""
    cause = (error.orig if isinstance(error, DBAPIError) else error) or error
    return WORDS.get(error_name(cause)) or _unforeseen(cause)


def _unforeseen(cause: BaseException) -> str:
    # What the driver says may name the server, its port and who signs in there.
    number = secrets.token_hex(4).upper()
    _log.error("%s: the database says: %s", number, _first_line(cause))
    return (
        "cannot be used at present: nothing is saved until it can. Try again in a minute; if it "
        f"stays so, whoever runs the server finds the reason in its log under the number {number}."
    )


def error_name(error: BaseException) -> str:
    """SQLite's name of an error without its details: `SQLITE_BUSY` for `SQLITE_BUSY_SNAPSHOT`."""
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])


def _first_line(cause: BaseException) -> str:
    # The driver of PostgreSQL hands over the server's answer as a dictionary of its fields.
    message = cause.args[0]["M"] if cause.args and isinstance(cause.args[0], dict) else str(cause)
    return (message.strip() or type(cause).__name__).splitlines()[0]


_LOCKED = (
    f"is locked by another program: nothing was saved within {BUSY_SECONDS:g} seconds. Close "
    "other programs that have it open, and try again."
)
WORDS = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_READONLY": (
        "may only be read, so nothing was saved. Allow writing to the file and its folder, or "
        f"name another place in {URL_VARIABLE}."
    ),
    "SQLITE_FULL": "has no space left on its disk: nothing was saved. Free some space.",
    "SQLITE_IOERR": "failed while its disk was read or written: nothing was saved. Check the disk.",
    "SQLITE_NOTADB": "is no SQLite database. Name the file that holds the ratings.",
    "SQLITE_CORRUPT": (
        "is damaged. End the app, and restore the last backup: python -m review_db restore FILE. "
        "That keeps the damaged file beside it."
    ),
    "SQLITE_CANTOPEN": (
        "cannot be opened. Check that its folder exists and may be written to, or name another "
        f"place in {URL_VARIABLE}."
    ),
}
