"""A reviewer at work in a study: items opened, drafts kept, answers saved as events.

seat = sign_in(engine, key)
sheet = open_item(engine, seat, first_open(engine, seat))
revision = save_draft(engine, seat, sheet.place, {"clarity": "4"}, seen=sheet.revision)
save_item(engine, seat, sheet.place, answers, seen=revision, seconds=12.5)

Every function takes a `Seat` and reads and writes what is its alone. `seen` is the revision that
the browser last got: where another browser of the same reviewer saved in between, `Conflict` is
raised and nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, insert, select, update

from protoecg import __version__
from review_db.database import RatingsError, reading, writing
from review_db.design import Design
from review_db.questions import (
    ALWAYS,
    CODEBOOK_VERSION,
    KINDS,
    STUDY_QUESTIONS,
    Question,
    checked_value,
)
from review_db.schema import (
    assignment,
    current_answer,
    item_event,
    sheet,
    study,
    study_item,
)
from review_db.studies import NotAdmitted, Seat, read_design

LONGEST_SECONDS = 24 * 3600.0


class Conflict(RatingsError):
    """Another browser of the same reviewer has changed the item since it was opened here."""


class Place(NamedTuple):
    """A stage of an item: its position in the reviewer's order, and 1 or 2."""

    position: int
    stage: int = 1


@dataclass(frozen=True)
class OpenItem:
    """One stage of an item as its reviewer meets it.

    Parameters
    ----------
    place, total : where in the reviewer's order, of how many positions
    kind : of `KINDS`
    practice : whether it counts; whether it is a control or a repeat is not for its reviewer
    stages : how often it is rated
    facts : what may be shown in words: `statement`, `branch`, `similarity`, `model`; less what
        is hidden at this stage
    draw : what a page needs to draw it; never to be printed, as names may tell what is hidden
    questions, required : what is asked, and the keys of what has to be answered
    saved : the answers that stand
    draft : answers filled in and not yet saved, over those that stand
    revision : to hand back with the next draft or save
    settled : whether its answers can't be changed any more, because the next stage was shown
    """

    place: Place
    total: int
    kind: str
    practice: bool
    stages: int
    facts: Mapping[str, Any]
    draw: Mapping[str, Any]
    questions: tuple[Question, ...]
    required: tuple[str, ...]
    saved: Mapping[str, str]
    draft: Mapping[str, str]
    revision: int
    settled: bool


@dataclass(frozen=True)
class Progress:
    """How far a reviewer is.

    `states` of each position: "done", "skipped" or "open"; `groups` as (done, total) of each
    statement, or of each kind of item while statements are hidden. Practice is in `states` alone.
    """

    done: int
    total: int
    states: Mapping[int, str]
    groups: Mapping[str, tuple[int, int]]
    flagged: tuple[int, ...] = field(default=())


def open_item(engine: Engine, seat: Seat, place: Place) -> OpenItem:
    """Return a stage of an item, with what was filled in and saved so far.

    Raises
    ------
    NotAdmitted
        If the reviewer has no such item, or hasn't saved its first stage yet.
    """
    with reading(engine) as connection:
        row, design = _assigned(connection, seat, place)
        saved = _saved(connection, seat, place.position)
        kept = _sheet(connection, seat, place)
        total = connection.execute(
            select(assignment.c.position).where(*_own(assignment, seat))
        ).all()
    _refuse_early(place, row.kind, design, saved)
    asked, required = _asked(row.kind, place.stage, design)
    stands = saved.get(place.stage, {})
    return OpenItem(
        place=place,
        total=len(total),
        kind=row.kind,
        practice=row.role == "practice",
        stages=stages(row.kind, design),
        facts=_facts(row, place.stage, design),
        draw=_draw(row, place.stage),
        questions=tuple(STUDY_QUESTIONS[key] for key in asked),
        required=required,
        saved=stands,
        draft=json.loads(kept.draft) if kept else stands,
        revision=kept.revision if kept else 0,
        settled=_is_settled(place, row.kind, design, saved),
    )


