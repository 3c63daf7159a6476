"""How prototypes and matches of a study were scored, and how whole statements were summed up."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.findings import estimates, score_bars
from pages.findings.estimates import Results, Whose
from pages.shell import choices
from review_db.findings.prototypes import first_stages, rated
from review_db.findings.scores import GROUPS, GroupScores, QuestionScores, item_scores
from review_db.findings.summaries import summaries
from review_db.questions.catalogue import KINDS, STUDY_SCALES

LAST, FIRST = "the last look", "the first look"


def prototypes(results: Results) -> None:
    """Show the scores of the rated prototypes."""
    _scores(results, "prototype")


def matches(results: Results) -> None:
    """Show the scores of the rated matches."""
    _scores(results, "match")


def statements(results: Results) -> None:
    """Show which prototypes of a statement were named as the best, bad, or one too many."""
    table = summaries(results.answers)
    named = table.assign(statement=table["statement"].map(results.labels.named))
    st.dataframe(named, hide_index=True)
    st.caption("How many of the reviewers who summed up the statement named the prototype so.")


def _judged_at(answers: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Ask for the look, where there are two; else return all answers."""
    first = first_stages(answers)
    if rated(first, kind).empty:
        return answers
    at = choices.one_of("As judged at", [LAST, FIRST], key="look")
    return first if at == FIRST else answers


def _scores(results: Results, kind: str) -> None:
    answers, whom, labels = _judged_at(results.answers, kind), results.whom, results.labels
    by = choices.one_of("Scores by", list(GROUPS), key="by", default="branch")
    found = item_scores(answers, by, kind)
    if by == "prototype":
        statement = score_bars.statement_of([group.statement for group in found], labels)
        found = [group for group in found if group.statement == statement]
    about = estimates.named(answers, kind)
    # While the statement is hidden not all is asked.
    table = rated(answers, kind)
    asked = [question for question in KINDS[kind].required if table[question].notna().any()]
    scales = [question for question in asked if question in STUDY_SCALES]
    for question, column in zip(scales, score_bars.columns(len(scales)), strict=True):
        with column:
            score_bars.show(_bars(found, question, by), question, by, about=about)
            first = found[: score_bars.BARS]
            means = [group.questions[question].mean for group in first]
            estimates.forest(
                means,
                [group.name for group in first],
                [mean.ratings for mean in means],
                whom,
                axis=f"mean {question}",
                limits=(0.8, 5.2),
                key=score_bars.key(_bars(found, question, by), f"{about} mean {question}", by),
            )
    columns: dict[str, Sequence[object]] = {
        by: [labels.named(g.name) if by == "statement" else g.name for g in found],
        "ratings": [group.n for group in found],
    }
    for question in asked:
        columns |= _printed([group.questions[question] for group in found], question, whom)
    estimates.table(columns)


def _bars(found: list[GroupScores], question: str, by: str) -> pd.DataFrame:
    """Return the table that `score_bars` draws."""
    rows = [
        {by: group.name, "statement": group.statement}
        | {f"{question}_{key}": n for key, n in group.questions[question].chosen.items()}
        for group in found
    ]
    return pd.DataFrame(rows)


def _printed(
    scores: list[QuestionScores], question: str, whom: Whose
) -> dict[str, Sequence[object]]:
    """Return the columns that a question has in the printed table."""
    means = [one.mean for one in scores]
    if question not in STUDY_SCALES:
        return {f"{question}: yes (95 %)": [whom.text(mean, share=True) for mean in means]}
    return {
        f"{question}: mean (95 %)": [whom.text(mean) for mean in means],
        f"{question}: SD": ["" if pd.isna(one.sd) else f"{one.sd:.2f}" for one in scores],
        f"{question}: median": ["" if pd.isna(one.median) else f"{one.median:g}" for one in scores],
    }
