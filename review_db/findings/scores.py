"""How prototypes and matches were scored, by branch, statement, prototype or reviewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from review_db.findings.prototypes import limits_of, numbers, rated, rating_matrix
from review_db.questions.catalogue import KINDS, STUDY_QUESTIONS
from review_db.statistics.means import Mean, mean_of

# What a row of scores is about.
GROUPS = {
    "branch": ["branch"],
    "statement": ["branch", "statement"],
    "prototype": ["branch", "statement", "prototype"],
    "reviewer": ["reviewer"],
}


@dataclass(frozen=True)
class QuestionScores:
    """How a question was answered.

    Parameters
    ----------
    mean : of the points; of "accurate", the share of yes
    sd, q1, median, q3 : of the ratings; NaN where there are too few
    chosen : how often each of the question's options was chosen, such as "1" or "cannot_judge"
    """

    question: str
    mean: Mean
    sd: float
    q1: float
    median: float
    q3: float
    chosen: Mapping[str, int]


@dataclass(frozen=True)
class GroupScores:
    """The scores of a branch, statement, prototype or reviewer; "" for what it is not of.

    `n` are its ratings.
    """

    n: int
    questions: Mapping[str, QuestionScores]
    branch: str = ""
    statement: str = ""
    prototype: str = ""
    reviewer: str = ""

    @property
    def name(self) -> str:
        """The name of what the scores are of."""
        return self.prototype or self.statement or self.branch or self.reviewer


def item_scores(
    table: pd.DataFrame, by: str = "statement", kind: str = "prototype"
) -> list[GroupScores]:
    """Return the scores of prototypes or matches for each group, by one of `GROUPS`.

    Raises
    ------
    ValueError
        If `by` is none of `GROUPS`.
    """
    if by not in GROUPS:
        raise ValueError(f"Scores by {by!r} are not known, expected one of {', '.join(GROUPS)}.")
    keys = GROUPS[by]
    return [
        GroupScores(
            n=len(group),
            questions={question: _scores(group, question) for question in KINDS[kind].required},
            **dict(zip(keys, map(str, names), strict=True)),
        )
        for names, group in rated(table, kind).groupby(keys)
    ]


def _scores(group: pd.DataFrame, question: str) -> QuestionScores:
    given = numbers(group[question], question).dropna()
    q1, median, q3 = given.quantile([0.25, 0.5, 0.75]) if len(given) else (np.nan,) * 3
    limits = limits_of(question)
    return QuestionScores(
        question=question,
        mean=mean_of(rating_matrix(group, question), limits, share=limits == (0, 1)),
        sd=float(given.std()),
        q1=float(q1),
        median=float(median),
        q3=float(q3),
        chosen={o: int((group[question] == o).sum()) for o in STUDY_QUESTIONS[question].options},
    )
