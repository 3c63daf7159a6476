"""Studies that are running: reviewers come late and leave, a study is closed, a test goes."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from review_db.findings.answers import answer_table, answers_on, assignments_on
from review_db.sessions.progress import next_open
from review_db.sessions.sessions import open_item, save_draft, save_item
from review_db.store.chain import first_altered
from review_db.store.database import reading
from review_db.studies.accounts import claim_seat
from review_db.studies.design import Design, DesignError, Sample, design_from_toml
from review_db.studies.design.declared import Protocol, Readings
from review_db.studies.lifecycle import (
    create_study,
    start_study,
    studies,
    study_info,
    study_protocol,
)
from review_db.studies.running import (
    add_reviewer,
    close_study,
    give_consent,
    remove_test,
    reopen_study,
    standing,
    withdraw,
)
from review_db.studies.seats import NotAdmitted, new_key, seat_of, sign_in
from review_db.studies.trail import trail

BY = {"actor": "coordinator"}
WHY = {**BY, "reason": "fell ill"}
DESIGN = Design(
    "pilot",
    ("R01", "R02"),
    5,
    sample=Sample(size=6),
    practice=1,
    repeats=0.2,
    readings=Readings(washout_days=0),
)
GOOD = {"accurate": "yes", "representativeness": "4", "clarity": "5"}


@pytest.fixture
def bare(material):
    return replace(material, matches=(), pairs=(), readings=())


@pytest.fixture
def keys(engine, bare):
    create_study(engine, DESIGN, bare)
    return start_study(engine, "pilot")


def answer(engine, seat, number=2):
    for _ in range(number):
        item = open_item(engine, seat, next_open(engine, seat))
        save_item(engine, seat, item.at, GOOD, seen=item.revision, seconds=3)


def test_a_reviewer_who_comes_late_meets_the_same_items_in_an_order_of_their_own(engine, keys):
    seat = sign_in(engine, add_reviewer(engine, "pilot", "R03", **WHY))
    answer(engine, seat)
    with reading(engine) as connection:
        places = assignments_on(connection, "pilot")
    orders = {code: list(one["item"]) for code, one in places.groupby("reviewer")}
    assert set(orders["R03"]) == set(orders["R01"])
    assert orders["R03"] not in (orders["R01"], orders["R02"])
    assert study_info(engine, "pilot").reviewers == ("R01", "R02", "R03")
    assert set(answer_table(engine, "pilot")["reviewer"]) == {"R03"}


def test_whoever_comes_late_takes_the_next_row_of_the_square(engine, material):
    create_study(engine, DESIGN, material)
    start_study(engine, "pilot")
    for code in ("R03", "R04"):
        add_reviewer(engine, "pilot", code, **WHY)
    with reading(engine) as connection:
        places = assignments_on(connection, "pilot")
    pairs = places[(places["kind"] == "pair") & places["repeat_of"].isna()]
    assert pairs.groupby("item")["swapped"].sum().eq(2).all()


@pytest.mark.parametrize(
    ("code", "reason", "message"),
    [
        ("r01", "x", "has a reviewer r01 already"),
        ("R03", "  ", "Say why"),
        ("R03", "x" * 3000, "at most 2,000"),
        ("Jane Doe", "x", "not a name"),
    ],
)
def test_nobody_is_added_twice_or_without_a_reason(engine, keys, code, reason, message):
    with pytest.raises(ValueError, match=message):
        add_reviewer(engine, "pilot", code, actor="coordinator", reason=reason)
    assert study_info(engine, "pilot").reviewers == ("R01", "R02")


def test_nobody_is_added_to_a_study_that_has_not_started(engine, bare):
    create_study(engine, DESIGN, bare)
    with pytest.raises(DesignError, match="has not started"):
        add_reviewer(engine, "pilot", "R03", **WHY)


def test_the_database_itself_refuses_an_order_that_is_settled(engine, keys):
    statement = (
        "INSERT INTO assignment SELECT study, 'R02', position + 500, item, repeat_of, swapped, "
        "session, arm FROM assignment WHERE reviewer = 'R01'"
    )
    with pytest.raises(DBAPIError, match="the study has begun"), engine.begin() as connection:
        connection.execute(text(statement))


def test_answers_of_a_withdrawn_reviewer_are_kept_and_counted_out(engine, keys):
    seats = {code: sign_in(engine, key) for code, key in keys.items()}
    for seat in seats.values():
        answer(engine, seat)
    withdraw(engine, "pilot", "R02", **WHY)
    with reading(engine) as connection:
        kept = answers_on(connection, "pilot")
    assert kept.groupby("reviewer")["withdrawn"].all().to_dict() == {"R01": False, "R02": True}
    assert set(answer_table(engine, "pilot")["reviewer"]) == {"R01"}
    with pytest.raises(NotAdmitted, match="Your part in this study has ended"):
        answer(engine, seats["R02"], 1)
    answer(engine, seats["R01"], 1)
    with pytest.raises(DesignError, match="was withdrawn before"):
        withdraw(engine, "pilot", "R02", **WHY)
    with pytest.raises(DesignError, match="no reviewer 'R09'"):
        withdraw(engine, "pilot", "R09", **WHY)


def test_a_closed_study_takes_no_answer_and_is_reopened_with_a_reason(engine, keys):
    seat = sign_in(engine, keys["R01"])
    answer(engine, seat)
    close_study(engine, "pilot", **BY)
    at = next_open(engine, seat)
    for save in (save_item, save_draft):
        with pytest.raises(NotAdmitted, match="This study is closed"):
            save(engine, seat, at, GOOD, seen=0)
    for change in (
        lambda: close_study(engine, "pilot", **BY),
        lambda: add_reviewer(engine, "pilot", "R03", **WHY),
        lambda: withdraw(engine, "pilot", "R01", **WHY),
    ):
        with pytest.raises(DesignError, match="is closed. Reopen it first, with a reason"):
            change()
    with pytest.raises(DesignError, match="Say why"):
        reopen_study(engine, "pilot", actor="coordinator", reason="")
    reopen_study(engine, "pilot", actor="coordinator", reason="R01 had a power cut")
    answer(engine, seat, 1)
    with pytest.raises(DesignError, match="is not closed"):
        reopen_study(engine, "pilot", **WHY)


def test_the_trail_says_who_did_what_and_why(engine, keys):
    answer(engine, sign_in(engine, keys["R01"]))
    new_key(engine, "pilot", "R01", actor="Ann")
    add_reviewer(engine, "pilot", "R03", **WHY)
    give_consent(engine, seat_of(engine, "pilot", "R02"), {"specialty": "cardiology"})
    withdraw(engine, "pilot", "R02", **WHY)
    close_study(engine, "pilot", **BY)
    entries = [(entry.action, entry.actor, entry.reviewer) for entry in trail(engine, "pilot")]
    assert entries == [
        ("start", "coordinator", ""),
        ("new key", "Ann", "R01"),
        ("add reviewer", "coordinator", "R03"),
        ("consent", "R02", "R02"),
        ("withdraw", "coordinator", "R02"),
        ("close", "coordinator", ""),
    ]
    start, *_, end = trail(engine, "pilot")
    assert start.data["protocol_sha256"] == study_protocol(engine, "pilot")[1]
    # Where each one's answers end, so that none can be taken away unseen.
    assert set(end.data) == {"R01"}
    assert standing(engine, "pilot").profiles["R02"]["specialty"] == "cardiology"
    with reading(engine) as connection:
        assert first_altered(connection) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE study_action SET actor = 'x'",
        "DELETE FROM study_action",
        "UPDATE study SET test = NOT test",
    ],
)
def test_the_database_itself_keeps_the_trail(engine, keys, statement):
    with pytest.raises(DBAPIError, match="append-only|has begun"), engine.begin() as connection:
        connection.execute(text(statement))


def test_a_test_run_goes_with_all_its_answers_and_no_other_study_does(engine, bare, keys):
    create_study(engine, replace(DESIGN, name="try", test=True), bare)
    trial = start_study(engine, "try")
    claim_seat(engine, trial["R02"], "a" * 64)
    for key in (trial["R01"], keys["R01"]):
        answer(engine, sign_in(engine, key))
    with pytest.raises(DesignError, match="was not made as a test"):
        remove_test(engine, "pilot")
    remove_test(engine, "try")
    assert [info.design.name for info in studies(engine)] == ["pilot"]
    assert len(answer_table(engine, "pilot")) == 2
    with reading(engine) as connection:
        assert first_altered(connection) is None
    with pytest.raises(NotAdmitted):
        sign_in(engine, trial["R01"])
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM item_event"))


# What is declared before the start.


def test_a_protocol_holds_what_was_declared_and_its_digest_follows_it(engine, material):
    declared = Protocol(primary="correct", secondary=("brier", "seconds"), alpha=0.01)
    create_study(engine, replace(DESIGN, protocol=declared), material)
    text_, digest = study_protocol(engine, "pilot")
    assert "primary: correct" in text_
    assert "alpha 0.01, Holm's method" in text_
    assert "arms alone and prototypes are compared" in text_
    assert "8 × an ECG to read (differential), rated" in text_
    start_study(engine, "pilot")
    assert study_protocol(engine, "pilot") == (text_, digest)
    create_study(engine, replace(DESIGN, name="other", protocol=Protocol()), material)
    other, theirs = study_protocol(engine, "other")
    assert "None was declared" in other
    assert theirs != digest


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('primary = "charm"', "'primary' in .protocol. is 'charm', expected one of correct, auc"),
        ("alpha = 0.5", "'alpha' in .protocol. is 0.5, expected 0.0001 to 0.2"),
        ('primary = "auc"\nsecondary = ["auc"]', "declared twice"),
        ('compare = ["alone", "alone"]', "are the same"),
        ('multiplicity = "bonferroni"', "expected one of holm, none"),
    ],
)
def test_an_impossible_protocol_is_refused(lines, message):
    toml = f'name = "x"\nreviewers = ["R1"]\nseed = 1\n[protocol]\n{lines}\n'
    with pytest.raises(DesignError, match=message):
        design_from_toml(toml)


@pytest.mark.parametrize("arms", ["[]", '["alone", "alone"]', '["both"]'])
def test_arms_are_some_of_those_that_there_are(arms):
    toml = f'name = "x"\nreviewers = ["R1"]\nseed = 1\n[readings]\narms = {arms}\n'
    with pytest.raises(DesignError, match="alone, calls, prototypes"):
        design_from_toml(toml)
