"""When answers of a study may be seen: at its end, at a look that was declared, or openly.

found = opening(engine, "pilot")
if found.is_open: answer_table(engine, "pilot", found.until)
take_look(engine, "pilot", actor="coordinator")

Each look before the end is an entry in the study's trail, and shows the answers of that moment. A
study that is reopened has been looked at while it was closed, which nobody has declared.
Whatever tells answers, be it a figure, an opinion or a file, tells those until `Seen.until` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from review_db.findings.answers import answers_on, assignments_on
from review_db.findings.flow import flow
from review_db.store.database import reading, writing
from review_db.studies.design.declared import Look
from review_db.studies.design.settings import DesignError
from review_db.studies.lifecycle import StudyInfo, info_on
from review_db.studies.trail import Entry, entries, last_event, record

LONGEST_REASON = 2000


@dataclass(frozen=True)
class Seen:
    """What may be seen of a study.

    Parameters
    ----------
    is_final : whether the study is closed, or a test run, so that all can be seen
    looks : the looks so far, reopenings among them, the first first
    """

    is_final: bool
    looks: tuple[Entry, ...]

    @property
    def is_open(self) -> bool:
        """Whether any answers may be seen."""
        return self.is_final or bool(self.looks)

    @property
    def until(self) -> int | None:
        """The last event that may be seen, see `answers.answer_table`: 0 for none, None for all."""
        if self.is_final:
            return None
        return max((int(look.data.get("until", 0)) for look in self.looks), default=0)


@dataclass(frozen=True)
class Opening(Seen):
    """What may be seen of a study, and what may be next.

    Parameters
    ----------
    unplanned : how many looks were not declared
    declared : the look that is next among those declared, if any
    is_due : whether that may be taken now
    answered : share of all that is assigned which is answered
    alpha : of what was declared, for what is seen now
    """

    unplanned: int
    declared: Look | None
    is_due: bool
    answered: float
    alpha: float

    @property
    def words(self) -> str:
        """What is seen, and how it came to be."""
        unplanned = f"unplanned looks: {self.unplanned}"
        if self.is_final:
            return f"The study has ended; {unplanned}." if self.looks else "The study has ended."
        if not self.looks:
            return "No result has been looked at."
        last = self.looks[-1]
        planned = "as declared" if _is_planned(last) else "unplanned"
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


def seen_on(connection: Connection, info: StudyInfo) -> Seen:
    """Return what may be seen of a study."""
    taken = [e for e in entries(connection, info.design.name) if e.action in ("look", "reopen")]
    is_final = info.standing.closed_at is not None or info.design.test
    return Seen(is_final, tuple(taken))


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
        data = {
            "planned": "yes" if now.is_due else "no",
            "until": str(last_event(connection, name)),
            "answered": f"{now.answered:.3f}",
        }
        if now.is_due and now.declared:
            data["alpha"] = f"{now.declared.alpha:g}"
        record(connection, name, "look", actor=actor, reason=reason.strip(), data=data)
        return _opening(connection, info)


def _opening(connection: Connection, info: StudyInfo) -> Opening:
    protocol = info.design.protocol
    seen = seen_on(connection, info)
    planned = [entry for entry in seen.looks if _is_planned(entry)]
    declared = protocol.looks[len(planned)] if len(planned) < len(protocol.looks) else None
    answered = _answered(connection, info)
    alpha = protocol.final_alpha
    if not seen.is_final and seen.looks:
        # An unplanned look has nothing of alpha to spend.
        alpha = float(seen.looks[-1].data.get("alpha", 0))
    return Opening(
        is_final=seen.is_final,
        looks=seen.looks,
        unplanned=len(seen.looks) - len(planned),
        declared=declared,
        is_due=declared is not None and _is_due(declared, answered),
        answered=answered,
        alpha=alpha,
    )


def _is_planned(look: Entry) -> bool:
    return look.data.get("planned") == "yes"


def _is_due(look: Look, answered: float) -> bool:
    if look.on is not None:
        return datetime.now(UTC).date().isoformat() >= look.on
    return answered >= (look.answered or 0)


def _answered(connection: Connection, info: StudyInfo) -> float:
    name = info.design.name
    steps = flow(info.design, assignments_on(connection, name), answers_on(connection, name))
    assigned = steps.assigned - steps.withdrawn_assigned
    return steps.rated / assigned if assigned else 0.0
