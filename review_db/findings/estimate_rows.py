"""All that a study found as one table, a row for each statistic and whom it holds for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import pandas as pd

from review_db.findings.cases import Outcome, arms, preferences, two_stages
from review_db.findings.controls import controls, repeats
from review_db.findings.prototypes import agreements, first_stages, rated
from review_db.findings.scores import GROUPS, item_scores
from review_db.findings.summaries import VOTES, summaries
from review_db.questions.catalogue import KINDS
from review_db.statistics.intervals import Estimate

THESE, NEW = "these reviewers", "new reviewers"
_NO_NUMBER = float("nan")


@dataclass(frozen=True)
class Row:
    """One statistic with one of its intervals.

    Parameters
    ----------
    section : "scores", "first looks" (scores before the reveal), "summaries", "controls",
        "repeats", "agreement", "preferences" or "readings"
    of : of what, such as "statement AFIB", "reviewer R01" or "prototypes less calls"
    measure : the question or outcome
    statistic : such as "mean", "alpha" or "difference"
    holds_for : whom the interval and p hold for, beside items or cases like these
    """

    section: str
    of: str
    measure: str
    statistic: str
    value: float
    holds_for: str
    low: float
    high: float
    p: float = _NO_NUMBER
    items: int | None = None
    reviewers: int | None = None


COLUMNS = tuple(field.name for field in fields(Row))


def estimate_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return every statistic of a study, from the table of `answers.answer_table`.

    Columns: `COLUMNS`, as `Row` says; two rows a statistic, one for each it holds for.
    """
    rows = [row for part in _PARTS for row in part(table)]
    frame = pd.DataFrame([asdict(row) for row in rows], columns=list(COLUMNS))
    return frame.astype({"items": "Int64", "reviewers": "Int64"})


def _both(
    section: str,
    of: str,
    measure: str,
    statistic: str,
    found: Estimate,
    *,
    p: tuple[float, float] = (_NO_NUMBER, _NO_NUMBER),
    items: int | None = None,
    reviewers: int | None = None,
) -> Iterator[Row]:
    for whom, interval, p_value in ((THESE, found.these, p[0]), (NEW, found.new, p[1])):
        yield Row(
            *(section, of, measure, statistic, found.value, whom, *interval, p_value),
            *(items, reviewers),
        )


def _scores(table: pd.DataFrame) -> Iterator[Row]:
    for kind in ("prototype", "match"):
        for by in GROUPS:
            for group in item_scores(table, by, kind):
                for question, scores in group.questions.items():
                    mean = scores.mean
                    yield from _both(
                        *("scores", f"{kind}: {by} {group.name}", question),
                        "share of yes" if question == "accurate" else "mean",
                        mean,
                        items=mean.items,
                        reviewers=mean.reviewers,
                    )


def _first_stages(table: pd.DataFrame) -> Iterator[Row]:
    for row in _scores(first_stages(table)):
        # Not all is asked before the reveal.
        if not np.isnan(row.value):
            yield replace(row, section="first looks")


def _summaries(table: pd.DataFrame) -> Iterator[Row]:
    for votes in summaries(table).to_dict("records"):
        for vote, question in VOTES.items():
            yield Row(
                *("summaries", f"prototype {votes['prototype']}", question, "share of reviewers"),
                *(votes[vote] / votes["reviewers"], "", *_NONE),
                reviewers=votes["reviewers"],
            )


def _controls(table: pd.DataFrame) -> Iterator[Row]:
    for found in controls(table):
        of = f"rated less {found.control}"
        yield from _both(
            *("controls", of, found.question, "difference", found.difference),
            items=found.rated_n + found.control_n,
        )


def _repeats(table: pd.DataFrame) -> Iterator[Row]:
    for found in repeats(table):
        whom = f"reviewer {found.reviewer}" if found.reviewer else "mean of reviewers"
        yield from _both(
            *("repeats", whom, found.question, found.statistic, found.estimate), items=found.n
        )


def _agreement(table: pd.DataFrame) -> Iterator[Row]:
    for kind in ("prototype", "match"):
        if rated(table, kind).empty:
            continue
        for question in KINDS[kind].required:
            for found in agreements(table, question):
                yield from _both(
                    *("agreement", f"all of kind {kind}", question, found.statistic, found),
                    items=found.items,
                    reviewers=found.raters,
                )


def _preferences(table: pd.DataFrame) -> Iterator[Row]:
    for found in preferences(table):
        whom = f"reviewer {found.reviewer}" if found.reviewer else "all reviewers"
        yield from _both(
            *("preferences", whom, "better", "mean, -2 for a to 2 for b", found.preference),
            p=(_NO_NUMBER, found.p),
            items=found.preference.items,
            reviewers=found.preference.reviewers,
        )
        yield from _both(
            *("preferences", whom, "better", "mean, -2 for left to 2 for right"),
            found.to_the_right,
            items=found.to_the_right.items,
            reviewers=found.to_the_right.reviewers,
        )


def _readings(table: pd.DataFrame) -> Iterator[Row]:
    for outcome in (*two_stages(table), *arms(table)):
        yield from _outcome(outcome)


def _outcome(outcome: Outcome) -> Iterator[Row]:
    compared = outcome.comparison
    if compared is None:
        return
    items, reviewers = compared.cases, compared.readers
    for arm, mean in zip(compared.treatments, compared.means, strict=True):
        yield Row(
            "readings",
            arm,
            outcome.name,
            "mean of readers",
            mean,
            "",
            *_NONE,
            items=items,
            reviewers=reviewers,
        )
    for n, pair in enumerate(outcome.pairs()):
        of = " less ".join(pair.treatments)
        yield from _both(
            *("readings", of, outcome.name, "difference", outcome.estimate(n)),
            p=(outcome.pairs_of_these()[n].p, pair.p),
            items=items,
            reviewers=reviewers,
        )


_NONE = (np.nan, np.nan)
_PARTS = (
    *(_scores, _first_stages, _summaries),
    *(_controls, _repeats, _agreement, _preferences, _readings),
)
