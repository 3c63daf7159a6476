import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from protoecg import __version__
from review_db.findings.answers import answer_table
from review_db.questions.catalogue import CANNOT_JUDGE, CODEBOOK_VERSION, STUDY_QUESTIONS
from review_db.sessions.assignments import ItemStage
from review_db.sessions.others import others_answers
from review_db.sessions.progress import next_open, session_progress
from review_db.sessions.sessions import (
    Conflict,
    foresee_item,
    open_item,
    save_draft,
    save_item,
)
from review_db.sessions.stages import Facts, stages
from review_db.store.database import reading
from review_db.store.schema import assignment, item_event, item_look, study_item
from review_db.studies.accounts import claim_seat
from review_db.studies.design import Blinding, Controls, Design, Sample
from review_db.studies.design.declared import Readings
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import NotAdmitted, Seat, new_key, seat_of, sign_in

DESIGN = Design(
    "pilot",
    ("R01", "R02"),
    5,
    sample=Sample(size=6),
    practice=1,
    repeats=0.2,
    readings=Readings(arms=("prototypes",)),
)
GOOD = {"accurate": "yes", "representativeness": "4", "clarity": "5"}


def start(engine, material, **more):
    design = replace(DESIGN, **more)
    create_study(engine, design, material)
    return start_study(engine, design.name)


def begin(engine, material, **more):
    keys = start(engine, material, **more)
    return {name: sign_in(engine, key) for name, key in keys.items()}


@pytest.fixture
def keys(engine, material):
    return start(engine, material)


@pytest.fixture
def seats(engine, keys):
    return {name: sign_in(engine, key) for name, key in keys.items()}


def positions(engine, seat, kind="prototype", role="rated", repeats=False):
    with reading(engine) as connection:
        query = (
            assignment.select()
            .with_only_columns(assignment.c.position)
            .join(
                study_item,
                (study_item.c.study == assignment.c.study)
                & (study_item.c.number == assignment.c.item),
            )
            .where(
                assignment.c.reviewer == seat.reviewer,
                study_item.c.kind == kind,
                study_item.c.role == role,
                assignment.c.repeat_of.is_not(None)
                if repeats
                else assignment.c.repeat_of.is_(None),
            )
            .order_by(assignment.c.position)
        )
        return list(connection.scalars(query))


def events(engine):
    with reading(engine) as connection:
        return connection.execute(item_event.select().order_by(item_event.c.id)).all()


def answer(item):
    """Answer all that an item requires, with the first thing that can be said."""
    given = {}
    for question in item.questions:
        if question.key in item.required:
            if question.key == "best_prototype":
                given[question.key] = item.content.prototypes[0].name
            else:
                given[question.key] = question.options[0] if question.options else "AFIB"
    return given


def finish(engine, seat, place):
    item = foresee_item(engine, seat, place)
    return save_item(engine, seat, place, answer(item), seen=item.revision, seconds=2)


