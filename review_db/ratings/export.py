"""Every rating as CSV, with a codebook that says what each column holds.

The files are UTF-8, comma-separated, times in UTC (ISO 8601). A spreadsheet would run a cell that
begins like a formula; such a cell, and one that begins with an apostrophe, gets an apostrophe in
front. Taking one apostrophe off the cells that begin with one gives back what was entered.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sqlalchemy import Engine, select

from review_db.findings.export import study_files
from review_db.findings.opinions import COLUMNS as OF_OPINIONS
from review_db.findings.opinions import opinions_on
from review_db.questions.catalogue import QUESTIONS, TEXT_LENGTH
from review_db.questions.codebook import CODEBOOK, Meaning, codebook
from review_db.store.database import reading
from review_db.store.files import as_csv, as_zip, write_files
from review_db.store.schema import current_rating, rating_event
from review_db.studies.lifecycle import studies

OPINIONS = "opinions.csv"

_RATED = ("reviewer", "bundle", "fingerprint", "branch", "statement", "prototype")
_VERSIONS = ("app_version", "codebook_version")
_COLUMNS = {
    "ratings_long.csv": ("id", *_RATED, "question", "value", "at", *_VERSIONS),
    "ratings_wide.csv": (*_RATED, *QUESTIONS, "last_at"),
    "events.csv": ("id", "at", *_RATED, "question", "previous_value", "value", *_VERSIONS),
    OPINIONS: OF_OPINIONS,
    "codebook.csv": CODEBOOK,
}
# Column: meaning, type, allowed values.
_MEANINGS = {
    "statement": ("SCP-ECG statement that the prototype stands for", "text", ""),
    "prototype": ("Name of the prototype, unique within its bundle", "text", ""),
    "question": ("Key of the question that was answered", "category", "; ".join(QUESTIONS)),
    "value": (
        "The answer; empty in events where an answer was taken back",
        "text",
        "as the column of ratings_wide.csv that is named as the question",
    ),
    "previous_value": ("The answer that this event replaced; empty if there was none", "text", ""),
    "window": (
        "What the prototype is, whatever bundle has it: its window's content and statement",
        "text",
        "the same for the same window of the same ECG under the same statement",
    ),
    "record": ("The ECG within its data set", "text", ""),
    "start_s": ("Where the window begins in the ECG", "number", "seconds"),
    "end_s": ("Where the window ends in the ECG", "number", "seconds"),
    "study": ("Name of the study that it was said in", "text", "empty = outside studies"),
    "type": ("Kind of value", "category", "integer; category; text; time"),
}


def export(engine: Engine, out_dir: Path | str) -> list[Path]:
    """Write all ratings into a folder, and the files of each study into one below it.

    `ratings_long.csv` has a row for each standing answer, `ratings_wide.csv` one for each
    reviewer and prototype, `events.csv` one for each answer ever saved, changed or taken back,
    `opinions.csv` one for each answer of a reviewer about a window, on Rate or in a study,
    `codebook.csv` one for each column of these; a study's files are in `study-NAME`. Files of
    these names are replaced, each in one step.

    Raises
    ------
    RatingsError
        If the database cannot be read or the folder cannot be written to.
    """
    return write_files(out_dir, _files(engine))


def export_study(engine: Engine, name: str, out_dir: Path | str) -> list[Path]:
    """Write the files of one study into `study-NAME` of a folder, where `export` puts them too.

    Raises
    ------
    RatingsError
        If there is no such study, or the folder cannot be written to.
    """
    return write_files(out_dir, _of_study(engine, name))


def export_zip(engine: Engine) -> bytes:
    """Return the files of `export` as one ZIP archive."""
    return as_zip(_files(engine))


def _files(engine: Engine) -> dict[str, bytes]:
    with reading(engine) as connection:
        events, standing = (
            pd.DataFrame(
                connection.execute(select(table).order_by(table.c.id)).all(),
                columns=list(table.c.keys()),
            )
            for table in (rating_event, current_rating)
        )
        opinions = opinions_on(connection)
    frames = {
        "ratings_long.csv": standing,
        "ratings_wide.csv": _wide(standing),
        "events.csv": _with_previous(events),
        OPINIONS: opinions,
        "codebook.csv": codebook(_COLUMNS, _MEANINGS, _asked),
    }
    files = {name: as_csv(frame, _COLUMNS[name]) for name, frame in frames.items()}
    for info in studies(engine):
        if info.started_at is not None:
            files |= _of_study(engine, info.design.name)
    return files


def _of_study(engine: Engine, name: str) -> dict[str, bytes]:
    return {f"study-{name}/{file}": held for file, held in study_files(engine, name).items()}


def _wide(standing: pd.DataFrame) -> pd.DataFrame:
    keys = list(_RATED)
    wide = standing.pivot(index=keys, columns="question", values="value")
    wide = wide.reindex(columns=list(QUESTIONS))
    return wide.assign(last_at=standing.groupby(keys)["at"].max()).reset_index()


def _with_previous(events: pd.DataFrame) -> pd.DataFrame:
    one_answer = ["reviewer", "bundle", "fingerprint", "prototype", "question"]
    return events.assign(previous_value=events.groupby(one_answer)["value"].shift())


def _asked(key: str) -> Meaning:
    question = QUESTIONS[key]
    if question.anchors:
        points = zip(question.points, question.anchors, strict=True)
        return question.text, "integer", "; ".join(f"{p} = {words}" for p, words in points)
    if question.options:
        return question.text, "category", "; ".join((*question.options, "empty = not answered"))
    return question.text, "text", f"up to {TEXT_LENGTH} characters"
