"""What reviewers said of each window, on Rate and in studies: one table, each reviewer once.

An opinion is a reviewer's latest answer to a question about a window under a statement, wherever it
was given: a reviewer's code is taken to be one person. Of studies, only first looks at rated
prototypes count, as they were judged when all was shown; controls, practice and repeats don't. Of
a study that is running, only what a look has opened counts (`opening`), and of test runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Engine, select

from protoecg.prototypes.prototype import window_identity
from review_db.findings.answers import answers_on, counted
from review_db.findings.opening import seen_on
from review_db.findings.prototypes import rated
from review_db.questions.catalogue import QUESTIONS, SCALES
from review_db.ratings.windows import RELATIVE
from review_db.store.database import reading
from review_db.store.schema import item_event, prototype_window, rating_event, study, study_item
from review_db.studies.lifecycle import StudyInfo, info_on

COLUMNS = (
    *("reviewer", "window", "statement", "record", "start_s", "end_s", "question", "value", "at"),
    *("study", "bundle", "fingerprint", "prototype"),
)
ASKED = tuple(question for question in QUESTIONS if question not in RELATIVE)
_ONE = ["reviewer", "window", "question"]


def opinions(engine: Engine) -> pd.DataFrame:
    """Return the opinions of all reviewers; columns: `COLUMNS`, `study` empty outside studies."""
    with reading(engine) as connection:
        return opinions_on(connection)


def opinions_on(connection: Connection) -> pd.DataFrame:
    """Return `opinions` as this connection sees it."""
    studies = [_of_study(connection, info) for info in _started(connection)]
    parts = [_single(connection), *studies]
    answers = pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)
    answers = answers[answers["question"].isin(ASKED)].sort_values("at", kind="stable")
    latest = answers.drop_duplicates(_ONE, keep="last")
    return latest[latest["value"] != ""].reset_index(drop=True)


def left_out(engine: Engine) -> str:
    """Say in a sentence whose answers are not among the opinions yet; nothing if all are."""
    with reading(engine) as connection:
        closed = sum(_has_more(connection, info) for info in _started(connection))
    if not closed:
        return ""
    studies = f"{closed} running {'study' if closed == 1 else 'studies'}"
    return f"Answers of {studies} are not counted yet: nothing is seen before the end, or a look."


def _started(connection: Connection) -> list[StudyInfo]:
    """Return the studies whose answers are opinions, now or at their end."""
    query = select(study.c.name).where(study.c.started_at.is_not(None), ~study.c.test)
    return [info_on(connection, name) for name in connection.scalars(query).all()]


def _has_more(connection: Connection, info: StudyInfo) -> bool:
    until = seen_on(connection, info).until
    given = item_event.c
    later = select(given.id).where(given.study == info.design.name, given.question.in_(ASKED))
    return until is not None and connection.scalar(later.where(given.id > until)) is not None


def _same_prototype() -> ColumnElement[bool]:
    return (rating_event.c.fingerprint == prototype_window.c.fingerprint) & (
        rating_event.c.prototype == prototype_window.c.prototype
    )


def _single(connection: Connection) -> pd.DataFrame:
    event, own = rating_event.c, prototype_window.c
    query = (
        select(
            event.reviewer,
            own.identity,
            own.statement,
            own.record,
            own.start_s,
            own.end_s,
            event.question,
            event.value,
            event.at,
            event.bundle,
            event.fingerprint,
            event.prototype,
        )
        .join(prototype_window, _same_prototype())
        .order_by(event.id)
    )
    columns = [column for column in COLUMNS if column != "study"]
    table = pd.DataFrame(connection.execute(query).all(), columns=columns).assign(study="")
    # What was taken back last says nothing, but what stood before must not come back either.
    return table[list(COLUMNS)].drop_duplicates(_ONE, keep="last")


def _of_study(connection: Connection, info: StudyInfo) -> pd.DataFrame:
    name, items = info.design.name, study_item.c
    rows = connection.execute(select(items.number, items.data).where(items.study == name)).all()
    drawn = {number: json.loads(data).get("ecg") for number, data in rows}
    answers = answers_on(connection, name, seen_on(connection, info).until)
    found = [
        {**_window(row["statement"], drawn[row["item"]]), **_answer(row, question)}
        for row in rated(counted(answers)).to_dict("records")
        for question in ASKED
        if question in row and isinstance(row[question], str)
    ]
    about = {"study": name, "bundle": info.bundle, "fingerprint": info.fingerprint}
    table = pd.DataFrame(found, columns=[c for c in COLUMNS if c not in about])
    return table.assign(**about)[list(COLUMNS)]


def _window(statement: str, ecg: dict[str, object]) -> dict[str, object]:
    start_s, end_s = (float(end) for end in ecg["window_s"])  # type: ignore[attr-defined]
    return {
        "window": window_identity(statement, str(ecg["sha256"]), (start_s, end_s)),
        "statement": statement,
        "record": ecg["record"],
        "start_s": start_s,
        "end_s": end_s,
    }


def _answer(row: dict[str, object], question: str) -> dict[str, object]:
    return {
        "reviewer": row["reviewer"],
        "question": question,
        "value": row[question],
        "at": row["last_at"],
        "prototype": row["prototype"],
    }


def summary(table: pd.DataFrame, named: Mapping[str, str]) -> pd.DataFrame:
    """Say what reviewers found of some windows: one row each that was rated, by its name.

    Columns: `reviewers` (how many), `representativeness` and `clarity` (mean), `accurate` (share of
    yes), `bad` (by how many), `studies` (whether some of it was given in a study).

    Parameters
    ----------
    table : as `opinions` returns them
    named : names of the windows
    """
    own = table[table["window"].isin(named)]
    own = own.assign(
        name=own["window"].map(named),
        points=pd.to_numeric(own["value"], errors="coerce").astype(float),
        yes=own["value"].map({"yes": 1.0, "no": 0.0}).astype(float),
    )
    asked = {question: own[own["question"] == question] for question in ASKED}
    found = pd.DataFrame(
        {
            "reviewers": own.groupby("name")["reviewer"].nunique(),
            **{s: asked[s].groupby("name")["points"].mean() for s in SCALES},
            "accurate": asked["accurate"].groupby("name")["yes"].mean(),
            "bad": asked["bad"].groupby("name")["yes"].sum(),
            "studies": own.groupby("name")["study"].any(),
        }
    )
    # Nobody who was not asked, or did not mark it, calls it bad.
    return found.fillna({"bad": 0})