def test_what_was_saved_is_read_back(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    item = foresee_item(engine, seat, place)
    assert (item.saved, item.draft, item.revision) == ({}, {}, 0)
    revision = save_item(engine, seat, place, GOOD, seen=0)
    again = foresee_item(engine, seat, place)
    assert (again.saved, again.draft, again.revision) == (GOOD, GOOD, revision)


def test_what_is_looked_at_again_and_left_as_it_was_takes_time_too(engine, seats):
    """Re-reading that was saved unchanged was lost."""
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    seen = save_item(engine, seat, place, GOOD, seen=0, seconds=12)
    save_item(engine, seat, place, GOOD, seen=seen, seconds=30)
    assert answer_table(engine, "pilot")["seconds"].tolist() == [42]
    assert len(events(engine)) == len(GOOD)


def test_an_event_says_who_what_when_old_new_and_how_long(engine, seats):
    seat, place = seats["R02"], ItemStage(positions(engine, seats["R02"])[0])
    seen = save_item(engine, seat, place, GOOD, seen=0, seconds=12.5)
    save_item(engine, seat, place, {**GOOD, "clarity": "2"}, seen=seen, seconds=3)
    *first, last = events(engine)
    assert {(e.question, e.old_value, e.new_value) for e in first} == {
        (key, "", value) for key, value in GOOD.items()
    }
    assert {e.duration_ms for e in first} == {12_500}
    assert (last.study, last.reviewer, last.position, last.stage) == ("pilot", "R02", *place)
    assert (last.question, last.old_value, last.new_value) == ("clarity", "5", "2")
    assert (last.duration_ms, last.bundle, last.fingerprint) == (3000, "demo", "f1")
    assert (first[0].app_version, last.codebook_version) == (__version__, CODEBOOK_VERSION)
    assert last.at.utcoffset().total_seconds() == 0


def test_what_is_left_out_is_taken_back_and_kept_in_the_history(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    seen = save_item(engine, seat, place, {**GOOD, "comment": "noisy"}, seen=0)
    save_item(engine, seat, place, GOOD, seen=seen)
    assert "comment" not in foresee_item(engine, seat, place).saved
    last = events(engine)[-1]
    assert (last.question, last.old_value, last.new_value) == ("comment", "noisy", "")


def test_a_draft_is_kept_and_counts_for_nothing(engine, seats):
    seat = seats["R01"]
    place = next_open(engine, seat)
    seen = save_draft(engine, seat, place, {"clarity": "3"}, seen=0, seconds=4)
    seen = save_draft(engine, seat, place, {"clarity": "3", "comment": "x"}, seen=seen, seconds=5)
    item = foresee_item(engine, seat, place)
    assert (item.saved, item.draft) == ({}, {"clarity": "3", "comment": "x"})
    assert events(engine) == []
    assert next_open(engine, seat) == place
    save_item(engine, seat, place, GOOD, seen=seen, seconds=1)
    assert {e.duration_ms for e in events(engine)} == {10_000}
    assert foresee_item(engine, seat, place).draft == GOOD


def test_time_is_never_negative_nor_a_weekend(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    seen = save_item(engine, seat, place, GOOD, seen=0, seconds=-30)
    save_item(engine, seat, place, {**GOOD, "clarity": "1"}, seen=seen, seconds=1e9)
    assert [e.duration_ms for e in events(engine)] == [0, 0, 0, 24 * 3_600_000]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "Still open: accurate, representativeness, clarity. "),
        ({"accurate": "yes", "clarity": "1"}, "Still open: representativeness. "),
        ({**GOOD, "clarity": "6"}, "'6', expected 1, 2, 3, 4, 5 or cannot_judge"),
        ({**GOOD, "like": "3"}, "'like' is not asked here"),
        ({**GOOD, "comment": "a\0"}, "control character"),
        ({**GOOD, "position": 3}, "'position' is not asked here"),
    ],
)
def test_an_impossible_sheet_is_refused_and_nothing_is_saved(engine, seats, answers, message):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    with pytest.raises(ValueError, match=message):
        save_item(engine, seat, place, answers, seen=0)
    assert events(engine) == []
    assert foresee_item(engine, seat, place).revision == 0


