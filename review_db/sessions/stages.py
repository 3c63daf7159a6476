"""The stages of an item: how many there are, and what is asked, shown and hidden at each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from review_db.questions.catalogue import ALWAYS, KINDS
from review_db.studies.design import Design
from review_db.studies.items import (
    Content,
    DifferentialContent,
    MatchContent,
    PairContent,
    ReadingContent,
    ShownContent,
    StudyItem,
)


@dataclass(frozen=True)
class Facts:
    """What is shown of an item in words; None for what is hidden, or its kind has none of."""

    statement: str | None = None
    branch: str | None = None
    similarity: float | None = None
    model: str | None = None


@dataclass(frozen=True)
class Feedback:
    """Whether an item tells what is true of it after the answer, and, once that is given, what."""

    teaches: bool = False
    truth: tuple[str, ...] = ()


def stages(kind: str, design: Design) -> int:
    """Return how often an item of this kind is rated."""
    revealed = design.two_stages and kind in ("prototype", "match")
    return max(KINDS[kind].stages, 2 if revealed else 1)


def questions_at(kind: str, stage: int, design: Design) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys of what is asked of such an item at this stage, and of what is required."""
    asked = KINDS[kind]
    if asked.unseen and "statement" in _hidden(kind, stage, design):
        return (*asked.unseen, *ALWAYS), asked.unseen
    return (*asked.required, *asked.optional, *ALWAYS), asked.required


def is_answered(
    kind: str, stage: int, design: Design, saved: Mapping[int, Mapping[str, str]]
) -> bool:
    """Say whether what is required stands in what was `saved`, by stage."""
    answered = saved.get(stage, {})
    return "skip" not in answered and set(questions_at(kind, stage, design)[1]) <= set(answered)


def is_settled(
    kind: str, stage: int, design: Design, saved: Mapping[int, Mapping[str, str]]
) -> bool:
    """Say whether the answers stay as they are, because the look after this one was shown."""
    return stage < stages(kind, design) and is_answered(kind, 1, design, saved)


def feedback(item: StudyItem, design: Design, saved: Mapping[int, Mapping[str, str]]) -> Feedback:
    """Return what a practice item tells once it is answered; nothing of any other."""
    teaches = item.role == "practice" and bool(item.truth)
    truth = item.truth if teaches and is_answered(item.kind, 1, design, saved) else ()
    return Feedback(teaches, truth)


def facts(item: StudyItem, bundle: str, swapped: bool, stage: int, design: Design) -> Facts:
    """Return what is shown of an item in words, less what is hidden."""
    known = Facts(
        statement=item.statement,
        branch=item.branch or None,
        similarity=item.content.similarity if isinstance(item.content, MatchContent) else None,
        model=_model(item.content, bundle, swapped),
    )
    return replace(known, **dict.fromkeys(_hidden(item.kind, stage, design)))


def shown(content: Content, swapped: bool, stage: int, arm: str = "") -> ShownContent:
    """Return what an item is drawn from, less what is not to be seen yet, or ever."""
    if isinstance(content, PairContent):
        return content.sides(swapped)
    if isinstance(content, DifferentialContent):
        return content.in_arm(arm)
    if isinstance(content, ReadingContent) and stage == 1:
        return content.alone()
    return content


def _model(content: Content, bundle: str, swapped: bool) -> str:
    if not isinstance(content, PairContent):
        return bundle
    sides = content.sides(swapped)
    return f"{sides.left.bundle} | {sides.right.bundle}"


def _hidden(kind: str, stage: int, design: Design) -> set[str]:
    blinding = design.blinding
    hidden = {"model"} if blinding.model else set()
    if kind == "differential":
        return {"statement", "branch", "similarity", "model"}
    if kind == "reading":
        # The statement of a reading is the answer; its second look shows the explanation's only.
        return hidden | {"statement", "branch", "similarity"} | ({"model"} if stage == 1 else set())
    if stage == 1 and kind in ("prototype", "match"):
        hidden |= {"statement", "branch"} if blinding.statement else set()
        hidden |= {"similarity"} if blinding.similarity else set()
    return hidden
