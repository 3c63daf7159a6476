"""When the figures of a study may be seen: at its end, at a look that was declared, or openly.

found = opening(engine, "pilot")
if found.is_open: answer_table(engine, "pilot", found.until)
take_look(engine, "pilot", actor="coordinator")

Each look before the end is an entry in the study's trail, and shows the answers of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, func, select

from review_db.findings.answers import answers_on, places_on
from review_db.findings.flow import flow
from review_db.store.database import reading, writing
from review_db.store.schema import item_event
from review_db.studies.design.declared import Look
from review_db.studies.design.settings import DesignError
from review_db.studies.lifecycle import StudyInfo, info_on
from review_db.studies.trail import Entry, entries, record

LONGEST_REASON = 2000


@dataclass(frozen=True)
class Opening:
    """What may be seen of a study, and what may be next.

    Parameters
    ----------
    is_final : whether the study is closed, or a test run, so that all can be seen
    looks : the looks so far, the first first
    unplanned : how many of them were not declared
    declared : the look that is next among those declared, if any
    is_due : whether that may be taken now
    answered : share of all that is assigned which is answered
    alpha : of what was declared, for what is seen now
    """

    is_final: bool
    looks: tuple[Entry, ...]
    unplanned: int
    declared: Look | None
    is_due: bool
    answered: float
    alpha: float

    @property
    def is_open(self) -> bool:
        """Whether any figures may be seen."""
        return self.is_final or bool(self.looks)

    @property
    def until(self) -> int | None:
        """The last event that may be seen, see `answers.answer_table`; None for all."""
        return None if self.is_final or not self.looks else int(self.looks[-1].data["until"])

    @property
    def words(self) -> str:
        """What is seen, and how it came to be."""
        unplanned = f"unplanned looks: {self.unplanned}"
        if self.is_final:
            return f"The study has ended; {unplanned}." if self.looks else "The study has ended."
        if not self.looks:
            return "No result has been looked at."
        last = self.looks[-1]
        planned = "as declared" if last.data["planned"] == "yes" else "unplanned"
        return (
            f"Answers as of the last look, {last.at:%Y-%m-%d %H:%M} UTC ({planned}); {unplanned}."
        )


def opening(engine: Engine, name: str) -> Opening:
    """Return what may be seen of a study that has started.

    Raises
    ------
    DesignError
        If there is no study of this name.
    """
    with reading(engine) as connection:
        return _opening(connection, info_on(connection, name))


def take_look(engine: Engine, name: str, *, actor: str, reason: str = "") -> Opening:
    """Open the figures of this moment, and record it; a look that is not due needs a reason.

    Raises
    ------
    DesignError
        If the study has not started or has ended, or an unplanned look has no reason.
    """
    with writing(engine, lock=f"study {name}") as connection:
        info = info_on(connection, name)
        now = _opening(connection, info)
        if info.started_at is None or now.is_final:
            raise DesignError(f"The study {name!r} is not running: nothing of it is closed.")
        if not now.is_due and not reason.strip():
            raise DesignError(
                "No look is due. Say why the results are looked at before the end: the trail and "
                "all that is handed out say that it was unplanned."
            )
        if len(reason) > LONGEST_REASON:
            raise DesignError(f"The reason has more than {LONGEST_REASON:,} characters.")
        last = select(func.max(item_event.c.id)).where(item_event.c.study == name)
        data = {
            "planned": "yes" if now.is_due else "no",
            "until": str(connection.scalar(last) or 0),
            "answered": f"{now.answered:.3f}",
        }
        if now.is_due and now.declared:
            data["alpha"] = f"{now.declared.alpha:g}"
        record(connection, name, "look", actor=actor, reason=reason.strip(), data=data)
        return _opening(connection, info)


def _opening(connection: Connection, info: StudyInfo) -> Opening:
    design, protocol = info.design, info.design.protocol
    taken = [e for e in entries(connection, design.name) if e.action == "look"]
    planned = [entry for entry in taken if entry.data["planned"] == "yes"]
    declared = protocol.looks[len(planned)] if len(planned) < len(protocol.looks) else None
    answered = _answered(connection, info)
    is_final = info.standing.closed_at is not None or design.test
    alpha = protocol.final_alpha
    if not is_final and taken:
        # An unplanned look has nothing of alpha to spend.
        alpha = float(taken[-1].data.get("alpha", 0))
    return Opening(
        is_final=is_final,
        looks=tuple(taken),
        unplanned=len(taken) - len(planned),
        declared=declared,
        is_due=declared is not None and _is_due(declared, answered),
        answered=answered,
        alpha=alpha,
    )


def _is_due(look: Look, answered: float) -> bool:
    if look.on is not None:
        return datetime.now(UTC).date().isoformat() >= look.on
    return answered >= (look.answered or 0)


def _answered(connection: Connection, info: StudyInfo) -> float:
    name = info.design.name
    steps = flow(info.design, places_on(connection, name), answers_on(connection, name))
    assigned = steps.assigned - steps.withdrawn_assigned
    return steps.rated / assigned if assigned else 0.0
