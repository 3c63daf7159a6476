"""The answers of a study as a table, a row for each stage that has any, and which of them count.

It is what all figures are computed from, and what the export holds, so that whoever has the CSV
can compute the same.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, Table, select

from review_db.findings.shown import SHOWN, shown_columns
from review_db.questions.catalogue import BETWEEN, STUDY_QUESTIONS
from review_db.store.database import reading
from review_db.store.schema import assignment, item_event, sheet, study_item
from review_db.studies.items import item_from
from review_db.studies.trail import standing_of

ASSIGNMENT = ["study", "reviewer", "position"]
ITEM = ["kind", "role", "branch", "statement", "prototype", "case_name"]
COLUMNS = [
    *ASSIGNMENT,
    "stage",
    "item",
    *ITEM,
    "truth",
    *SHOWN,
    "repeat_of",
    "swapped",
    "session",
    "arm",
    "withdrawn",
    *STUDY_QUESTIONS,
    "seconds",
    "last_at",
]


def answer_table(engine: Engine, study: str, until: int | None = None) -> pd.DataFrame:
    """Return the standing answers of a study, one row for each stage of an item that has any.

    `until` is the last event that counts; all do, if None.

    Those of reviewers who were withdrawn are left out; `answers_on` has them as well.

    Columns: `COLUMNS`; answers as text, missing where none stands; `seconds` spent over all saves.
    """
    with reading(engine) as connection:
        return counted(answers_on(connection, study, until))


def events_on(connection: Connection, study: str, until: int | None = None) -> pd.DataFrame:
    """Return every answer that was saved, changed or taken back, up to the event `until`."""
    events = rows_of(connection, item_event, study)
    return events if until is None else events[events["id"] <= until]


def standing(events: pd.DataFrame) -> pd.DataFrame:
    """Return those of `events_on` whose answer stands."""
    latest = events.drop_duplicates([*ASSIGNMENT, "stage", "question"], keep="last")
    return latest[latest["new_value"] != ""]


def counted(table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers that count in an analysis: not those of reviewers who were withdrawn."""
    return table[~table["withdrawn"]].reset_index(drop=True)


def answers_on(connection: Connection, study: str, until: int | None = None) -> pd.DataFrame:
    """Return `answer_table` as this connection sees it, with reviewers who were withdrawn."""
    events, keys = events_on(connection, study, until), [*ASSIGNMENT, "stage"]
    table = standing(events).pivot(index=keys, columns="question", values="new_value")
    table = table.reindex(columns=list(STUDY_QUESTIONS)).rename_axis(columns=None)
    # A question that nobody answered is of text as well.
    table = table.astype(pd.StringDtype(na_value=np.nan))
    saves = events.drop_duplicates([*keys, "revision"]).groupby(keys)["duration_ms"].sum()
    # What was looked at again and left as it was has no event.
    since = rows_of(connection, sheet, study).groupby(keys)["spent_ms"].sum()
    spent = saves if until is not None else saves.add(since, fill_value=0)
    table = table.assign(seconds=spent / 1000, last_at=events.groupby(keys)["at"].max())
    assignments = assignments_on(connection, study)
    joined = table.reset_index().merge(
        assignments, on=ASSIGNMENT, how="left", validate="many_to_one"
    )
    return joined[COLUMNS].sort_values(keys).reset_index(drop=True)


def assignments_on(connection: Connection, study: str) -> pd.DataFrame:
    """Return the assignment list: which item each reviewer meets at which position."""
    items = study_item.c
    query = (
        select(assignment, *(items[name] for name in ITEM), items.data)
        .join(study_item, (items.study == assignment.c.study) & (items.number == assignment.c.item))
        .where(assignment.c.study == study)
        .order_by(assignment.c.reviewer, assignment.c.position)
    )
    columns = [*assignment.c.keys(), *ITEM, "data"]
    rows = connection.execute(query).all()
    items_of = {row.item: item_from(row) for row in rows}
    assignments = pd.DataFrame(rows, columns=columns)
    shown = pd.DataFrame(
        [
            {"truth": BETWEEN.join(items_of[row.item].truth), **shown_columns(items_of[row.item])}
            for row in rows
        ],
        columns=["truth", *SHOWN],
    )
    withdrawn = assignments["reviewer"].isin(standing_of(connection, study).withdrawn)
    repeats = assignments["repeat_of"].astype("Int64")
    return pd.concat([assignments, shown], axis=1).assign(repeat_of=repeats, withdrawn=withdrawn)


def rows_of(connection: Connection, table: Table, study: str) -> pd.DataFrame:
    """Return the rows of a study in one of the tables, in the order that they came."""
    order = (table.c[name] for name in ("id", *ASSIGNMENT, "stage") if name in table.c)
    query = select(table).where(table.c.study == study).order_by(*order)
    return pd.DataFrame(connection.execute(query).all(), columns=list(table.c.keys()))
