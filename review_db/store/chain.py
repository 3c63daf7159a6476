"""Events in chains: each carries the digest of itself and of the one before it.

What was changed, taken out or put in between afterwards shows at the first event whose digest no
longer fits (`first_altered`). What is missing at the end shows only against a digest that was
noted before: `summary` gives one. Nothing here is secret: whoever may write to the database can
make all chains anew, but not so that a noted digest still fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select

from review_db.store.schema import item_event, rating_event, study_action

# Of each table: what its chains are apart by. Each is written under a lock of its own.
CHAINS: Mapping[Table, tuple[str, ...]] = {
    rating_event: ("reviewer",),
    item_event: ("study", "reviewer"),
    study_action: ("study",),
}
# Counted by the database, and the digest itself.
_LEFT_OUT = ("id", "chain")


@dataclass(frozen=True)
class Altered:
    """The first event of a chain that is not as it was saved, or before which one is missing."""

    table: str
    id: int
    of: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """How many events and chains there are, and one digest of all of them."""

    events: int
    chains: int
    digest: str


def append(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add events to the end of their chain; all are of one."""
    keys = CHAINS[table]
    chain = _last(connection, table, {key: rows[0][key] for key in keys})
    linked = []
    for row in rows:
        chain = link(chain, row)
        linked.append({**row, "chain": chain})
    connection.execute(insert(table), linked)


def link(before: str, event: Mapping[str, Any]) -> str:
    """Return the digest of an event (SHA-256 in hex), given that of the one before it."""
    fields = {key: _plain(value) for key, value in event.items() if key not in _LEFT_OUT}
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(f"{before} {text}".encode()).hexdigest()


def first_altered(connection: Connection) -> Altered | None:
    """Return the first altered event of the database, None where all are as they were saved."""
    for table in CHAINS:
        if found := min(_altered(connection, table), key=lambda one: one.id, default=None):
            return found
    return None


def summary(connection: Connection) -> Summary:
    """Count events, and digest the ends of all chains; note the digest to prove them later."""
    events, ends = 0, {}
    for table, keys in CHAINS.items():
        for row in _events(connection, table):
            events += 1
            ends[table.name, *_of(row, keys)] = row.chain
    chain_ends = json.dumps(sorted([*name, end] for name, end in ends.items()))
    return Summary(events, len(ends), hashlib.sha256(chain_ends.encode()).hexdigest())


def linked(rows: Iterable[Row], keys: Sequence[str]) -> Iterator[tuple[Row, str]]:
    """Yield each event in the order of saving with the digest that it has to have."""
    ends: dict[tuple[str, ...], str] = {}
    for row in rows:
        of = _of(row, keys)
        ends[of] = link(ends.get(of, ""), row._asdict())
        yield row, ends[of]


def _altered(connection: Connection, table: Table) -> Iterator[Altered]:
    keys = CHAINS[table]
    for row, digest in linked(_events(connection, table), keys):
        if row.chain != digest:
            yield Altered(table.name, row.id, _of(row, keys))


def _events(connection: Connection, table: Table) -> Iterable[Row]:
    return connection.execute(select(table).order_by(table.c.id))


def _last(connection: Connection, table: Table, of: Mapping[str, str]) -> str:
    query = select(table.c.chain).where(*(table.c[key] == value for key, value in of.items()))
    return connection.scalar(query.order_by(table.c.id.desc()).limit(1)) or ""


def _of(row: Row, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(getattr(row, key) for key in keys)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
