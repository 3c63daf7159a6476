"""How far a study's reviewers agree, with control items, with themselves and with each other."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.findings import estimates
from pages.findings.estimates import Results, Whose
from pages.shell import choices
from protoecg import wording
from review_db.findings.controls import ControlComparison, SelfAgreement
from review_db.findings.controls import controls as compare_controls
from review_db.findings.controls import repeats as compare_repeats
from review_db.findings.prototypes import (
    StatementAgreement,
    agreement_by_statement,
    agreements,
    rated,
)
from review_db.questions.catalogue import KINDS
from review_db.statistics.agreement import Agreement

STATISTICS = {
    "alpha": "Krippendorff's alpha, ordinal",
    "alpha_nominal": "Krippendorff's alpha, nominal",
    "weighted_kappa": "Cohen's kappa, quadratic weights, mean of pairs",
    "kappa": "Cohen's kappa, mean of pairs",
    "fleiss_kappa": "Fleiss' kappa",
    "ac2": "Gwet's AC2, quadratic weights",
    "ac1": "Gwet's AC1",
    "icc_2_1": "ICC(2,1), all ratings",
    "percent": "Share of equal answers",
}
CONTROLS = {
    "wrong_statement": "under a wrong statement",
    "random_window": "random window",
    "noise": "noise added",
}


def controls_and_repeats(results: Results) -> None:
    """Compare rated prototypes with control items, and second ratings with first ones."""
    answers, whom = results.answers, results.whom
    st.markdown("#### Rated prototypes against control items")
    found = compare_controls(answers)
    if found:
        _controls(answers, found, whom)
    else:
        st.info("No control item is rated, or the study has none.")
    st.markdown("#### First look against repeat")
    again = compare_repeats(answers)
    if again:
        _repeats(again, whom)
    else:
        st.info("No repeated item is rated twice, or the study has none.")


def agreement(results: Results) -> None:
    """Show all statistics of agreement on a question, and one of them by statement."""
    answers, whom = results.answers, results.whom
    asked = [
        question
        for kind in ("prototype", "match")
        if not rated(answers, kind).empty
        for question in KINDS[kind].required
    ]
    question = choices.one_of("Question", asked, key="question")
    found = _agreements(answers, question)
    estimates.table(
        {
            "statistic": [STATISTICS[one.statistic] for one in found],
            "value (95 %)": [whom.text(one) for one in found],
            "items": [one.items for one in found],
            "reviewers": [one.raters for one in found],
            "ratings": [one.ratings for one in found],
            "prevalence of the answers in order": [
                ", ".join(wording.share(share) for share in one.prevalence) for one in found
            ],
        }
    )
    st.caption(" ".join(_notes(found)))
    st.markdown("**By statement**")
    statistic = found[0].statistic
    rows = _by_statement(answers, question, statistic)
    if not rows:
        st.info("No statement has two items that two reviewers or more have rated.")
        return
    estimates.forest(
        [row.agreement for row in rows],
        [results.labels.named(row.statement) for row in rows],
        [row.agreement.items for row in rows],
        whom,
        axis=STATISTICS[statistic],
        limits=(-1.05, 1.05),
        key=estimates.named(answers, f"agreement on {question} by statement"),
        reference=0,
    )
    st.caption("Statements with a single such item are left out.")


@st.cache_data(max_entries=64, show_spinner="Computing agreement")
def _agreements(answers: pd.DataFrame, question: str) -> list[Agreement]:
    return agreements(answers, question)


@st.cache_data(max_entries=64, show_spinner="Computing agreement by statement")
def _by_statement(answers: pd.DataFrame, question: str, statistic: str) -> list[StatementAgreement]:
    return agreement_by_statement(answers, question, statistic)


def _notes(found: list[Agreement]) -> list[str]:
    """Say what the table rests on, and why a value or an interval is missing."""
    notes = ["Items are those with two ratings or more. No value: the ratings do not define it."]
    if any(one.raters < 3 for one in found):
        notes.append("Two reviewers are one pair: they tell nothing of new ones.")
    notes += [
        f"{STATISTICS[one.statistic]}: undefined in {one.undefined} of the {one.computed} times "
        "that it was computed without a part of the ratings, so that it has no interval."
        for one in found
        if one.undefined and not pd.isna(one.value)
    ]
    return notes


def _controls(answers: pd.DataFrame, found: list[ControlComparison], whom: Whose) -> None:
    estimates.forest(
        [one.difference for one in found],
        [f"{CONTROLS[one.control]}: {one.question}" for one in found],
        [one.control_n for one in found],
        whom,
        axis="rated less control (points; shares for accurate)",
        limits=(-4, 4),
        key=estimates.named(answers, "controls"),
        reference=0,
    )
    estimates.table(
        {
            "control": [CONTROLS[one.control] for one in found],
            "question": [one.question for one in found],
            "rated items": [one.rated_n for one in found],
            "control items": [one.control_n for one in found],
            "rated: mean": [round(one.rated_mean, 2) for one in found],
            "control: mean": [round(one.control_mean, 2) for one in found],
            "difference (95 %)": [whom.text(one.difference) for one in found],
            "rated above control": [
                "" if pd.isna(one.above) else wording.share(one.above) for one in found
            ],
        }
    )


def _repeats(again: list[SelfAgreement], whom: Whose) -> None:
    estimates.table(
        {
            "question": [one.question for one in again],
            "reviewer": [one.reviewer or "mean of all" for one in again],
            "pairs": [one.n for one in again],
            "the same": [wording.share(one.same) for one in again],
            "second less first": [round(one.difference, 2) for one in again],
            "statistic": [STATISTICS[one.statistic] for one in again],
            "value (95 %)": [whom.text(one.estimate) for one in again],
        }
    )
    st.caption(
        "The mean of all is that of each reviewer's own value; it has an interval for new "
        "reviewers, each reviewer one for these."
    )
