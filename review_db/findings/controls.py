"""Whether reviewers see through control items, and agree with themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from review_db.findings.answers import ASSIGNMENT
from review_db.findings.prototypes import (
    last_stage,
    limits_of,
    numbers,
    points_of,
    rated,
    rating_matrix,
)
from review_db.questions.catalogue import STUDY_QUESTIONS, STUDY_SCALES
from review_db.statistics import Array
from review_db.statistics.agreement import agreement
from review_db.statistics.intervals import NO_INTERVAL, Error, Estimate, of_coefficient
from review_db.statistics.means import difference_of

CONTROLS = ("wrong_statement", "random_window", "noise")
_ASKED = ("accurate", "representativeness", "clarity")
_BETTER = STUDY_QUESTIONS["better"].points


@dataclass(frozen=True)
class ControlComparison:
    """Rated prototypes against one kind of control item, by one question.

    Parameters
    ----------
    rated_n, control_n : items of either kind
    rated_mean, control_mean : of their ratings (shares of yes for "accurate")
    difference : of these two
    above : the probability that a rated item scores higher than a control item
    """

    control: str
    question: str
    rated_n: int
    control_n: int
    rated_mean: float
    control_mean: float
    difference: Estimate
    above: float


@dataclass(frozen=True)
class SelfAgreement:
    """How far a reviewer agrees with themselves, or all of them do on the mean (`reviewer` "").

    Parameters
    ----------
    n : pairs of a first and a second rating
    same : share of equal pairs
    difference : second less first, mean
    statistic : the name of the coefficient that `estimate` is; of all reviewers, it is the mean of
        their own coefficients
    """

    question: str
    reviewer: str
    n: int
    same: float
    difference: float
    statistic: str
    estimate: Estimate


def controls(table: pd.DataFrame) -> list[ControlComparison]:
    """Compare rated prototypes with each kind of control item that was rated, by each question."""
    real = rated(table)
    shown = table[(table["kind"] == "prototype") & table["repeat_of"].isna()]
    return [
        _compared(control, question, real, fake)
        for control in CONTROLS
        if len(fake := last_stage(shown[shown["role"] == control]))
        for question in _ASKED
    ]


def repeats(table: pd.DataFrame) -> list[SelfAgreement]:
    """Say how far reviewers agree with themselves, by each question: all first, then each.

    Which of two explanations is better is compared though they may have changed sides.
    """
    rows = _by_explanation(table)
    pairs = last_stage(rows[rows["repeat_of"].notna()]).merge(
        last_stage(rows[rows["repeat_of"].isna()]),
        left_on=["study", "reviewer", "repeat_of"],
        right_on=ASSIGNMENT,
        suffixes=("_second", "_first"),
    )
    found = []
    for question in ("accurate", *STUDY_SCALES):
        if f"{question}_first" not in pairs:
            continue
        both = np.column_stack(
            [numbers(pairs[f"{question}_{time}"], question) for time in ("first", "second")]
        )
        given = ~np.isnan(both).any(axis=1)
        each = [
            _of_one(question, str(reviewer), both[given & (pairs["reviewer"] == reviewer)])
            for reviewer in sorted(pairs.loc[given, "reviewer"].unique())
        ]
        found += [_of_all(question, each), *each] if each else []
    return found


def _by_explanation(table: pd.DataFrame) -> pd.DataFrame:
    """Return the answers with "better" as if explanation a had always stood on the left."""
    turned = dict(zip(_BETTER, reversed(_BETTER), strict=True))
    mirrored = table["better"].map(lambda answer: turned.get(answer, answer))
    return table.assign(better=table["better"].where(~table["swapped"].astype(bool), mirrored))


def _compared(
    control: str, question: str, real: pd.DataFrame, fake: pd.DataFrame
) -> ControlComparison:
    reviewers = sorted({*real["reviewer"], *fake["reviewer"]})
    first, second = (rating_matrix(rows, question, reviewers=reviewers) for rows in (real, fake))
    low, high = limits_of(question)
    of_items = [np.nanmean(rows[~np.isnan(rows).all(axis=1)], axis=1) for rows in (first, second)]
    sizes = [len(means) for means in of_items]
    both = all(sizes)
    return ControlComparison(
        control=control,
        question=question,
        rated_n=sizes[0],
        control_n=sizes[1],
        rated_mean=float(np.nanmean(first)) if sizes[0] else np.nan,
        control_mean=float(np.nanmean(second)) if sizes[1] else np.nan,
        difference=difference_of(first, second, (low - high, high - low))
        if both
        else Estimate(np.nan, NO_INTERVAL, NO_INTERVAL),
        above=float(scipy.stats.mannwhitneyu(*of_items).statistic / (sizes[0] * sizes[1]))
        if both
        else np.nan,
    )


def _of_one(question: str, reviewer: str, both: Array) -> SelfAgreement:
    name = "kappa" if question == "accurate" else "weighted_kappa"
    return SelfAgreement(
        question=question,
        reviewer=reviewer,
        n=len(both),
        same=float((both[:, 0] == both[:, 1]).mean()),
        difference=float((both[:, 1] - both[:, 0]).mean()),
        statistic=name,
        estimate=agreement(both, points_of(question), name),
    )


def _of_all(question: str, each: list[SelfAgreement]) -> SelfAgreement:
    """Return the mean over reviewers: pooled pairs would take their differences for agreement."""
    own = np.array([one.estimate.value for one in each])
    own = own[~np.isnan(own)]
    value = float(own.mean()) if len(own) else np.nan
    error = Error(own.var(ddof=1) / len(own), len(own) - 1) if len(own) > 1 else None
    return SelfAgreement(
        question=question,
        reviewer="",
        n=sum(one.n for one in each),
        same=float(np.mean([one.same for one in each])),
        difference=float(np.mean([one.difference for one in each])),
        statistic=each[0].statistic,
        estimate=Estimate(
            value, NO_INTERVAL, of_coefficient(value, error) if error else NO_INTERVAL
        ),
    )
