"""What a study found about cases: which explanation is preferred, and what readers gain by one.

The functions take the table of `answers.answer_table`. Readers and cases are both samples, as
`statistics.mrmc` has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from review_db.findings.differentials import OUTCOMES, compare_arms, differentials
from review_db.findings.prototypes import is_skipped, numbers, rated
from review_db.questions.catalogue import PROBABILITIES
from review_db.statistics.intervals import Estimate
from review_db.statistics.means import Mean, mean_of
from review_db.statistics.mrmc import Comparison, compare
from review_db.statistics.mrmc.hillis import Difference
from review_db.statistics.multiplicity import holm
from review_db.studies.design.declared import ARMS, Protocol

# How far "better" leans to the right-hand explanation.
_LEAN = {"1": -2.0, "2": -1.0, "3": 0.0, "4": 1.0, "5": 2.0}
TWO_STAGES = ("correct", "overlap", "brier", "seconds")
WITHOUT, WITH = "without", "with the explanation"


@dataclass(frozen=True)
class Preference:
    """Which of two explanations all reviewers (`reviewer` "") or one of them preferred.

    Parameters
    ----------
    preference : mean, -2 for a to 2 for b; `p` of no preference among reviewers and cases like
        these, NaN for one reviewer, or where none can be given
    to_the_right : mean, -2 for the left one to 2 for the right one, whichever explanation that was:
        what a side is preferred by
    prefers_a, prefers_b, acceptable_a, acceptable_b : shares; NaN where nobody judged it
    """

    reviewer: str
    preference: Mean
    p: float
    to_the_right: Mean
    prefers_a: float
    prefers_b: float
    acceptable_a: float
    acceptable_b: float


@dataclass(frozen=True)
class Outcome:
    """What readings were compared by, and what came out.

    Parameters
    ----------
    name : such as "correct" or "seconds"
    comparison : of all arms, the later ones less the earlier ones; None where `why` says why not
    """

    name: str
    comparison: Comparison | None
    why: str = ""

    def pairs(self) -> tuple[Difference, ...]:
        """Return the differences between any two arms, among readers and cases like these."""
        return self.comparison.random_readers_random_cases.pairs if self.comparison else ()

    def pairs_of_these(self) -> tuple[Difference, ...]:
        """Return `pairs` for these readers."""
        return self.comparison.fixed_readers_random_cases.pairs if self.comparison else ()

    def estimate(self, pair: int = 0) -> Estimate:
        """Return one of the differences, for these readers and for new ones."""
        new, these = self.pairs()[pair], self.pairs_of_these()[pair]
        return Estimate(new.difference, these.ci, new.ci)

    def mean(self, arm: str) -> float:
        """Return what was measured in an arm, mean of the readers."""
        if self.comparison is None:
            return float("nan")
        return self.comparison.means[self.comparison.treatments.index(arm)]


@dataclass(frozen=True)
class Declared:
    """An outcome that was declared before the start: its p, and that after the multiplicity rule.

    `is_met` says whether the second is below the declared alpha.
    """

    name: str
    difference: Difference
    p: float
    adjusted: float
    is_met: bool


def preferences(table: pd.DataFrame) -> list[Preference]:
    """Say which of two explanations was preferred, by all reviewers and by each."""
    pairs = rated(table, "pair")
    swapped = pairs["swapped"].astype(bool)
    lean = pairs["better"].map(_LEAN).astype(float)
    left, right = (numbers(pairs[key], key) for key in ("left_acceptable", "right_acceptable"))
    pairs = pairs.assign(
        to_the_right=lean,
        toward_b=lean.where(~swapped, -lean),
        a=left.where(~swapped, right),
        b=right.where(~swapped, left),
    )
    if pairs.empty:
        return []
    return [
        replace(_preference("", pairs), p=_p_of_a_preference(pairs)),
        *(_preference(str(reviewer), one) for reviewer, one in pairs.groupby("reviewer")),
    ]


def two_stages(table: pd.DataFrame) -> list[Outcome]:
    """Compare reading with the explanation to reading without it, as before codebook 3.

    Outcomes are `TWO_STAGES`: "correct" (the leading statement is named), "overlap" (of all
    statements named and true, the share that is both), "brier" (squared error of the confidence)
    and "seconds" (of each look by itself). The explanation always came second.
    """
    readings = _two_stages(table)
    return [_outcome(name, partial(_of_two_stages, readings, name)) for name in TWO_STAGES]


def arms(table: pd.DataFrame) -> list[Outcome]:
    """Compare the arms in which ECGs were read, by each outcome of a reading."""
    readings = differentials(table)
    met = _arms_met(readings)
    return [_outcome(name, partial(compare_arms, readings, name, met)) for name in OUTCOMES]


def pilot_comparison(table: pd.DataFrame, outcome: str = "correct") -> Comparison:
    """Return how an outcome differs between reading alone and with all that is shown.

    Of studies of two looks it is the leading statement that is right, whatever is asked for.

    Raises
    ------
    ValueError
        If nobody read ECGs in two ways.
    """
    readings = differentials(table)
    if readings.empty:
        return _of_two_stages(_two_stages(table), "correct")
    met = _arms_met(readings)
    return compare_arms(readings, outcome, (met[0], met[-1]))


def declared(
    outcomes: Sequence[Outcome], protocol: Protocol, alpha: float | None = None
) -> list[Declared]:
    """Judge what the protocol declared, the primary outcome first, by its multiplicity rule.

    `alpha` is what may be spent now, see `opening`; what is left for the end, if None.

    Outcomes that are no readings' are not among them, nor what could not be compared.
    """
    by_name = {outcome.name: outcome for outcome in outcomes if outcome.comparison}
    names = [name for name in (protocol.primary, *protocol.secondary) if name in by_name]
    tested = [
        (str(name), pair)
        for name in names
        for pair in by_name[str(name)].pairs()
        if set(pair.treatments) == set(protocol.compare)
    ]
    p = [pair.p for _, pair in tested]
    spent = protocol.final_alpha if alpha is None else alpha
    adjusted = holm(p) if protocol.multiplicity == "holm" else p
    return [
        Declared(name, pair, pair.p, after, bool(after < spent))
        for (name, pair), after in zip(tested, adjusted, strict=True)
    ]


def _outcome(name: str, compared: Callable[[], Comparison]) -> Outcome:
    """Compare, or say why that cannot be."""
    try:
        return Outcome(name, compared())
    except ValueError as error:
        return Outcome(name, None, str(error))


def _of_two_stages(readings: pd.DataFrame, name: str) -> Comparison:
    return compare(readings.assign(rating=readings[name]), "mean", treatments=(WITH, WITHOUT))


def _two_stages(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row a stage, with `TWO_STAGES` and the columns that `compare` needs."""
    readings = table[(table["kind"] == "reading") & (table["role"] == "rated") & ~is_skipped(table)]
    readings = readings.dropna(subset=["diagnosis", "confidence"])
    named, true = (readings[column].map(_codes) for column in ("diagnosis", "truth"))
    correct = np.array(
        [s in codes for s, codes in zip(readings["statement"], named, strict=True)], float
    )
    return readings.assign(
        correct=correct,
        overlap=[len(a & b) / len(a | b) for a, b in zip(named, true, strict=True)],
        brier=(readings["confidence"].map(PROBABILITIES).astype(float) - correct) ** 2,
        treatment=readings["stage"].map({1: WITHOUT, 2: WITH}),
        truth=1,
    ).rename(columns={"reviewer": "reader", "item": "case"})


