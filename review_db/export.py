"""Every rating as CSV, with a codebook that says what each column holds.

The files are UTF-8, comma-separated, times in UTC (ISO 8601). A spreadsheet would run a cell that
begins like a formula; such a cell, and one that begins with an apostrophe, gets an apostrophe in
front. Taking one apostrophe off the cells that begin with one gives back what was entered.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pandas as pd
from sqlalchemy import Engine, select

from review_db.database import RatingsError, reading
from review_db.questions import QUESTIONS, TEXT_LENGTH, Question
from review_db.schema import current_rating, rating_event

_RATED = ("reviewer", "bundle", "fingerprint", "branch", "statement", "prototype")
_VERSIONS = ("app_version", "codebook_version")
_COLUMNS = {
    "ratings_long.csv": ("id", *_RATED, "question", "value", "at", *_VERSIONS),
    "ratings_wide.csv": (*_RATED, *QUESTIONS, "last_at"),
    "events.csv": ("id", "at", *_RATED, "question", "previous_value", "value", *_VERSIONS),
    "codebook.csv": ("file", "column", "meaning", "type", "allowed_values"),
}
_TIME = ("time", "ISO 8601 in UTC, such as 2025-01-31T12:30:00.000000+00:00")
_FORMULA_STARTS = tuple("=+-@\t\r\n'＝＋－＠")
# Column: meaning, type, allowed values.
_MEANINGS = {
    "id": ("Number of the event, counting up in the order of saving", "integer", "from 1"),
    "at": ("When the answer was saved", *_TIME),
    "last_at": ("When the latest of the row's answers was saved", *_TIME),
    "reviewer": ("Code of the reviewer", "text", "letters, digits and _ . -"),
    "bundle": ("Name of the model bundle", "text", ""),
    "fingerprint": ("Version of the bundle's prototypes", "text", ""),
    "branch": ("Branch of the model that compares by the prototype", "text", ""),
    "statement": ("SCP-ECG statement that the prototype stands for", "text", ""),
    "prototype": ("Name of the prototype, unique within its bundle", "text", ""),
    "question": ("Key of the question that was answered", "category", "; ".join(QUESTIONS)),
    "value": (
        "The answer; empty in events where an answer was taken back",
        "text",
        "as the column of ratings_wide.csv that is named as the question",
    ),
    "previous_value": ("The answer that this event replaced; empty if there was none", "text", ""),
    "app_version": ("Version of the app that saved the answer", "text", ""),
    "codebook_version": ("Version of the questions and their anchors", "text", ""),
    "file": ("File that holds the column", "category", "; ".join(_COLUMNS)),
    "column": ("Name of the column", "text", ""),
    "meaning": ("What the column holds; for a question, its words", "text", ""),
    "type": ("Kind of value", "category", "integer; category; text; time"),
    "allowed_values": ("Values that can occur, and what they mean; empty if free", "text", ""),
}


def export(engine: Engine, out_dir: Path | str) -> list[Path]:
    """Write the standing answers, the history and the codebook into a folder.

    `ratings_long.csv` has a row for each standing answer, `ratings_wide.csv` one for each
    reviewer and prototype, `events.csv` one for each answer ever saved, changed or taken back,
    `codebook.csv` one for each column of these. Files of these names are replaced, each in one
    step.

    Raises
    ------
    RatingsError
        If the database cannot be read or the folder cannot be written to.
    """
    folder = Path(out_dir)
    files = _files(engine)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _write_in_one_step(folder / name, content)
    except OSError as error:
        raise RatingsError(
            f"The export cannot be written to {folder}: {error.strerror}. Name a folder that may "
            "be written to."
        ) from error
    return [folder / name for name in files]


def export_zip(engine: Engine) -> bytes:
    """Return the files of `export` as one ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(engine).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _files(engine: Engine) -> dict[str, bytes]:
    with reading(engine) as connection:
        events, standing = (
            pd.DataFrame(
                connection.execute(select(table).order_by(table.c.id)).all(),
                columns=list(table.c.keys()),
            )
            for table in (rating_event, current_rating)
        )
    frames = {
        "ratings_long.csv": standing,
        "ratings_wide.csv": _wide(standing),
        "events.csv": _with_previous(events),
        "codebook.csv": pd.DataFrame(list(_codebook())),
    }
    return {name: _csv(frame, _COLUMNS[name]) for name, frame in frames.items()}


def _wide(standing: pd.DataFrame) -> pd.DataFrame:
    keys = list(_RATED)
    wide = standing.pivot(index=keys, columns="question", values="value")
    wide = wide.reindex(columns=list(QUESTIONS))
    return wide.assign(last_at=standing.groupby(keys)["at"].max()).reset_index()


def _with_previous(events: pd.DataFrame) -> pd.DataFrame:
    one_answer = ["reviewer", "bundle", "fingerprint", "prototype", "question"]
    return events.assign(previous_value=events.groupby(one_answer)["value"].shift())


def _codebook() -> Iterator[dict[str, str]]:
    for file, columns in _COLUMNS.items():
        for column in columns:
            described = _MEANINGS.get(column) or _asked(QUESTIONS[column])
            yield dict(zip(_COLUMNS["codebook.csv"], (file, column, *described), strict=True))


def _asked(question: Question) -> tuple[str, str, str]:
    if question.anchors:
        points = zip(question.options, question.anchors, strict=True)
        return question.text, "integer", "; ".join(f"{p} = {words}" for p, words in points)
    if question.options:
        return question.text, "category", "; ".join((*question.options, "empty = not answered"))
    return question.text, "text", f"up to {TEXT_LENGTH} characters"


def _csv(frame: pd.DataFrame, columns: tuple[str, ...]) -> bytes:
    cells = frame[list(columns)].map(_cell)
    # With the line end of RFC 4180 the writer quotes cells that hold either of its characters.
    return cells.to_csv(index=False, lineterminator="\r\n").encode("utf-8")


def _cell(value: object) -> object:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _write_in_one_step(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
