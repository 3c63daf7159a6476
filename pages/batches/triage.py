"""In which order the ECGs of a batch are looked at, and which of them."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from protoecg.labels import LabelSet, Statement
from protoecg.summary import PRESSING, SINUS_RHYTHMS, USUAL

CRITICAL, MAYBE_CRITICAL, ABNORMAL = "critical", "possibly critical", "abnormal"
MAYBE_ABNORMAL, USUAL_ECG, UNJUDGED = "possibly abnormal", "usual", "not judged"
ORDER = (CRITICAL, MAYBE_CRITICAL, ABNORMAL, UNJUDGED, MAYBE_ABNORMAL, USUAL_ECG)


def triage(row: pd.Series, labels: LabelSet) -> str:
    """Return which of `ORDER` an ECG is, by a row of `protoecg.batch.table.read_rows`.

    What is measured far beyond the ordinary is abnormal, though no finding says so. What the model
    abstains from, or nobody could read, is not judged: a person has to look at it before what is
    only possible. Critical and possible counts from the probability on from which Explain says it
    first.
    """
    if row["error"] or row["abstains"]:
        return UNJUDGED
    likely, possible = row["likely"].split(), row["possible"].split()
    levels = (
        (CRITICAL, any(labels[code].critical for code in likely)),
        (MAYBE_CRITICAL, any(labels[c].critical and row[c] >= PRESSING for c in possible)),
        (ABNORMAL, row["unnamed"] or any(_is_abnormal(labels[code]) for code in likely)),
        (MAYBE_ABNORMAL, any(_is_abnormal(labels[code]) for code in possible)),
    )
    return next((name for name, holds in levels if holds), USUAL_ECG)


def _is_abnormal(statement: Statement) -> bool:
    return not statement.is_normal and statement.scp not in (*USUAL, *SINUS_RHYTHMS)


def in_order(rows: pd.DataFrame, labels: LabelSet) -> pd.DataFrame:
    """Return rows in the order of `ORDER`, those of one kind as they were; the index stays."""
    place = {name: number for number, name in enumerate(ORDER)}
    kinds = rows.apply(triage, axis=1, args=(labels,)).map(place)
    return rows.loc[kinds.sort_values(kind="stable").index]


def having(rows: pd.DataFrame, codes: Collection[str], *, possible: bool) -> pd.DataFrame:
    """Return the rows that have any of some statements; all where none is named.

    An ECG that the model abstains from has none.

    Parameters
    ----------
    possible : whether a possible statement counts as well as a likely one
    """
    if not codes:
        return rows
    called = rows["likely"] + (" " + rows["possible"] if possible else "")
    called = called.where(rows["abstains"] == "", "")
    return rows[[not set(codes).isdisjoint(of.split()) for of in called]]


def found(rows: pd.DataFrame, labels: LabelSet) -> list[str]:
    """Return the statements that any ECG has likely or possible, the most urgent first."""
    judged = rows[rows["abstains"] == ""]
    codes = {code for of in (*judged["likely"], *judged["possible"]) for code in of.split()}
    return sorted(codes, key=lambda code: (labels[code].urgency, code))
