"""What counts of a study's prototypes and matches, and how far reviewers agree on it.

All functions take the table that `answers.answer_table` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from review_db.findings.answers import ASSIGNMENT
from review_db.questions.catalogue import KINDS, STUDY_QUESTIONS, STUDY_SCALES
from review_db.statistics.agreement import Agreement, agreement

ORDINAL = ("alpha", "weighted_kappa", "fleiss_kappa", "ac2", "icc_2_1", "percent")
NOMINAL = ("alpha_nominal", "kappa", "fleiss_kappa", "ac1", "percent")
_YES_NO = {"yes": 1.0, "no": 0.0}


@dataclass(frozen=True)
class StatementAgreement:
    """How far reviewers agree on the prototypes or matches of a statement."""

    statement: str
    agreement: Agreement


def rated(table: pd.DataFrame, kind: str = "prototype") -> pd.DataFrame:
    """Return the first looks at items that count, as they were judged when all was shown.

    Items that were skipped in the end don't count, whatever was answered before.
    """
    chosen = table[(table["kind"] == kind) & (table["role"] == "rated") & table["repeat_of"].isna()]
    return last_stage(chosen)


def first_stages(table: pd.DataFrame) -> pd.DataFrame:
    """Return the looks before the reveal, at what was judged again after it."""
    again = table.groupby(ASSIGNMENT)["stage"].transform("max") > 1
    return table[again & (table["stage"] == 1)]


def agreements(table: pd.DataFrame, question: str, statement: str | None = None) -> list[Agreement]:
    """Compute all statistics of agreement on a question about prototypes or matches.

    Items are those that count, at their first look; of one statement, if it is given.
    """
    chosen = rated(table, kind_of(question))
    chosen = chosen if statement is None else chosen[chosen["statement"] == statement]
    ratings = rating_matrix(chosen, question)
    names = NOMINAL if question == "accurate" else ORDINAL
    return [agreement(ratings, points_of(question), name) for name in names]


def agreement_by_statement(
    table: pd.DataFrame, question: str, statistic: str
) -> list[StatementAgreement]:
    """Return one statistic of agreement for each statement of which two items were rated twice."""
    found = [
        StatementAgreement(
            str(statement),
            agreement(rating_matrix(chosen, question), points_of(question), statistic),
        )
        for statement, chosen in rated(table, kind_of(question)).groupby("statement")
    ]
    return [one for one in found if one.agreement.items > 1]


def kind_of(question: str) -> str:
    """Return the kind of item that a question about prototypes or matches is asked of."""
    return "match" if question in KINDS["match"].required else "prototype"


def rating_matrix(
    chosen: pd.DataFrame, question: str, *, reviewers: Sequence[str] | None = None
) -> np.ndarray:
    """Return the ratings as (items, reviewers), NaN where missing or not to be judged.

    `reviewers` are the columns, else all that there are.
    """
    values = chosen.assign(rating=numbers(chosen[question], question))
    wide = values.pivot(index="item", columns="reviewer", values="rating")
    return wide.reindex(columns=reviewers or wide.columns).to_numpy(float)


def numbers(answers: pd.Series, question: str) -> pd.Series:
    """Return answers as numbers: points as they are, yes 1, no 0, NaN for all others."""
    if question in STUDY_SCALES:
        return pd.to_numeric(answers, errors="coerce").astype(float)
    return answers.map(_YES_NO).astype(float)


def points_of(question: str) -> list[float]:
    """Return all numbers that an answer can be, in their order."""
    return [float(p) for p in STUDY_QUESTIONS[question].points] or [0.0, 1.0]


def limits_of(question: str) -> tuple[float, float]:
    """Return the lowest and the highest number that an answer can be."""
    points = points_of(question)
    return points[0], points[-1]


def last_stage(table: pd.DataFrame) -> pd.DataFrame:
    """Return the last look at each item, but of those that were skipped at it."""
    last = table.groupby(ASSIGNMENT)["stage"].transform("max") == table["stage"]
    return table.loc[last & ~is_skipped(table)]


def is_skipped(table: pd.DataFrame) -> pd.Series:
    """Say of each look whether it was skipped."""
    return table["skip"].eq("yes")
