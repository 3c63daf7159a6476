"""How far a reviewer of a study is, and where they go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Row, select

from review_db.sessions.assignments import ItemStage, all_assigned, own
from review_db.sessions.stages import questions_at, stages
from review_db.sessions.visits import Visit, visit
from review_db.store.database import reading
from review_db.store.schema import current_answer
from review_db.studies.lifecycle import read_design
from review_db.studies.seats import NotAdmitted, Seat

# Their statement is what the reviewer is asked for.
READ = ("reading", "differential")

# Of each position: its state, the stage that is in turn, and what is assigned.
_States = dict[int, tuple[str, int, Row]]


@dataclass(frozen=True)
class SessionProgress:
    """How far a reviewer is.

    `states` of each position: "done", "skipped" or "open"; `groups` as (done, total) of each
    statement, or of each kind of item while statements are hidden. Practice is in `states` alone.
    `visit` is the session that they are in, `open_in` its positions, or those of the next one once
    it may be opened.
    """

    done: int
    total: int
    states: Mapping[int, str]
    groups: Mapping[str, tuple[int, int]]
    flagged: tuple[int, ...] = field(default=())
    visit: Visit = field(default=Visit(1, 1, None))
    open_in: tuple[int, ...] = field(default=())

    @property
    def waits_until(self) -> datetime | None:
        """When the next session opens, where all that may be opened so far is done."""
        has_open = any(self.states[position] == "open" for position in self.open_in)
        return None if has_open or self.visit.number == self.visit.of else self.visit.next_opens

    @property
    def first_skipped(self) -> int | None:
        """The first position that was skipped and can be taken up, if any."""
        return next((at for at in self.open_in if self.states[at] == "skipped"), None)

    @property
    def reachable(self) -> list[int]:
        """The positions that may be opened: all of the session up to the first open one."""
        positions = list(self.open_in)
        early = [n for n, position in enumerate(positions) if self.states[position] == "open"]
        return positions[: early[0] + 1] if early else positions


def next_open(engine: Engine, seat: Seat, *, after: ItemStage | None = None) -> ItemStage | None:
    """Return where a session goes on: the first open stage, or None where all was answered.

    None as well until the next session of a crossover opens (`SessionProgress.waits_until`).

    `after` is what a reviewer has just finished, left out as if it were done. Where nothing is
    open, what was skipped follows behind it, so that skipping all of it once more ends as well;
    `SessionProgress.first_skipped` begins with it.
    """
    with reading(engine) as connection:
        found = _states(connection, seat)
        here = _open_in(_visit(connection, seat, found), found)
    states = [(ItemStage(at, found[at][1]), found[at][0]) for at in here]
    opened = [at for at, state in states if state == "open" and at != after]
    skipped = [at for at, state in states if state == "skipped" and after and at > after]
    return next(iter(opened + skipped), None)


def refuse_out_of_order(connection: Connection, seat: Seat, at: ItemStage) -> None:
    """Refuse an item before which another one is open.

    Raises
    ------
    NotAdmitted
        If an item before it was neither answered nor skipped.
    """
    states = _states(connection, seat)
    if early := [n for n, (state, _, _) in states.items() if state == "open" and n < at.position]:
        raise NotAdmitted(
            f"Item {at.position} comes after item {early[0]}, which is still open. Answer or "
            "skip the items before it."
        )


def session_progress(engine: Engine, seat: Seat) -> SessionProgress:
    """Count what a reviewer has done; practice and skipped items are not counted as done."""
    with reading(engine) as connection:
        found = _states(connection, seat)
        flagged = select(current_answer.c.position).where(
            *own(current_answer, seat), current_answer.c.question == "flag"
        )
        flags = sorted(set(connection.scalars(flagged)))
        now = _visit(connection, seat, found)
    counted = {position: row for position, (_, _, row) in found.items() if row.role != "practice"}
    groups: dict[str, tuple[int, int]] = {}
    for position, row in counted.items():
        hidden = row.kind in READ or read_design(row.design).blinding.statement
        name = row.kind if hidden else row.statement
        done, total = groups.get(name, (0, 0))
        groups[name] = (done + (found[position][0] == "done"), total + 1)
    return SessionProgress(
        done=sum(done for done, _ in groups.values()),
        total=len(counted),
        states={position: state for position, (state, _, _) in found.items()},
        groups=groups,
        flagged=tuple(flags),
        visit=now,
        open_in=_open_in(now, found),
    )


def _visit(connection: Connection, seat: Seat, found: _States) -> Visit:
    for _, _, row in found.values():
        return visit(connection, seat, read_design(row.design))
    return Visit(1, 1, None)


def _open_in(now: Visit, found: _States) -> tuple[int, ...]:
    """Return the positions of the session that goes on: the next one, once it may be opened."""
    own = [p for p, (_, _, row) in found.items() if row.session == now.number]
    following = [p for p, (_, _, row) in found.items() if row.session == now.number + 1]
    is_done = all(found[position][0] != "open" for position in own)
    moved = is_done and now.is_open(now.number + 1, datetime.now(UTC))
    return tuple(following if moved else own)


def _states(connection: Connection, seat: Seat) -> _States:
    """Say of each position whether it is done, skipped or open, and at which stage."""
    now = current_answer.c
    saved: dict[int, dict[int, set[str]]] = {}
    mine = select(now.position, now.stage, now.question).where(*own(current_answer, seat))
    for position, stage, question in connection.execute(mine):
        saved.setdefault(position, {}).setdefault(stage, set()).add(question)
    return {
        row.position: (*_state(row, saved.get(row.position, {})), row)
        for row in all_assigned(connection, seat)
    }


def _state(row: Row, saved: Mapping[int, set[str]]) -> tuple[str, int]:
    design = read_design(row.design)
    for stage in range(1, stages(row.kind, design) + 1):
        answered = saved.get(stage, set())
        if "skip" in answered:
            return "skipped", stage
        if not set(questions_at(row.kind, stage, design)[1]) <= answered:
            return "open", stage
    return "done", 1
