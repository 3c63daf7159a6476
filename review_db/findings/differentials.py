"""ECGs that were read in the arms of a crossover, one row a reading, and ready for an analysis.

readings = differentials(answer_table(engine, "pilot"))
compare_arms(readings, "correct", ("prototypes", "alone"))        # `statistics.mrmc`

What a reading says of an event is scored against that same event. Of the first choice: whether
it is true ("correct"), and by how much its confidence missed that ("brier"). Of the finding that
the case is about: how probable the reader held it, 0 where they didn't name it ("auc",
"sensitivity", "specificity"); where it isn't true, the case is one of specificity.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from review_db.findings.prototypes import is_skipped
from review_db.questions.catalogue import BETWEEN, PROBABILITIES, RANKS
from review_db.statistics.mrmc import Comparison, compare
from review_db.studies.design.declared import ARMS

MRMC = ("reader", "case", "treatment", "truth", "rating")
# Of each outcome: the column that is the rating of its analysis, and what is measured of that.
OUTCOMES = {
    "correct": ("correct", "mean"),
    "auc": ("probability", "auc"),
    "sensitivity": ("probability", "sensitivity"),
    "specificity": ("probability", "specificity"),
    "brier": ("brier", "mean"),
    "seconds": ("seconds", "mean"),
}
OVER_AND_UNDER = (
    *("reader", "model_right_n", "model_wrong_n", "helped", "harmed"),
    *("over_reliance", "under_reliance"),
)
_NAMED_FROM = 0.5
# In an ECG with other findings a sinus rhythm is true, but no answer to what it shows.
_AS_A_RULE = frozenset({"SR"})


@dataclass(frozen=True)
class Reading:
    """An ECG as a reader has read it in an arm.

    Parameters
    ----------
    reader, case, treatment, session : whose, of what, in which arm, and when
    target, present, called : the finding that the case is about, whether it is true, and whether
        the model calls it
    first, correct, brier : the first choice, whether it is true (0 or 1), and the squared error of
        its confidence
    probability, named : what the reader gave to the target, 0 to 1, and whether that is at least
        one half (0 or 1)
    seconds : of work
    """

    reader: str
    case: str
    treatment: str
    session: int
    target: str
    present: bool
    called: bool
    first: str
    correct: float
    brier: float
    probability: float
    named: float
    seconds: float


def differentials(table: pd.DataFrame) -> pd.DataFrame:
    """Return a `Reading` a row for each ECG that was read; practice and skipped ones not."""
    chosen = table[
        (table["kind"] == "differential") & (table["role"] == "rated") & ~is_skipped(table)
    ].dropna(subset=["first_choice", "first_confidence"])
    rows = [_reading(row) for row in chosen.itertuples()]
    return pd.DataFrame(rows, columns=[field.name for field in fields(Reading)])


def mrmc_frame(readings: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return readings as `statistics.mrmc` takes them, for one of `OUTCOMES`.

    Columns: `MRMC`; `truth` is 1 where the finding that the case is about is true, else 0.

    Raises
    ------
    ValueError
        If there is no such outcome.
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"There is no outcome {outcome!r}, expected one of {', '.join(OUTCOMES)}.")
    frame = readings.assign(
        truth=readings["present"].astype(int), rating=readings[OUTCOMES[outcome][0]].astype(float)
    )
    arms = pd.Categorical(frame["treatment"], categories=ARMS, ordered=True)
    return (
        frame.assign(treatment=arms)
        .sort_values(["treatment", "reader", "case"])[list(MRMC)]
        .astype({"treatment": str})
    )


def compare_arms(readings: pd.DataFrame, outcome: str, treatments: tuple[str, ...]) -> Comparison:
    """Compare one of `OUTCOMES` between arms; differences are an earlier one less a later one.

    Raises
    ------
    ValueError
        If there are too few readings to compare, or no such outcome.
    """
    frame = mrmc_frame(readings, outcome)
    measure = OUTCOMES[outcome][1]
    threshold = _NAMED_FROM if measure in ("sensitivity", "specificity") else None
    return compare(frame, measure, threshold=threshold, treatments=treatments)


def reliance(readings: pd.DataFrame, without: str, with_: str) -> pd.DataFrame:
    """Say of each reader what became of first choices beside a model that was right, and wrong.

    A model is right in a case if it calls the case's finding exactly where that is true. Columns
    `OVER_AND_UNDER`: cases of either kind; `helped` (share of the cases with a right model in
    which a wrong first choice became right), `harmed` (of those with a wrong model, a right one
    became wrong); `over_reliance` (of those with a wrong model, in which the reader says of the
    case's finding what it says), `under_reliance` (of those with a right model, says otherwise).
    """
    of = ["reader", "case"]
    both = readings[readings["treatment"] == without].merge(
        readings[readings["treatment"] == with_], on=of, suffixes=("_without", "_with")
    )
    right = both["called_with"] == both["present_with"]
    rows = [
        {"reader": name} | _reliance(one, right[one.index]) for name, one in both.groupby("reader")
    ]
    return pd.DataFrame(rows, columns=list(OVER_AND_UNDER))


def _reading(row: Any) -> Reading:
    true, given = _codes(row.truth), _given(row)
    correct = float(row.first_choice in _answers(true))
    probability = given.get(row.statement, 0.0)
    return Reading(
        reader=row.reviewer,
        case=row.case_name,
        treatment=row.arm,
        session=row.session,
        target=row.statement,
        present=row.statement in true,
        called=row.statement in _codes(row.calls),
        first=row.first_choice,
        correct=correct,
        brier=(given[row.first_choice] - correct) ** 2,
        probability=probability,
        named=float(probability >= _NAMED_FROM),
        seconds=row.seconds,
    )


def _given(row: Any) -> dict[str, float]:
    """Return how probable a reader held what they named."""
    pairs = ((getattr(row, f"{at}_choice"), getattr(row, f"{at}_confidence")) for at in RANKS)
    return {code: PROBABILITIES[sure] for code, sure in pairs if isinstance(code, str)}


def _answers(true: Collection[str]) -> Collection[str]:
    """Return what is right to choose first."""
    return set(true) - _AS_A_RULE if set(true) - {"SR", "NORM"} else true


def _codes(text: object) -> set[str]:
    parts = text.split(BETWEEN.strip()) if isinstance(text, str) else ()
    return {part.strip() for part in parts} - {""}


def _reliance(both: pd.DataFrame, right: pd.Series) -> dict[str, float]:
    before, after = both["correct_without"] == 1, both["correct_with"] == 1
    follows = (both["named_with"] == 1) == both["called_with"]
    return {
        "model_right_n": int(right.sum()),
        "model_wrong_n": int((~right).sum()),
        "helped": (~before & after)[right].mean(),
        "harmed": (before & ~after)[~right].mean(),
        "over_reliance": follows[~right].mean(),
        "under_reliance": (~follows)[right].mean(),
    }
