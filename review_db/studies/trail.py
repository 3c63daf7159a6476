"""What was done with a study besides answering: by whom, when and why; and what follows from it.

Every entry is an event that is only ever added, in the chain of its study (`store.chain`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, Engine, func, select

from review_db.store.chain import append
from review_db.store.database import reading
from review_db.store.schema import item_event, study_action

Action = Literal[
    "start", "add reviewer", "new key", "withdraw", "close", "reopen", "consent", "look"
]


@dataclass(frozen=True)
class Entry:
    """One thing that was done; `data` holds what belongs to it, such as a digest."""

    at: datetime
    actor: str
    action: str
    reviewer: str
    reason: str
    data: Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """How a study stands after all that was done.

    Parameters
    ----------
    late : reviewers that were added after the start, in this order
    withdrawn : reviewers whose answers are kept and count in no analysis
    closed_at : since when nobody answers any more, None while it is open
    profiles : of each reviewer who gave consent, what they said of themselves
    """

    late: tuple[str, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    closed_at: datetime | None = None
    profiles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def record(
    connection: Connection,
    study: str,
    action: Action,
    *,
    actor: str,
    reviewer: str = "",
    reason: str = "",
    data: Mapping[str, str] | None = None,
) -> None:
    """Add an entry to a study's trail; the caller holds the study's lock."""
    row = {
        "at": datetime.now(UTC),
        "study": study,
        "actor": actor,
        "action": action,
        "reviewer": reviewer,
        "reason": reason,
        "data": json.dumps(dict(data or {}), sort_keys=True),
    }
    append(connection, study_action, [row])


def trail(engine: Engine, study: str) -> list[Entry]:
    """Return all that was done with a study, the first first."""
    with reading(engine) as connection:
        return entries(connection, study)


def entries(connection: Connection, study: str) -> list[Entry]:
    """Return `trail` as this connection sees it."""
    query = select(study_action).where(study_action.c.study == study).order_by(study_action.c.id)
    return [
        Entry(row.at, row.actor, row.action, row.reviewer, row.reason, json.loads(row.data))
        for row in connection.execute(query)
    ]


def last_event(connection: Connection, study: str) -> int:
    """Return the last answer that was saved in a study, 0 if there is none."""
    last = select(func.max(item_event.c.id)).where(item_event.c.study == study)
    return connection.scalar(last) or 0


def standing_of(connection: Connection, study: str) -> Standing:
    """Return how a study stands."""
    late: list[str] = []
    withdrawn: set[str] = set()
    profiles: dict[str, Mapping[str, str]] = {}
    closed_at = None
    for entry in entries(connection, study):
        if entry.action == "add reviewer":
            late.append(entry.reviewer)
        elif entry.action == "withdraw":
            withdrawn.add(entry.reviewer)
        elif entry.action == "consent":
            profiles[entry.reviewer] = entry.data
        elif entry.action in ("close", "reopen"):
            closed_at = entry.at if entry.action == "close" else None
    return Standing(tuple(late), frozenset(withdrawn), closed_at, profiles)
