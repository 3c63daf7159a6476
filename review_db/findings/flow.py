"""What became of all that reviewers were assigned, as a report of a study counts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from review_db.findings.answers import ASSIGNMENT
from review_db.questions.catalogue import CANNOT_JUDGE, STUDY_QUESTIONS
from review_db.sessions.stages import is_answered, stages
from review_db.studies.design import Design


@dataclass(frozen=True)
class Flow:
    """How many reviewers and assignments there are at each step; practice is not among them.

    Parameters
    ----------
    reviewers, began, withdrawn : those invited, of these who answered anything, and who count in
        no analysis any more
    assigned, withdrawn_assigned : assignments of all reviewers, and of those who were withdrawn;
        the following are of the others
    started : of which anything was answered
    rated, skipped : all asked was answered, or passed over
    cannot_judge : rated, at least one question with "cannot judge"
    """

    reviewers: int
    began: int
    withdrawn: int
    assigned: int
    withdrawn_assigned: int
    started: int
    rated: int
    skipped: int
    cannot_judge: int

    @property
    def unfinished(self) -> int:
        """Assignments of reviewers that count which are neither rated nor skipped."""
        return self.assigned - self.withdrawn_assigned - self.rated - self.skipped


def flow(design: Design, assignments: pd.DataFrame, answers: pd.DataFrame) -> Flow:
    """Count a study's assignments, from `answers.assignments_on` and `answers.answers_on`."""
    counted, given = (rows[rows["role"] != "practice"] for rows in (assignments, answers))
    left = set(assignments.loc[assignments["withdrawn"].astype(bool), "reviewer"])
    counts = {"started": 0, "rated": 0, "skipped": 0, "cannot_judge": 0}
    for _, of_item in given[~given["reviewer"].isin(left)].groupby(ASSIGNMENT):
        for step in _steps(design, str(of_item["kind"].iloc[0]), _saved(of_item)):
            counts[step] += 1
    return Flow(
        reviewers=assignments["reviewer"].nunique(),
        began=answers["reviewer"].nunique(),
        withdrawn=len(left),
        assigned=len(counted),
        withdrawn_assigned=int(counted["reviewer"].isin(left).sum()),
        **counts,
    )


def flow_text(found: Flow) -> str:
    """Say it in sentences."""
    withdrawn = f", {found.withdrawn} of them withdrawn since" if found.withdrawn else ""
    of_those = f" ({found.withdrawn_assigned} of these to those withdrawn)" if withdrawn else ""
    return (
        f"Of {found.reviewers} reviewers who were invited, {found.began} began{withdrawn}. "
        f"{found.assigned} items to rate were assigned{of_those}: {found.started} were "
        f"started, {found.rated} rated, {found.skipped} skipped, {found.unfinished} not finished. "
        f'In {found.cannot_judge} of those rated, a question was answered with "cannot judge".'
    )


def _saved(of_item: pd.DataFrame) -> dict[int, dict[str, str]]:
    return {
        int(row["stage"]): {q: row[q] for q in STUDY_QUESTIONS if isinstance(row[q], str)}
        for _, row in of_item.iterrows()
    }


def _steps(design: Design, kind: str, saved: Mapping[int, Mapping[str, str]]) -> tuple[str, ...]:
    """Return at which steps of `Flow` an item is that was started."""
    if any("skip" in given for given in saved.values()):
        return "started", "skipped"
    if not is_answered(kind, stages(kind, design), design, saved):
        return ("started",)
    unsure = any(CANNOT_JUDGE in given.values() for given in saved.values())
    return ("started", "rated", "cannot_judge") if unsure else ("started", "rated")
