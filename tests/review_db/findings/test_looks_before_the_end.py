"""Results stay closed until the study has ended, or a look is taken, which the trail keeps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from review_db.__main__ import main
from review_db.findings.answers import answer_table
from review_db.findings.cases import Outcome, declared
from review_db.findings.export import study_files
from review_db.findings.opening import opening, take_look
from review_db.findings.opinions import left_out, opinions
from review_db.ratings.export import export
from review_db.sessions.assignments import ItemStage
from review_db.sessions.progress import next_open
from review_db.sessions.sessions import open_item, save_item
from review_db.statistics.mrmc import compare_ratings
from review_db.statistics.mrmc.power import Readings, simulated
from review_db.statistics.mrmc.ratings import of_array
from review_db.store.chain import first_altered
from review_db.store.database import reading
from review_db.studies.design import Design, DesignError, Sample, design_from_toml
from review_db.studies.design.declared import Look, Protocol
from review_db.studies.lifecycle import create_study, start_study, study_protocol
from review_db.studies.running import close_study, reopen_study
from review_db.studies.seats import sign_in
from review_db.studies.trail import trail

DESIGN = Design(
    "pilot",
    ("R01", "R02"),
    1,
    repeats=0.0,
    practice=0,
    summaries=False,
    sample=Sample(size=4),
    protocol=Protocol(looks=(Look(0.005, answered=0.5), Look(0.01, answered=0.75))),
)
GOOD = {"accurate": "yes", "representativeness": "4", "clarity": "5"}


@pytest.fixture
def begin(engine, material):
    def started(**more):
        create_study(
            engine, replace(DESIGN, **more), replace(material, matches=(), pairs=(), readings=())
        )
        return [sign_in(engine, key) for key in start_study(engine, "pilot").values()]

    return started


def answer(engine, seat, number, **more):
    for _ in range(number):
        item = open_item(engine, seat, next_open(engine, seat))
        save_item(engine, seat, item.at, {**GOOD, **more}, seen=item.revision)


def estimates(engine):
    return study_files(engine, "pilot")["estimates.csv"].decode().splitlines()[1:]


def test_nothing_is_seen_until_the_share_that_was_declared_is_answered(engine, begin):
    one, _ = begin()
    answer(engine, one, 3)
    now = opening(engine, "pilot")
    assert (now.is_open, now.is_due, now.answered) == (False, False, 3 / 8)
    assert estimates(engine) == []
    answer(engine, one, 1)
    assert opening(engine, "pilot").is_due


def test_a_look_shows_that_moment_and_spends_what_was_declared(engine, begin):
    one, two = begin()
    answer(engine, one, 4)
    seen = take_look(engine, "pilot", actor="coordinator")
    assert (seen.is_open, seen.alpha, seen.unplanned) == (True, 0.005, 0)
    estimated = estimates(engine)
    assert estimated
    before = answer_table(engine, "pilot", seen.until)

    answer(engine, two, 1, clarity="1")
    assert estimates(engine) == estimated
    assert answer_table(engine, "pilot", opening(engine, "pilot").until).equals(before)
    assert len(answer_table(engine, "pilot")) == len(before) + 1
    # The next one is not due, at five of eight.
    assert not opening(engine, "pilot").is_due

    answer(engine, two, 1)
    assert take_look(engine, "pilot", actor="coordinator").alpha == 0.01
    looks = [entry for entry in trail(engine, "pilot") if entry.action == "look"]
    assert [look.data["planned"] for look in looks] == ["yes", "yes"]
    with reading(engine) as connection:
        assert first_altered(connection) is None


def rows(files):
    """Return how many rows each file has that could tell answers."""
    tables = ("answers_long", "answers_wide", "events", "looks", "estimates")
    return {name: len(files[f"{name}.csv"].decode().splitlines()) - 1 for name in tables}


def test_no_file_tells_an_answer_before_the_end_or_a_look(engine, begin, tmp_path):
    one, _ = begin()
    answer(engine, one, 3, comment="told to nobody")
    files = study_files(engine, "pilot")
    assert set(rows(files).values()) == {0}
    assert "No result has been looked at.\nThese files hold" in files["README.md"].decode()
    assert "once answers may be seen" in files["checklist.csv"].decode()
    for file in export(engine, tmp_path):
        assert "told to nobody" not in file.read_text(encoding="utf-8")
    close_study(engine, "pilot", actor="coordinator")
    assert "told to nobody" in study_files(engine, "pilot")["answers_long.csv"].decode()


def test_files_hold_the_answers_of_the_last_look(engine, begin):
    one, two = begin()
    answer(engine, one, 4)
    take_look(engine, "pilot", actor="coordinator")
    counts = rows(study_files(engine, "pilot"))
    assert (counts["answers_wide"], counts["looks"], counts["events"]) == (4, 4, 12)
    first = open_item(engine, one, ItemStage(1))
    save_item(engine, one, first.at, {**GOOD, "clarity": "1"}, seen=first.revision)
    answer(engine, two, 1)
    assert rows(study_files(engine, "pilot")) == counts
    close_study(engine, "pilot", actor="coordinator")
    ended = rows(study_files(engine, "pilot"))
    assert (ended["answers_wide"], ended["looks"], ended["events"]) == (5, 5, 16)


def test_what_reviewers_said_is_no_opinion_before_the_end_or_a_look(engine, begin):
    one, two = begin()
    answer(engine, one, 3)
    assert opinions(engine).empty
    assert left_out(engine).startswith("Answers of 1 running study are not counted yet")
    take_look(engine, "pilot", actor="coordinator", reason="a prototype is to be replaced")
    assert len(opinions(engine)) == 3 * len(GOOD)
    assert left_out(engine) == ""
    answer(engine, two, 1)
    assert set(opinions(engine)["reviewer"]) == {"R01"}
    assert left_out(engine)
    close_study(engine, "pilot", actor="coordinator")
    assert set(opinions(engine)["reviewer"]) == {"R01", "R02"}
    assert left_out(engine) == ""


def test_a_test_run_is_no_opinion(engine, begin):
    one, _ = begin(test=True)
    answer(engine, one, 3)
    close_study(engine, "pilot", actor="coordinator")
    assert opinions(engine).empty and left_out(engine) == ""


def test_a_study_that_is_reopened_was_looked_at_unplanned(engine, begin):
    one, two = begin()
    answer(engine, one, 2)
    close_study(engine, "pilot", actor="coordinator")
    reopen_study(engine, "pilot", actor="coordinator", reason="R02 was on leave")
    answer(engine, two, 1)
    seen = opening(engine, "pilot")
    assert (seen.unplanned, seen.alpha) == (1, 0)
    assert len(answer_table(engine, "pilot", seen.until)) == 2
    close_study(engine, "pilot", actor="coordinator")
    assert opening(engine, "pilot").words == "The study has ended; unplanned looks: 1."


def test_an_answer_that_was_changed_after_a_look_is_seen_as_it_was(engine, begin):
    one, _ = begin()
    answer(engine, one, 4)
    seen = take_look(engine, "pilot", actor="coordinator")
    first = open_item(engine, one, ItemStage(1))
    save_item(engine, one, first.at, {**GOOD, "clarity": "1"}, seen=first.revision)
    assert set(answer_table(engine, "pilot", seen.until)["clarity"]) == {"5"}
    assert set(answer_table(engine, "pilot")["clarity"]) == {"1", "5"}


def test_without_a_due_look_one_is_unplanned_needs_a_reason_and_is_told(engine, begin):
    one, _ = begin(protocol=Protocol())
    answer(engine, one, 2)
    with pytest.raises(DesignError, match="Say why"):
        take_look(engine, "pilot", actor="coordinator", reason="  ")
    seen = take_look(engine, "pilot", actor="coordinator", reason="a talk is due")
    assert (seen.unplanned, seen.alpha) == (1, 0)
    close_study(engine, "pilot", actor="coordinator")
    assert opening(engine, "pilot").words == "The study has ended; unplanned looks: 1."
    files = study_files(engine, "pilot")
    assert b"looked at undeclared: once" in files["README.md"]
    assert b"unplanned looks: 1" in files["checklist.csv"]
    assert b"a talk is due" in files["trail.csv"]


def test_an_ended_study_shows_all_at_what_the_looks_left_of_alpha(engine, begin):
    one, _ = begin()
    answer(engine, one, 1)
    close_study(engine, "pilot", actor="coordinator")
    now = opening(engine, "pilot")
    assert (now.is_open, now.until, now.alpha) == (True, None, pytest.approx(0.035))
    with pytest.raises(DesignError, match="not running"):
        take_look(engine, "pilot", actor="coordinator", reason="why not")


@pytest.mark.parametrize(("days", "is_due"), [(0, True), (1, False)])
def test_a_look_by_date_is_due_on_that_day(engine, begin, days, is_due):
    day = datetime.now(UTC).date() + timedelta(days)
    begin(protocol=Protocol(looks=(Look(0.005, on=day.isoformat()),)))
    assert opening(engine, "pilot").is_due == is_due


def test_a_test_run_is_always_open(engine, begin):
    one, _ = begin(test=True)
    answer(engine, one, 1)
    assert opening(engine, "pilot").is_final


@pytest.mark.parametrize(
    ("looks", "message"),
    [
        ("[[protocol.looks]]\nalpha = 0.01", "needs either answered or on"),
        ('[[protocol.looks]]\nalpha = 0.01\nanswered = 0.5\non = "2027-03-01"', "not both"),
        ('[[protocol.looks]]\nalpha = 0.01\non = "in spring"', "expected a date such as"),
        ("[[protocol.looks]]\nalpha = 0.05\nanswered = 0.5", "leave nothing of alpha"),
        ("[[protocol.looks]]\nanswered = 0.5", "'alpha' in .* is missing"),
    ],
)
def test_looks_that_cannot_be_are_refused(looks, message):
    with pytest.raises(DesignError, match=message):
        design_from_toml(f'name = "b"\nreviewers = ["R01"]\nseed = 1\n{looks}')


def test_the_protocol_declares_looks_and_what_they_leave(engine, begin):
    begin()
    text, _ = study_protocol(engine, "pilot")
    assert "- look 1: once 50 % is answered, at alpha 0.005" in text
    assert "alpha 0.035" in text


def test_what_was_declared_is_met_by_the_alpha_of_the_look_alone():
    chance = np.random.default_rng(3)
    ratings = of_array(simulated(Readings(0.5, 0.65), 6, 80, chance), np.ones(80))
    ratings = replace(ratings, treatments=("prototypes", "alone"))
    outcome = Outcome("correct", compare_ratings(ratings, "mean"))
    protocol = Protocol(primary="correct")
    (one,) = declared([outcome], protocol)
    assert 0 < one.p < 0.05 and one.is_met
    (looked,) = declared([outcome], protocol, one.p / 2)
    assert not looked.is_met


def test_a_look_from_the_command_line(engine, begin, monkeypatch, capsys):
    one, _ = begin()
    answer(engine, one, 4)
    url = engine.url.render_as_string(hide_password=False)
    main(["study", "look", "pilot", "--database", url])
    assert "as declared" in capsys.readouterr().out
    assert opening(engine, "pilot").is_open


def test_an_export_before_the_end_says_what_it_leaves_out(engine, begin, tmp_path, capsys):
    one, _ = begin()
    answer(engine, one, 4)
    url = engine.url.render_as_string(hide_password=False)
    main(["export", "--study", "pilot", "--out", str(tmp_path), "--database", url])
    assert "`python -m review_db study look pilot` opens" in capsys.readouterr().out
    main(["export", "--out", str(tmp_path), "--database", url])
    assert "Answers of 1 running study are not counted yet" in capsys.readouterr().out
    main(["study", "look", "pilot", "--database", url])
    main(["study", "close", "pilot", "--database", url])
    capsys.readouterr()
    main(["export", "--study", "pilot", "--out", str(tmp_path), "--database", url])
    assert "study look" not in capsys.readouterr().out
