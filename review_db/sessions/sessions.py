"""A reviewer at work in a study: items opened, drafts kept, answers saved as events.

seat = sign_in(engine, key)
item = open_item(engine, seat, next_open(engine, seat))  # `progress.next_open`
revision = save_draft(engine, seat, item.at, {"clarity": "4"}, seen=item.revision)
save_item(engine, seat, item.at, answers, seen=revision, seconds=12.5)

Every function takes a `Seat` and reads and writes what is its alone. `seen` is the revision that
the browser last got: where another browser of the same reviewer saved in between, `Conflict` is
raised and nothing is written. Nor is it once another key was made for the seat: that is asked in
the transaction of every write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from protoecg import __version__
from review_db.questions.catalogue import CODEBOOK_VERSION, STUDY_QUESTIONS, Question
from review_db.sessions.assignments import Assigned, ItemStage, assigned, at_stage, own, standing
from review_db.sessions.checks import checked_answers, refuse_unfinished
from review_db.sessions.opened import is_recorded, record_opened
from review_db.sessions.progress import refuse_out_of_order
from review_db.sessions.stages import (
    Facts,
    Feedback,
    facts,
    feedback,
    is_answered,
    is_settled,
    questions_at,
    shown,
    stages,
)
from review_db.sessions.visits import refuse_other_session
from review_db.store.chain import append
from review_db.store.database import reading, writing
from review_db.store.failures import RatingsError
from review_db.store.schema import assignment, item_event, sheet
from review_db.studies.design import Design
from review_db.studies.items import ShownContent
from review_db.studies.seats import NotAdmitted, Seat, refuse_closed, seat_lock

LONGEST_SECONDS = 24 * 3600.0


class Conflict(RatingsError):
    """Another browser of the same reviewer has changed the item since it was opened here."""


@dataclass(frozen=True)
class OpenItem:
    """One stage of an item as its reviewer meets it.

    Parameters
    ----------
    at, total : where in the reviewer's order, of how many positions
    session : which of a crossover's, from 1
    kind : of `KINDS`
    practice : whether it counts; whether it is a control or a repeat is not for its reviewer
    stages : how often it is rated
    facts : what is shown of it in words
    content : what it is drawn from; never to be printed, as names may tell what is hidden
    questions, required : what is asked, and the keys of what has to be answered
    saved : the answers that stand
    draft : answers filled in and not yet saved, over those that stand
    revision : to hand back with the next draft or save
    settled : whether its answers can't be changed any more, because the next stage was shown
    feedback : of a practice item, what is true of it
    """

    at: ItemStage
    total: int
    session: int
    kind: str
    practice: bool
    stages: int
    facts: Facts
    content: ShownContent
    questions: tuple[Question, ...]
    required: tuple[str, ...]
    saved: Mapping[str, str]
    draft: Mapping[str, str]
    revision: int
    settled: bool
    feedback: Feedback = Feedback()


def open_item(engine: Engine, seat: Seat, at: ItemStage) -> OpenItem:
    """Return a stage of an item, with what was filled in and saved so far.

    Items are met in their order, as a later one may name what an earlier one hides. When a stage
    was first opened is recorded.

    Raises
    ------
    NotAdmitted
        If the reviewer has no such item, hasn't saved its first stage yet, or hasn't answered or
        skipped all items before it.
    """
    with reading(engine) as connection:
        item = _read(connection, seat, at)
        refuse_out_of_order(connection, seat, at)
        refuse_other_session(connection, seat, item.session, assigned(connection, seat, at).design)
        seen = is_recorded(connection, seat, at)
    if not seen:
        record_opened(engine, seat, at)
    return item


def foresee_item(engine: Engine, seat: Seat, at: ItemStage) -> OpenItem:
    """Return the item that comes next, to be drawn in advance, out of sight.

    Raises
    ------
    NotAdmitted
        As `open_item`, but for the order.
    """
    with reading(engine) as connection:
        return _read(connection, seat, at)


def _read(connection: Connection, seat: Seat, at: ItemStage) -> OpenItem:
    found = assigned(connection, seat, at)
    item, design = found.item, found.design
    saved = standing(connection, seat, at.position)
    kept = _sheet(connection, seat, at)
    total = connection.scalar(select(func.count()).where(*own(assignment, seat)))
    _refuse_early(at, item.kind, design, saved)
    asked, required = questions_at(item.kind, at.stage, design)
    stands = saved.get(at.stage, {})
    given_feedback = feedback(item, design, saved)
    return OpenItem(
        at=at,
        total=total or 0,
        session=found.session,
        kind=item.kind,
        practice=item.role == "practice",
        stages=stages(item.kind, design),
        facts=facts(item, found.bundle, found.swapped, at.stage, design),
        content=shown(item.content, found.swapped, at.stage, found.arm),
        questions=tuple(STUDY_QUESTIONS[key] for key in asked),
        required=required,
        saved=stands,
        draft=json.loads(kept.draft) if kept else stands,
        revision=kept.revision if kept else 0,
        settled=is_settled(item.kind, at.stage, design, saved) or bool(given_feedback.truth),
        feedback=given_feedback,
    )


def save_draft(
    engine: Engine,
    seat: Seat,
    at: ItemStage,
    answers: Mapping[str, Any],
    *,
    seen: int,
    seconds: float = 0.0,
) -> int:
    """Keep what is filled in, required or not; returns the new revision.

    `answers` are all of the sheet; `seconds` is the time spent on it since the last call.

    Raises
    ------
    ValueError
        If an answer is not acceptable.
    Conflict
        If another browser was faster.
    NotAdmitted
        If the reviewer has no such item, or the seat is closed (`seats.refuse_closed`).
    """
    with writing(engine, lock=seat_lock(seat)) as connection:
        _, _, checked = _to_be_written(connection, seat, at, answers)
        kept = _sheet(connection, seat, at)
        return _keep(connection, seat, at, kept, seen, checked, _spent(kept, seconds))


def save_item(
    engine: Engine,
    seat: Seat,
    at: ItemStage,
    answers: Mapping[str, Any],
    *,
    seen: int,
    seconds: float = 0.0,
) -> int:
    """Save the answers to a stage of an item, with what is required; returns the new revision.

    What is missing from `answers` is taken back. Each answer that changes becomes an event with
    its old value and the time spent on the item since the last save. Once this returns, the
    answers are on the disk.

    Raises
    ------
    ValueError
        If an answer is not acceptable, or a required one is missing and the item isn't skipped.
    Conflict, NotAdmitted
        As `save_draft`.
    RatingsError
        If the database cannot take it; then nothing of it is saved.
    """
    with writing(engine, lock=seat_lock(seat)) as connection:
        found, stands, checked = _to_be_written(connection, seat, at, answers)
        refuse_unfinished(found.item.kind, at.stage, found.design, checked)
        kept = _sheet(connection, seat, at)
        changes = [
            {"question": key, "old_value": stands.get(key, ""), "new_value": checked.get(key, "")}
            for key in STUDY_QUESTIONS
            if stands.get(key, "") != checked.get(key, "")
        ]
        spent = _spent(kept, seconds)
        # Where nothing changes there is no event to hold the time: it stays with the sheet.
        revision = _keep(connection, seat, at, kept, seen, checked, 0 if changes else spent)
        always = {
            "at": datetime.now(UTC),
            "study": seat.study,
            "reviewer": seat.reviewer,
            **at._asdict(),
            "revision": revision,
            "duration_ms": spent,
            "bundle": found.bundle,
            "fingerprint": found.fingerprint,
            "app_version": __version__,
            "codebook_version": CODEBOOK_VERSION,
        }
        if changes:
            append(connection, item_event, [{**always, **change} for change in changes])
    return revision


def _sheet(connection: Connection, seat: Seat, at: ItemStage) -> Row | None:
    return connection.execute(select(sheet).where(*at_stage(sheet, seat, at))).first()


def _keep(
    connection: Connection,
    seat: Seat,
    at: ItemStage,
    kept: Row | None,
    seen: int,
    answers: Mapping[str, str],
    spent_ms: int,
) -> int:
    revision = kept.revision if kept else 0
    if seen != revision:
        raise Conflict(
            "This item was changed in another window or on another machine since you opened it "
            "here. Nothing was saved; look at the answers there, and answer again."
        )
    values = {
        "revision": revision + 1,
        "draft": json.dumps(answers),
        "spent_ms": spent_ms,
        "at": datetime.now(UTC),
    }
    if kept is None:
        key = {"study": seat.study, "reviewer": seat.reviewer, **at._asdict()}
        connection.execute(insert(sheet), [{**key, **values}])
    else:
        connection.execute(update(sheet).where(*at_stage(sheet, seat, at)).values(values))
    return revision + 1


def _to_be_written(
    connection: Connection, seat: Seat, at: ItemStage, answers: Mapping[str, Any]
) -> tuple[Assigned, dict[str, str], dict[str, str]]:
    refuse_closed(connection, seat)
    found = assigned(connection, seat, at)
    refuse_other_session(connection, seat, found.session, found.design)
    saved = standing(connection, seat, at.position)
    _refuse_early(at, found.item.kind, found.design, saved)
    if feedback(found.item, found.design, saved).truth:
        raise ValueError("This practice item has told what is true. Its answers stay as they are.")
    if is_settled(found.item.kind, at.stage, found.design, saved):
        raise ValueError(
            "The first look at this item is over: what was hidden has been shown. Its answers stay "
            "as they are."
        )
    checked = checked_answers(found.item, at.stage, found.design, answers)
    return found, saved.get(at.stage, {}), checked


def _refuse_early(
    at: ItemStage, kind: str, design: Design, saved: Mapping[int, Mapping[str, str]]
) -> None:
    if at.stage == 2 and not is_answered(kind, 1, design, saved):
        raise NotAdmitted("Save your answers to the first look at this item before the second.")


def _spent(kept: Row | None, seconds: float) -> int:
    # A browser's clock may be set back, or left alone over a weekend.
    return round(1000 * min(max(seconds, 0.0), LONGEST_SECONDS)) + (kept.spent_ms if kept else 0)