def save_draft(
    engine: Engine,
    seat: Seat,
    place: Place,
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
        If the reviewer has no such item.
    """
    with writing(engine, lock=_lock(seat)) as connection:
        _, _, checked = _to_be_written(connection, seat, place, answers)
        kept = _sheet(connection, seat, place)
        return _keep(connection, seat, place, kept, seen, checked, _spent(kept, seconds))


def save_item(
    engine: Engine,
    seat: Seat,
    place: Place,
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
    with writing(engine, lock=_lock(seat)) as connection:
        row, stands, checked = _to_be_written(connection, seat, place, answers)
        _refuse_unfinished(row.kind, place.stage, read_design(row.design), checked)
        kept = _sheet(connection, seat, place)
        revision = _keep(connection, seat, place, kept, seen, checked, 0)
        always = {
            "at": datetime.now(UTC),
            "study": seat.study,
            "reviewer": seat.reviewer,
            **place._asdict(),
            "revision": revision,
            "duration_ms": _spent(kept, seconds),
            "bundle": row.bundle,
            "fingerprint": row.fingerprint,
            "app_version": __version__,
            "codebook_version": CODEBOOK_VERSION,
        }
        changes = [
            {"question": key, "old_value": stands.get(key, ""), "new_value": checked.get(key, "")}
            for key in STUDY_QUESTIONS
            if stands.get(key, "") != checked.get(key, "")
        ]
        if changes:
            connection.execute(insert(item_event), [{**always, **change} for change in changes])
    return revision


def first_open(engine: Engine, seat: Seat) -> Place | None:
    """Return where a session goes on: the first open stage, then what was skipped, or None."""
    with reading(engine) as connection:
        found = _states(connection, seat)
    for wanted in ("open", "skipped"):
        for position, (state, stage, _) in found.items():
            if state == wanted:
                return Place(position, stage)
    return None


def progress(engine: Engine, seat: Seat) -> Progress:
    """Count what a reviewer has done; practice and skipped items are not counted as done."""
    with reading(engine) as connection:
        found = _states(connection, seat)
        flagged = select(current_answer.c.position).where(
            *_own(current_answer, seat), current_answer.c.question == "flag"
        )
        flags = sorted(set(connection.scalars(flagged)))
    counted = {position: row for position, (_, _, row) in found.items() if row.role != "practice"}
    groups: dict[str, tuple[int, int]] = {}
    for position, row in counted.items():
        hidden = read_design(row.design).blinding.statement
        name = row.kind if hidden else row.statement
        done, total = groups.get(name, (0, 0))
        groups[name] = (done + (found[position][0] == "done"), total + 1)
    return Progress(
        done=sum(done for done, _ in groups.values()),
        total=len(counted),
        states={position: state for position, (state, _, _) in found.items()},
        groups=groups,
        flagged=tuple(flags),
    )


def others_answers(engine: Engine, seat: Seat, position: int) -> dict[str, dict[str, str]]:
    """Return what other reviewers said of an item, by reviewer; nothing where that is hidden.

    Of theirs, the first look and its last stage.
    """
    with reading(engine) as connection:
        row, design = _assigned(connection, seat, Place(position))
        if design.blinding.reviewers:
            return {}
        now = current_answer.c
        query = (
            select(now.reviewer, now.question, now.new_value)
            .join(assignment, _same_place(now, assignment.c))
            .where(
                now.study == seat.study,
                now.reviewer != seat.reviewer,
                assignment.c.item == row.item,
                assignment.c.repeat_of.is_(None),
            )
            .order_by(now.stage)
        )
        found: dict[str, dict[str, str]] = {}
        for reviewer, question, value in connection.execute(query):
            found.setdefault(reviewer, {})[question] = value
        return found


def stages(kind: str, design: Design) -> int:
    """Return how often an item of this kind is rated."""
    revealed = design.two_stages and kind in ("prototype", "match")
    return max(KINDS[kind].stages, 2 if revealed else 1)


def _asked(kind: str, stage: int, design: Design) -> tuple[tuple[str, ...], tuple[str, ...]]:
    asked = KINDS[kind]
    if asked.unseen and "statement" in _hidden(kind, stage, design):
        return (*asked.unseen, *ALWAYS), asked.unseen
    return (*asked.required, *asked.optional, *ALWAYS), asked.required


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


def _facts(row: Row, stage: int, design: Design) -> dict[str, Any]:
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


def _draw(row: Row, stage: int) -> dict[str, Any]:
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


def _sides(row: Row, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return (data["b"], data["a"]) if row.swapped else (data["a"], data["b"])


def _assigned(connection: Connection, seat: Seat, place: Place) -> tuple[Row, Design]:
    query = _assignments(seat).where(assignment.c.position == place.position)
    row = connection.execute(query).first()
    design = read_design(row.design) if row else None
    if row is None or design is None or not 1 <= place.stage <= stages(row.kind, design):
        raise NotAdmitted(
            f"There is no item {place.position}, stage {place.stage}, for you in this study. Go "
            "back to your first open item."
        )
    return row, design


def _assignments(seat: Seat) -> Any:
    return (
        select(
            assignment.c.position,
            assignment.c.item,
            assignment.c.swapped,
            *(study_item.c[name] for name in ("kind", "role", "branch", "statement", "data")),
            *(study.c[name] for name in ("bundle", "fingerprint", "design")),
        )
        .join(
            study_item,
            (study_item.c.study == assignment.c.study) & (study_item.c.number == assignment.c.item),
        )
        .join(study, study.c.name == assignment.c.study)
        .where(*_own(assignment, seat))
        .order_by(assignment.c.position)
    )


def _states(connection: Connection, seat: Seat) -> dict[int, tuple[str, int, Row]]:
    """Say of each position whether it is done, skipped or open, and at which stage."""
    now = current_answer.c
    saved: dict[int, dict[int, set[str]]] = {}
    mine = select(now.position, now.stage, now.question).where(*_own(current_answer, seat))
    for position, stage, question in connection.execute(mine):
        saved.setdefault(position, {}).setdefault(stage, set()).add(question)
    return {
        row.position: (*_state(row, saved.get(row.position, {})), row)
        for row in connection.execute(_assignments(seat))
    }


def _state(row: Row, saved: Mapping[int, set[str]]) -> tuple[str, int]:
    design = read_design(row.design)
    for stage in range(1, stages(row.kind, design) + 1):
        answered = saved.get(stage, set())
        if "skip" in answered:
            return "skipped", stage
        if not set(_asked(row.kind, stage, design)[1]) <= answered:
            return "open", stage
    return "done", 1


def _saved(connection: Connection, seat: Seat, position: int) -> dict[int, dict[str, str]]:
    now = current_answer.c
    query = select(now.stage, now.question, now.new_value).where(
        *_own(current_answer, seat), now.position == position
    )
    found: dict[int, dict[str, str]] = {}
    for stage, question, value in connection.execute(query):
        found.setdefault(stage, {})[question] = value
    return found


def _sheet(connection: Connection, seat: Seat, place: Place) -> Row | None:
    return connection.execute(select(sheet).where(*_this(seat, place))).first()


def _keep(
    connection: Connection,
    seat: Seat,
    place: Place,
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
        key = {"study": seat.study, "reviewer": seat.reviewer, **place._asdict()}
        connection.execute(insert(sheet), [{**key, **values}])
    else:
        connection.execute(update(sheet).where(*_this(seat, place)).values(values))
    return revision + 1


def _to_be_written(
    connection: Connection, seat: Seat, place: Place, answers: Mapping[str, Any]
) -> tuple[Row, dict[str, str], dict[str, str]]:
    row, design = _assigned(connection, seat, place)
    saved = _saved(connection, seat, place.position)
    _refuse_early(place, row.kind, design, saved)
    if _is_settled(place, row.kind, design, saved):
        raise ValueError(
            "The first look at this item is over: what was hidden has been shown. Its answers stay "
            "as they are."
        )
    return row, saved.get(place.stage, {}), _checked(row, place.stage, design, answers)


def _checked(row: Row, stage: int, design: Design, answers: Mapping[str, Any]) -> dict[str, str]:
    asked, _ = _asked(row.kind, stage, design)
    if strange := sorted(set(answers) - set(asked)):
        raise ValueError(f"{strange[0]!r} is not asked here, expected {', '.join(asked)}.")
    checked = {key: checked_value(STUDY_QUESTIONS[key], answers.get(key)) for key in asked}
    if checked.get("accurate") != "no":
        checked.pop("alternative", None)
    if row.kind == "statement":
        _refuse_strangers(json.loads(row.data), checked)
    return {key: value for key, value in checked.items() if value}


def _refuse_strangers(data: Mapping[str, Any], answers: Mapping[str, str]) -> None:
    names = {p["name"] for p in data["prototypes"]}
    for key in ("best_prototype", "bad_prototypes", "redundant_prototypes"):
        named = [name.strip() for name in answers[key].split(";") if name.strip()]
        if strange := [name for name in named if name not in names]:
            raise ValueError(f"{strange[0]!r} is none of the prototypes of this statement.")


def _refuse_unfinished(kind: str, stage: int, design: Design, answers: Mapping[str, str]) -> None:
    missing = [key for key in _asked(kind, stage, design)[1] if key not in answers]
    if missing and "skip" not in answers:
        raise ValueError(
            "Still open: " + " ".join(STUDY_QUESTIONS[key].text for key in missing) + " Answer, or "
            "skip the item."
        )


def _refuse_early(
    place: Place, kind: str, design: Design, saved: Mapping[int, Mapping[str, str]]
) -> None:
    if place.stage == 2 and not _is_answered(kind, 1, design, saved):
        raise NotAdmitted("Save your answers to the first look at this item before the second.")


def _is_settled(
    place: Place, kind: str, design: Design, saved: Mapping[int, Mapping[str, str]]
) -> bool:
    return place.stage < stages(kind, design) and _is_answered(kind, 1, design, saved)


def _is_answered(
    kind: str, stage: int, design: Design, saved: Mapping[int, Mapping[str, str]]
) -> bool:
    answered = saved.get(stage, {})
    return "skip" not in answered and set(_asked(kind, stage, design)[1]) <= set(answered)


def _spent(kept: Row | None, seconds: float) -> int:
    # A browser's clock may be set back, or left alone over a weekend.
    return round(1000 * min(max(seconds, 0.0), LONGEST_SECONDS)) + (kept.spent_ms if kept else 0)


def _own(table: Any, seat: Seat) -> tuple[Any, Any]:
    return table.c.study == seat.study, table.c.reviewer == seat.reviewer


def _this(seat: Seat, place: Place) -> tuple[Any, ...]:
    return (*_own(sheet, seat), sheet.c.position == place.position, sheet.c.stage == place.stage)


def _same_place(one: Any, other: Any) -> Any:
    return (
        (one.study == other.study)
        & (one.reviewer == other.reviewer)
        & (one.position == other.position)
    )


def _lock(seat: Seat) -> str:
    return f"{seat.study} {seat.reviewer}"
