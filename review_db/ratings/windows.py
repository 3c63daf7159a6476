"""Ratings belong to windows of ECGs, not to places in bundles.

`register` stores which window each prototype of a version of a bundle is. From then on, a rating
of a window counts for every version that has the window under the same statement; which version it
was given on stays with it. Marks that compare the prototypes of one version stay with that version.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import Connection, Engine, Select, insert, select

from protoecg.prototypes.prototype import Prototype
from review_db.store.database import reading, writing
from review_db.store.schema import prototype_window, rating_event

# "The best of its statement" is among the prototypes that one version has.
RELATIVE = ("best",)

_EVENT = (
    *("id", "at", "reviewer", "bundle", "fingerprint", "branch", "statement", "prototype"),
    *("question", "value"),
)


def register(engine: Engine, fingerprint: str, prototypes: Sequence[Prototype]) -> None:
    """Store which windows the prototypes of a version of a bundle are; those known stay."""
    known = select(prototype_window.c.prototype).where(
        prototype_window.c.fingerprint == fingerprint
    )
    with reading(engine) as connection:
        if len(connection.scalars(known).all()) == len(prototypes):
            return
    with writing(engine, lock=f"windows {fingerprint}") as connection:
        there = set(connection.scalars(known))
        rows = [_row(fingerprint, p) for p in prototypes if p.name not in there]
        if rows:
            connection.execute(insert(prototype_window), rows)


def share_windows(engine: Engine, fingerprint: str, other: str) -> bool:
    """Say whether two versions of bundles are one, or have a window of an ECG in common."""
    own, its = prototype_window.alias("own"), prototype_window.alias("its")
    query = (
        select(own.c.prototype)
        .join(its, (own.c.sha256 == its.c.sha256) & (own.c.start_s == its.c.start_s))
        .where(own.c.fingerprint == fingerprint, its.c.fingerprint == other)
        .limit(1)
    )
    with reading(engine) as connection:
        return fingerprint == other or connection.scalar(query) is not None


def standing(
    connection: Connection,
    bundle: str,
    fingerprint: str,
    reviewer: str | None = None,
    prototype: str | None = None,
) -> pd.DataFrame:
    """Return the answers that stand for the prototypes of a version of a bundle, or for one.

    Columns: those of an event, as it was saved, and `own_prototype`, its name in this version.
    """
    event = rating_event.c
    asked = [] if reviewer is None else [event.reviewer == reviewer]
    parts = [_here(bundle, fingerprint, prototype), _elsewhere(bundle, fingerprint, prototype)]
    events = [row for part in parts for row in connection.execute(part.where(*asked))]
    table = pd.DataFrame(events, columns=[*_EVENT, "own_prototype"]).sort_values("id")
    latest = table.drop_duplicates(["reviewer", "own_prototype", "question"], keep="last")
    return latest[latest["value"] != ""]


def _here(bundle: str, fingerprint: str, prototype: str | None) -> Select:
    """Events of this version itself."""
    event = rating_event.c
    query = select(*(event[name] for name in _EVENT), event.prototype).where(
        event.bundle == bundle, event.fingerprint == fingerprint
    )
    return query if prototype is None else query.where(event.prototype == prototype)


def _elsewhere(bundle: str, fingerprint: str, prototype: str | None) -> Select:
    """Events of the same windows in other versions."""
    event, own, other = rating_event.c, prototype_window.alias("own"), prototype_window.alias("o")
    query = (
        select(*(event[name] for name in _EVENT), own.c.prototype)
        .join(
            other,
            (event.fingerprint == other.c.fingerprint) & (event.prototype == other.c.prototype),
        )
        .join(own, own.c.identity == other.c.identity)
        .where(
            own.c.fingerprint == fingerprint,
            (event.fingerprint != fingerprint) | (event.bundle != bundle),
            event.question.not_in(RELATIVE),
        )
    )
    return query if prototype is None else query.where(own.c.prototype == prototype)


def _row(fingerprint: str, p: Prototype) -> dict[str, str | float]:
    start_s, end_s = p.window_s
    return {
        "fingerprint": fingerprint,
        "prototype": p.name,
        "identity": p.identity,
        "branch": p.branch,
        "statement": p.statement,
        "record": p.record,
        "sha256": p.sha256,
        "start_s": start_s,
        "end_s": end_s,
    }
