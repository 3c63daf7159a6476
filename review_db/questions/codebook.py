"""What the columns of exported files hold, for files of ratings and of studies alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

Meaning = tuple[str, str, str]

CODEBOOK = ("file", "column", "meaning", "type", "allowed_values")
_TIME = ("time", "ISO 8601 in UTC, such as 2025-01-31T12:30:00.000000+00:00")
# Column: meaning, type, allowed values.
_COMMON: Mapping[str, Meaning] = {
    "id": ("Number of the event, counting up in the order of saving", "integer", "from 1"),
    "at": ("When the answer was saved", *_TIME),
    "last_at": ("When the latest of the row's answers was saved", *_TIME),
    "reviewer": ("Code of the reviewer", "text", "letters, digits and _ . -"),
    "branch": ("Branch of the model that compares by the prototype", "text", ""),
    "bundle": ("Name of the model bundle", "text", ""),
    "fingerprint": ("Version of the bundle's prototypes", "text", ""),
    "app_version": ("Version of the app that saved the answer", "text", ""),
    "codebook_version": ("Version of the questions and their anchors", "text", ""),
    "column": ("Name of the column", "text", ""),
    "meaning": ("What the column holds; for a question, its words", "text", ""),
    "allowed_values": ("Values that can occur, and what they mean; empty if free", "text", ""),
}


def codebook(
    files: Mapping[str, Sequence[str]],
    meanings: Mapping[str, Meaning],
    asked: Callable[[str], Meaning],
) -> pd.DataFrame:
    """Describe each column of each file.

    Parameters
    ----------
    files : the columns of each file
    meanings : of columns that only these files have
    asked : the meaning of a column that holds a question's answers, by the question's key
    """
    known = {**_COMMON, **meanings, "file": _file(files)}
    rows: Iterable[tuple[str, ...]] = (
        (file, column, *(known.get(column) or asked(column)))
        for file, columns in files.items()
        for column in columns
    )
    return pd.DataFrame(rows, columns=list(CODEBOOK))


def _file(files: Iterable[str]) -> Meaning:
    return "File that holds the column", "category", "; ".join(files)
