"""What the answers to an item have to be before they are stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from review_db.questions.catalogue import RANKS, STUDY_QUESTIONS
from review_db.questions.checks import checked_value
from review_db.sessions.stages import questions_at
from review_db.studies.design import Design
from review_db.studies.items import DifferentialContent, StatementContent, StudyItem


class Unfinished(ValueError):
    """A required answer is missing."""


def checked_answers(
    item: StudyItem, stage: int, design: Design, answers: Mapping[str, Any]
) -> dict[str, str]:
    """Return the answers to a stage of an item as they are stored, without empty ones.

    Raises
    ------
    ValueError
        If one of them is not asked here, or not acceptable.
    """
    asked, _ = questions_at(item.kind, stage, design)
    if strange := sorted(set(answers) - set(asked)):
        raise ValueError(f"{strange[0]!r} is not asked here, expected {', '.join(asked)}.")
    checked = {key: checked_value(STUDY_QUESTIONS[key], answers.get(key)) for key in asked}
    if checked.get("accurate") != "no":
        checked.pop("alternative", None)
    if isinstance(item.content, DifferentialContent):
        _refuse_muddled_choices(checked)
    if isinstance(item.content, StatementContent):
        _refuse_unknown_prototypes(item.content, checked)
    return {key: value for key, value in checked.items() if value}


def _refuse_muddled_choices(answers: dict[str, str]) -> None:
    """Drop how sure somebody is of a choice that isn't made; refuse what is named twice."""
    for rank in RANKS:
        if not answers[f"{rank}_choice"]:
            answers[f"{rank}_confidence"] = ""
    chosen = [answers[f"{rank}_choice"] for rank in RANKS]
    named = [code for code in chosen if code]
    if len(set(named)) < len(named):
        raise ValueError("Two of your choices are the same. Change or clear one of them.")


def _refuse_unknown_prototypes(content: StatementContent, answers: Mapping[str, str]) -> None:
    names = {prototype.name for prototype in content.prototypes}
    for key in ("best_prototype", "bad_prototypes", "redundant_prototypes"):
        named = [name.strip() for name in answers[key].split(";") if name.strip()]
        if strange := [name for name in named if name not in names]:
            raise ValueError(f"{strange[0]!r} is none of the prototypes of this statement.")


def refuse_unfinished(kind: str, stage: int, design: Design, answers: Mapping[str, str]) -> None:
    """Refuse answers of which a required one is missing, unless the item is skipped.

    Raises
    ------
    Unfinished
        If one is missing.
    """
    missing = [key for key in questions_at(kind, stage, design)[1] if key not in answers]
    missing += [
        f"{rank}_confidence"
        for rank in RANKS[1:]
        if f"{rank}_choice" in answers and f"{rank}_confidence" not in answers
    ]
    if "skip" not in answers:
        refuse_missing(missing)


def refuse_missing(questions: Collection[str]) -> None:
    """Refuse to go on while these questions are open.

    Raises
    ------
    Unfinished
        If there are any.
    """
    if questions:
        asked = ", ".join(key.replace("_", " ") for key in questions)
        raise Unfinished(f"Still open: {asked}. Answer, or skip the item.")
