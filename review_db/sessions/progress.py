"""How far a reviewer of a study is, and where they go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, Row, select

from review_db.sessions.assignments import ItemStage, all_assigned, own
from review_db.sessions.stages import questions_at, stages
from review_db.store.database import reading
from review_db.store.schema import current_answer
from review_db.studies.lifecycle import NotAdmitted, Seat, read_design


@dataclass(frozen=True)
class SessionProgress:
    """How far a reviewer is.

    `states` of each position: "done", "skipped" or "open"; `groups` as (done, total) of each
    statement, or of each kind of item while statements are hidden. Practice is in `states` alone.
    """

    done: int
    total: int
    states: Mapping[int, str]
    groups: Mapping[str, tuple[int, int]]
    flagged: tuple[int, ...] = field(default=())

    @property
    def reachable(self) -> list[int]:
        """The positions that may be opened: all up to the first open one."""
        positions = list(self.states)
        early = [n for n, position in enumerate(positions) if self.states[position] == "open"]
        return positions[: early[0] + 1] if early else positions


def next_open(engine: Engine, seat: Seat, *, but: int | None = None) -> ItemStage | None:
    """Return where a session goes on: the first open stage, then what was skipped, or None.

    `but` is a position to leave out, as if it were done.
    """
    with reading(engine) as connection:
        found = _states(connection, seat)
    for wanted in ("open", "skipped"):
        for position, (state, stage, _) in found.items():
            if state == wanted and position != but:
                return ItemStage(position, stage)
    return None


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
    counted = {position: row for position, (_, _, row) in found.items() if row.role != "practice"}
    groups: dict[str, tuple[int, int]] = {}
    for position, row in counted.items():
        # The statement of a reading is the answer that the reviewer is asked for.
        hidden = row.kind == "reading" or read_design(row.design).blinding.statement
        name = row.kind if hidden else row.statement
        done, total = groups.get(name, (0, 0))
        groups[name] = (done + (found[position][0] == "done"), total + 1)
    return SessionProgress(
        done=sum(done for done, _ in groups.values()),
        total=len(counted),
        states={position: state for position, (state, _, _) in found.items()},
        groups=groups,
        flagged=tuple(flags),
    )


def _states(connection: Connection, seat: Seat) -> dict[int, tuple[str, int, Row]]:
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