def _arms_met(readings: pd.DataFrame) -> tuple[str, ...]:
    """Return the arms that were read in, what shows most first."""
    return tuple(arm for arm in reversed(ARMS) if arm in set(readings["treatment"]))


def _preference(reviewer: str, pairs: pd.DataFrame) -> Preference:
    judged = pairs["toward_b"].dropna()
    return Preference(
        reviewer=reviewer,
        preference=_mean_lean(pairs, "toward_b"),
        p=np.nan,
        to_the_right=_mean_lean(pairs, "to_the_right"),
        prefers_a=float((judged < 0).mean()),
        prefers_b=float((judged > 0).mean()),
        acceptable_a=float(pairs["a"].mean()),
        acceptable_b=float(pairs["b"].mean()),
    )


def _mean_lean(pairs: pd.DataFrame, column: str) -> Mean:
    matrix = pairs.pivot(index="item", columns="reviewer", values=column)
    return mean_of(matrix.to_numpy(float), (-2.0, 2.0))


def _p_of_a_preference(pairs: pd.DataFrame) -> float:
    """Test the preference against a second treatment that is preferred as much as the first."""
    given = pairs.assign(treatment="b", rating=pairs["toward_b"])
    frame = pd.concat([given, given.assign(treatment="a", rating=given["rating"] * 0)]).assign(
        truth=1
    )
    frame = frame.rename(columns={"reviewer": "reader", "item": "case"})
    compared = partial(compare, frame, "mean", treatments=("b", "a"))
    tested = _outcome("preference", compared).pairs()
    return tested[0].p if tested else np.nan


def _codes(text: str) -> set[str]:
    return {code.strip() for code in text.split(";") if code.strip()}