def test_cannot_judge_is_an_answer(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    save_item(engine, seat, place, dict.fromkeys(GOOD, CANNOT_JUDGE), seen=0)
    assert session_progress(engine, seat).states[place.position] == "done"


def test_an_alternative_needs_an_inaccurate_prototype(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    seen = save_item(engine, seat, place, {**GOOD, "accurate": "no", "alternative": "SR"}, seen=0)
    assert foresee_item(engine, seat, place).saved["alternative"] == "SR"
    save_item(engine, seat, place, {**GOOD, "alternative": "SR"}, seen=seen)
    assert "alternative" not in foresee_item(engine, seat, place).saved


def test_a_summary_names_prototypes_of_its_statement_alone(engine, material):
    seat = begin(engine, material, sample=Sample(statements=("PVC",)))["R01"]
    place = ItemStage(positions(engine, seat, "statement")[0])
    item = foresee_item(engine, seat, place)
    names = [p.name for p in item.content.prototypes]
    with pytest.raises(ValueError, match="'SR-1' is none of the prototypes"):
        save_item(engine, seat, place, {"best_prototype": "SR-1"}, seen=0)
    answers = {"best_prototype": names[0], "bad_prototypes": [names[2], names[1]]}
    save_item(engine, seat, place, answers, seen=0)
    saved = foresee_item(engine, seat, place).saved
    assert saved["bad_prototypes"] == "; ".join(sorted(names[1:3]))


# Two browsers, and other people.


def test_two_browsers_of_one_reviewer_do_not_overwrite_each_other(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    here, there = (foresee_item(engine, seat, place).revision for _ in range(2))
    save_item(engine, seat, place, GOOD, seen=here)
    for save in (save_item, save_draft):
        with pytest.raises(Conflict, match="changed in another window"):
            save(engine, seat, place, {**GOOD, "clarity": "1"}, seen=there)
    item = foresee_item(engine, seat, place)
    assert item.saved == item.draft == GOOD
    save_item(engine, seat, place, {**GOOD, "clarity": "1"}, seen=item.revision)


def test_of_many_browsers_at_once_exactly_one_is_saved(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    start = threading.Barrier(8)

    def save(n):
        start.wait()
        try:
            save_item(engine, seat, place, {**GOOD, "comment": f"browser {n}"}, seen=0)
        except Conflict:
            return None
        return f"browser {n}"

    with ThreadPoolExecutor(8) as pool:
        won = [comment for comment in pool.map(save, range(8)) if comment]
    assert [foresee_item(engine, seat, place).saved["comment"]] == won


@pytest.mark.parametrize(
    "place",
    [
        *(ItemStage(n) for n in (0, -1, 9999, 2**31, 2**63, -(2**63), 10**23)),
        *(ItemStage(1, stage) for stage in (0, 3, 10**23)),
    ],
)
def test_there_is_no_item_but_those_assigned(engine, seats, place):
    for call in (
        lambda: foresee_item(engine, seats["R01"], place),
        lambda: save_item(engine, seats["R01"], place, GOOD, seen=0),
        lambda: save_draft(engine, seats["R01"], place, GOOD, seen=0),
    ):
        with pytest.raises(NotAdmitted, match="There is no item"):
            call()


@pytest.mark.parametrize("seat", [Seat("pilot", "R03"), Seat("other", "R01"), Seat("pilot", "r01")])
def test_a_seat_made_up_by_hand_opens_nothing(engine, seats, seat):
    with pytest.raises(NotAdmitted):
        foresee_item(engine, seat, ItemStage(1))
    with pytest.raises(NotAdmitted):
        save_item(engine, seat, ItemStage(1), GOOD, seen=0)
    assert next_open(engine, seat) is None
    assert session_progress(engine, seat).total == 0


@pytest.mark.parametrize("save", [save_item, save_draft])
def test_a_seat_writes_nothing_any_more_once_its_key_was_replaced(engine, seats, save):
    place = ItemStage(1)
    seen = save(engine, seats["R01"], place, GOOD, seen=0)
    fresh = sign_in(engine, new_key(engine, "pilot", "R01"))

    with pytest.raises(NotAdmitted, match="was replaced"):
        save(engine, seats["R01"], place, {**GOOD, "clarity": "1"}, seen=seen)

    assert foresee_item(engine, fresh, place).draft == GOOD
    save(engine, fresh, place, {**GOOD, "clarity": "2"}, seen=seen)
    assert foresee_item(engine, fresh, place).draft["clarity"] == "2"


def test_a_seat_that_was_open_writes_nothing_once_an_account_has_it(engine, seats, keys):
    claimed = claim_seat(engine, keys["R01"], "a" * 64)

    with pytest.raises(NotAdmitted, match="tied to an account"):
        save_item(engine, seats["R01"], ItemStage(1), GOOD, seen=0)

    assert save_item(engine, claimed, ItemStage(1), GOOD, seen=0) == 1
    assert save_item(engine, seat_of(engine, "pilot", "R01"), ItemStage(1), GOOD, seen=1) == 2


def test_of_a_save_and_a_new_key_at_once_none_is_saved_after_the_key(engine, seats):
    """Whatever is saved has its event before the key that closed the seat was handed out."""
    handed = threading.Event()

    def save_on():
        saved = 0
        with suppress(NotAdmitted):
            while not (late := handed.is_set()) or saved < 1:
                saved = save_draft(engine, seats["R01"], ItemStage(1), GOOD, seen=saved)
                assert not late
        return saved

    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(save_on)
        new_key(engine, "pilot", "R01")
        handed.set()
        saved = saving.result(timeout=30)
    assert foresee_item(engine, seat_of(engine, "pilot", "R01"), ItemStage(1)).revision == saved


def looks(engine):
    with reading(engine) as connection:
        rows = connection.execute(select(item_look).order_by(item_look.c.at)).all()
    return [(row.reviewer, row.position, row.stage) for row in rows]


def test_items_are_opened_in_their_order_alone(engine, seats):
    seat = seats["R01"]
    last = max(session_progress(engine, seat).states)
    for position in (2, last):
        with pytest.raises(NotAdmitted, match="comes after item 1, which is still open"):
            open_item(engine, seat, ItemStage(position))
    assert session_progress(engine, seat).reachable == [1]

    save_item(engine, seat, ItemStage(1), GOOD, seen=0)
    save_item(engine, seat, ItemStage(2), {"skip": "yes"}, seen=0)

    for position in (1, 2, 3):
        assert open_item(engine, seat, ItemStage(position)).at == ItemStage(position)
    with pytest.raises(NotAdmitted, match="comes after item 3"):
        open_item(engine, seat, ItemStage(4))
    assert session_progress(engine, seat).reachable == [1, 2, 3]


def test_no_later_item_is_opened_to_learn_what_an_earlier_one_hides(engine, material):
    hidden = {"sample": Sample(size=12), "blinding": Blinding(statement=True)}
    seat = begin(engine, material, **hidden)["R01"]
    naming = ItemStage(positions(engine, seat, "statement")[0])
    with pytest.raises(NotAdmitted, match="comes after item 1"):
        open_item(engine, seat, naming)

    for position in range(1, naming.position):
        save_item(engine, seat, ItemStage(position), {"skip": "yes"}, seen=0)

    assert open_item(engine, seat, naming).facts.statement


def test_when_a_stage_was_first_opened_is_recorded_once(engine, seats):
    seat = seats["R01"]
    foresee_item(engine, seat, ItemStage(1))
    assert looks(engine) == []

    for _ in range(2):
        open_item(engine, seat, ItemStage(1))
    with pytest.raises(NotAdmitted):
        open_item(engine, seat, ItemStage(2))

    assert looks(engine) == [("R01", 1, 1)]


def test_of_tabs_that_open_an_item_at_once_one_look_is_recorded(engine, seats):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: open_item(engine, seats["R01"], ItemStage(1)), range(8)))
    assert looks(engine) == [("R01", 1, 1)]


@pytest.mark.parametrize("statement", ["UPDATE item_look SET stage = 2", "DELETE FROM item_look"])
def test_the_database_itself_refuses_to_change_a_look(engine, seats, statement):
    open_item(engine, seats["R01"], ItemStage(1))
    with (
        pytest.raises(DBAPIError, match="item_look is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))


def test_reviewers_neither_see_nor_change_each_others_answers(engine, seats):
    for name, clarity in (("R01", "1"), ("R02", "5")):
        place = ItemStage(positions(engine, seats[name])[0])
        save_item(engine, seats[name], place, {**GOOD, "clarity": clarity}, seen=0)
    for name, clarity in (("R01", "1"), ("R02", "5")):
        place = ItemStage(positions(engine, seats[name])[0])
        item = foresee_item(engine, seats[name], place)
        assert item.saved["clarity"] == clarity
        assert others_answers(engine, seats[name], place.position) == {}


def test_others_are_seen_where_the_design_says_so(engine, material):
    seats = begin(engine, material, blinding=Blinding(reviewers=False))
    place = ItemStage(positions(engine, seats["R01"])[0])
    save_item(engine, seats["R01"], place, GOOD, seen=0)
    seen = {
        position: others_answers(engine, seats["R02"], position)
        for position in positions(engine, seats["R02"])
    }
    assert [answers for answers in seen.values() if answers] == [{"R01": GOOD}]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE item_event SET reviewer = 'R02'",
        "UPDATE item_event SET new_value = '5'",
        "DELETE FROM item_event",
        "INSERT INTO item_event (at, study, reviewer, position, stage, revision, question, "
        "old_value, new_value, duration_ms, bundle, fingerprint, app_version, codebook_version) "
        "SELECT at, study, 'R09', position, stage, revision, question, old_value, new_value, "
        "duration_ms, bundle, fingerprint, app_version, codebook_version FROM item_event",
        "INSERT INTO item_event (at, study, reviewer, position, stage, revision, question, "
        "old_value, new_value, duration_ms, bundle, fingerprint, app_version, codebook_version) "
        "SELECT at, study, reviewer, 999, stage, revision, question, old_value, new_value, "
        "duration_ms, bundle, fingerprint, app_version, codebook_version FROM item_event",
    ],
)
def test_the_database_itself_keeps_answers_as_they_were_given(engine, seats, statement):
    save_item(engine, seats["R01"], ItemStage(positions(engine, seats["R01"])[0]), GOOD, seen=0)
    before = events(engine)
    with (
        pytest.raises(DBAPIError, match="append-only|not assigned to this reviewer"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))
    assert events(engine) == before


# What is shown, and when.


def shown_facts(item):
    return {name for name, fact in asdict(item.facts).items() if fact is not None}


def all_shown(item):
    return json.dumps([asdict(item.facts), [q.key for q in item.questions]])


def test_a_control_looks_like_any_other_item(engine, material):
    design = {"sample": Sample(size=12), "controls": Controls(2, 2, 2)}
    seat = begin(engine, material, **design)["R01"]
    places = [
        ItemStage(position)
        for role in ("rated", "wrong_statement", "random_window", "noise")
        for position in positions(engine, seat, role=role)
    ]
    items = [foresee_item(engine, seat, place) for place in places]
    assert len(items) == 18
    assert {frozenset(shown_facts(item)) for item in items} == {frozenset({"statement", "branch"})}
    assert {item.questions for item in items} == {items[0].questions}
    assert not any(hasattr(item, "role") or hasattr(item, "repeat_of") for item in items)


@pytest.mark.parametrize("hidden", ["statement", "similarity", "model"])
@pytest.mark.parametrize("blind", [True, False])
def test_what_is_hidden_is_not_among_the_facts(engine, material, hidden, blind):
    blinding = replace(Blinding(False, False, False, False), **{hidden: blind})
    seat = begin(engine, material, blinding=blinding)["R01"]
    item = foresee_item(engine, seat, ItemStage(positions(engine, seat, "match")[0]))
    assert (hidden in shown_facts(item)) != blind
    shown = {"statement", "similarity", "model"} - {hidden}
    assert shown <= shown_facts(item)


def test_a_hidden_statement_is_not_asked_about(engine, material):
    seat = begin(engine, material, blinding=Blinding(statement=True))["R01"]
    item = foresee_item(engine, seat, ItemStage(positions(engine, seat)[0]))
    assert item.required == ("portrays", "clarity")
    assert not any(s in all_shown(item) for s in ("AFIB", "PVC", "SR", "accurate"))


def test_the_second_look_comes_after_the_first_which_then_stays(engine, material):
    seat = begin(engine, material, blinding=Blinding(statement=True), two_stages=True)["R01"]
    position = positions(engine, seat)[0]
    first, second = ItemStage(position, 1), ItemStage(position, 2)
    for call in (
        lambda: foresee_item(engine, seat, second),
        lambda: save_item(engine, seat, second, GOOD, seen=0),
    ):
        with pytest.raises(NotAdmitted, match="first look"):
            call()
    assert foresee_item(engine, seat, first).facts.statement is None
    blind = {"portrays": "AFIB", "clarity": "4"}
    seen = save_item(engine, seat, first, blind, seen=0)
    revealed = foresee_item(engine, seat, second)
    assert revealed.facts.statement
    assert revealed.required == ("accurate", "representativeness", "clarity")
    assert foresee_item(engine, seat, first).settled
    with pytest.raises(ValueError, match="first look at this item is over"):
        save_item(engine, seat, first, {**blind, "clarity": "1"}, seen=seen)
    save_item(engine, seat, second, GOOD, seen=0)
    assert foresee_item(engine, seat, first).saved == blind
    assert foresee_item(engine, seat, second).saved == GOOD


def test_a_reading_of_two_looks_comes_without_then_with_the_explanation(
    engine, material, two_stages
):
    create_study(engine, DESIGN, material)
    two_stages(engine)
    seat = sign_in(engine, start_study(engine, "pilot")["R01"])
    position = positions(engine, seat, "reading")[0]
    alone = foresee_item(engine, seat, ItemStage(position, 1))
    assert alone.content.explanation is None
    assert alone.facts == Facts()
    answers = {"diagnosis": ["PVC", "LAD"], "confidence": "3"}
    save_item(engine, seat, ItemStage(position, 1), answers, seen=0)
    helped = foresee_item(engine, seat, ItemStage(position, 2))
    assert helped.content.explanation
    assert "LAD" not in str(helped.content)
    assert helped.facts.statement is None
    assert foresee_item(engine, seat, ItemStage(position, 1)).saved["diagnosis"] == "LAD; PVC"


def test_sides_are_those_of_the_assignment_and_nothing_tells_which_is_which(engine, seats):
    seat = seats["R01"]
    with reading(engine) as connection:
        swapped = {
            row.position: row.swapped
            for row in connection.execute(assignment.select())
            if row.reviewer == "R01"
        }
    found = positions(engine, seat, "pair")
    for position in found:
        item = foresee_item(engine, seat, ItemStage(position))
        assert item.content.left.bundle == ("plain" if swapped[position] else "demo")
        assert item.content.right.bundle == ("demo" if swapped[position] else "plain")
        assert not hasattr(item.content, "a")
        assert "plain" not in all_shown(item)
    assert {swapped[position] for position in found} == {True, False}


# Going on.


def test_a_session_resumes_at_the_first_open_stage_and_comes_back_to_what_was_skipped(
    engine, seats
):
    seat = seats["R01"]
    visited = []
    while (place := next_open(engine, seat)) is not None and place not in visited:
        visited.append(place)
        if len(visited) == 4:
            save_item(engine, seat, place, {"skip": "yes"}, seen=0)
        else:
            finish(engine, seat, place)
    place = visited[3]
    assert next_open(engine, seat) is None
    assert [p.position for p in visited] == sorted(p.position for p in visited)
    now = session_progress(engine, seat)
    assert (now.done, now.total) == (len(now.states) - 2, len(now.states) - 1)
    assert now.states[place.position] == "skipped"
    item = foresee_item(engine, seat, place)
    save_item(engine, seat, place, answer(item), seen=item.revision)
    while (place := next_open(engine, seat)) is not None:
        finish(engine, seat, place)
    now = session_progress(engine, seat)
    assert now.done == now.total
    assert set(now.states.values()) == {"done"}


def test_skipping_ends_however_often(engine, seats):
    seat = seats["R01"]
    while (place := next_open(engine, seat)) is not None:
        save_item(engine, seat, place, {"skip": "yes"}, seen=0)
    now = session_progress(engine, seat)
    assert (now.done, set(now.states.values())) == (0, {"skipped"})

    place, met = ItemStage(now.first_skipped), []
    while place is not None:
        met.append(place.position)
        save_item(engine, seat, place, {"skip": "yes"}, seen=1)
        place = next_open(engine, seat, after=place)
    assert met == list(now.states)


def test_what_is_skipped_behind_another_is_met_once_more_alone(engine, seats):
    seat = seats["R01"]
    skipped = []
    while (place := next_open(engine, seat)) is not None:
        if place.position in (2, 5, 9):
            skipped.append(place)
            save_item(engine, seat, place, {"skip": "yes"}, seen=0)
        else:
            finish(engine, seat, place)
    assert next_open(engine, seat, after=skipped[0]) == skipped[1]
    finish(engine, seat, skipped[1])
    assert next_open(engine, seat, after=skipped[0]) == skipped[2]
    assert next_open(engine, seat, after=skipped[2]) is None


def test_progress_is_by_statement_unless_that_is_hidden(engine, material):
    seat = begin(engine, material)["R01"]
    groups = session_progress(engine, seat).groups
    assert {"AFIB", "PVC"} <= set(groups)
    # The statement of a reading is what the reviewer is asked for.
    assert groups["differential"] == (0, len(material.readings))
    place = ItemStage(positions(engine, seat)[0])
    statement = foresee_item(engine, seat, place).facts.statement
    finish(engine, seat, place)
    assert session_progress(engine, seat).groups[statement] == (1, groups[statement][1])
    hidden = begin(engine, material, name="blind", blinding=Blinding(statement=True))["R01"]
    assert set(session_progress(engine, hidden).groups) <= {
        "differential",
        "prototype",
        "match",
        "pair",
        "statement",
    }


def test_practice_is_not_counted(engine, seats):
    seat = seats["R01"]
    place = next_open(engine, seat)
    assert foresee_item(engine, seat, place).practice
    finish(engine, seat, place)
    assert session_progress(engine, seat).done == 0
    assert not foresee_item(engine, seat, next_open(engine, seat)).practice


def test_a_flag_is_seen_in_the_progress(engine, seats):
    seat, place = seats["R01"], ItemStage(positions(engine, seats["R01"])[0])
    save_item(engine, seat, place, {**GOOD, "flag": "yes"}, seen=0)
    assert session_progress(engine, seat).flagged == (place.position,)


@pytest.mark.parametrize("kind", ["differential", "prototype", "match", "pair", "statement"])
def test_every_kind_of_item_is_asked_in_known_words(engine, material, kind):
    seat = begin(engine, material, sample=Sample(), two_stages=True)["R01"]
    position = positions(engine, seat, kind)[0]
    for stage in range(1, stages(kind, replace(DESIGN, two_stages=True)) + 1):
        item = foresee_item(engine, seat, ItemStage(position, stage))
        assert item.kind == kind
        assert set(item.required) <= {question.key for question in item.questions}
        assert all(STUDY_QUESTIONS[q.key] == q for q in item.questions)
        finish(engine, seat, ItemStage(position, stage))


SHEETS = st.fixed_dictionaries(
    {key: st.sampled_from(STUDY_QUESTIONS[key].options) for key in GOOD},
    optional={"comment": st.sampled_from(["a", "b", ""]), "flag": st.sampled_from(["yes", ""])},
)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 2), SHEETS), min_size=1, max_size=8))
def test_each_event_starts_from_the_answer_that_stood(engine, material, steps):
    name = f"s{len(events(engine))}-{abs(hash(str(steps))) % 10**9}"
    seat = begin(engine, material, name=name)["R01"]
    places = [ItemStage(position) for position in positions(engine, seat)[:3]]
    for n, answers in steps:
        seen = foresee_item(engine, seat, places[n]).revision
        save_item(engine, seat, places[n], answers, seen=seen)
    stands = {}
    for event in events(engine):
        if event.study == name:
            key = (event.position, event.question)
            assert event.old_value == stands.get(key, "")
            stands[key] = event.new_value
    for place in places:
        now = {q: v for (position, q), v in stands.items() if position == place.position and v}
        assert foresee_item(engine, seat, place).saved == now
