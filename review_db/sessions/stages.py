"""A look at an item: how many there are, and what is asked, shown and hidden at each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from review_db.questions.catalogue import ALWAYS, KINDS
from review_db.studies.design import Design


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


def facts(row: Row, stage: int, design: Design) -> dict[str, Any]:
    """Return what may be said of an item in words, less what is hidden."""
    data = json.loads(row.data)
    known = {
        "statement": row.statement,
        "branch": row.branch,
        "similarity": data.get("similarity"),
        "model": row.bundle if row.kind != "pair" else None,
    }
    if row.kind == "pair":
        left, right = _sides(row, data)
        known["model"] = f"{left.get('bundle', '')} | {right.get('bundle', '')}"
    hidden = _hidden(row.kind, stage, design)
    return {name: fact for name, fact in known.items() if fact and name not in hidden}


def draw(row: Row, stage: int) -> dict[str, Any]:
    """Return what an item is drawn from, less what is not to be seen yet, or ever."""
    data = json.loads(row.data)
    data.pop("truth", None)
    if row.kind == "reading":
        data.pop("statement")
        if stage == 1:
            data.pop("explanation")
    if row.kind == "pair":
        data["left"], data["right"] = _sides(row, data)
        del data["a"], data["b"]
    return data


def _hidden(kind: str, stage: int, design: Design) -> set[str]:
    blinding = design.blinding
    hidden = {"model"} if blinding.model else set()
    if kind == "reading":
        # The statement of a reading is the answer; its second look shows the explanation's only.
        return hidden | {"statement", "branch", "similarity"} | ({"model"} if stage == 1 else set())
    if stage == 1 and kind in ("prototype", "match"):
        hidden |= {"statement", "branch"} if blinding.statement else set()
        hidden |= {"similarity"} if blinding.similarity else set()
    return hidden


def _sides(row: Row, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return (data["b"], data["a"]) if row.swapped else (data["a"], data["b"])
