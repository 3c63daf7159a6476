"""What the commands have in common: the database that they open, and how they print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy import Engine
from typer import Option

from review_db.store.database import open_database
from review_db.store.failures import URL_VARIABLE, RatingsError

Database = Annotated[
    str | None,
    Option(
        metavar="URL",
        help=f"SQLAlchemy URL of the database; else ${URL_VARIABLE}, else data/ratings.db (SQLite)",
    ),
]


def as_it_stands(text: str) -> str:
    """Keep the lines of a text's paragraphs in a command's help."""
    return "\n\n".join(f"\b\n{paragraph}" for paragraph in text.split("\n\n"))


@contextmanager
def opened(url: str | None, create: bool = False) -> Iterator[Engine]:
    """Open the database for a command."""
    engine = open_database(url, create=create)
    try:
        yield engine
    finally:
        engine.dispose()


def show(lines: Iterable[object]) -> None:
    """Print each on a line of its own.

    Raises
    ------
    RatingsError
        If there is no room where it is printed to.
    """
    try:
        for line in lines:
            typer.echo(line)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RatingsError(
            f"What was asked for is done, but can't be printed: {error.strerror}. Keys and secrets "
            "that you have not seen are replaced by `study key` and `reviewer`."
        ) from error
