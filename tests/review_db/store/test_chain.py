"""Events that were altered behind the app's back are found, on both kinds of database."""

import json
from datetime import datetime, timedelta
from itertools import cycle

import pytest
from sqlalchemy import text

from review_db import Item, answers, open_database, save_answer
from review_db.__main__ import main
from review_db.ratings import answers as ratings
from review_db.sessions import sessions
from review_db.sessions.activity import activity
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import open_item, save_item
from review_db.store.chain import first_altered, link, summary
from review_db.store.database import reading
from review_db.studies.design import Design, Sample
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import seat_of, sign_in

GOOD = {"accurate": "yes", "representativeness": "4", "clarity": "5"}


@pytest.fixture
def saved(engine, material):
    """Answers of two reviewers in a study, and ratings of two outside any, in turns."""
    bare = material.__class__(material.bundle, material.fingerprint, material.prototypes)
    create_study(engine, Design("pilot", ("R01", "R02"), 1, sample=Sample(size=4)), bare)
    seats = [sign_in(engine, key) for key in start_study(engine, "pilot").values()]
    item = Item("demo", "f1", "p", "rhythm", "AFIB")
    for n in range(1, 4):
        for seat in seats:
            save_item(engine, seat, ItemStage(n), GOOD, seen=0)
            save_answer(engine, reviewer=seat.reviewer, item=item, question="clarity", value=str(n))
    return engine


def altered(engine):
    with reading(engine) as connection:
        found = first_altered(connection)
    return found and (found.table, found.id, found.of)


def behind_its_back(engine, statement):
    """Change what the triggers protect, as whoever owns the database can."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for name in connection.scalars(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement))


def test_what_was_saved_holds(saved):
    assert altered(saved) is None
    with reading(saved) as connection:
        results = summary(connection)
    # Three answers of each of three items of two reviewers, and three ratings of each.
    assert (results.events, results.chains) == (2 * (9 + 3) + started(saved), 5)


def started(engine):
    with reading(engine) as connection:
        return connection.scalar(text("SELECT count(*) FROM study_action"))


def test_a_clock_that_jumps_reorders_no_answer_and_breaks_no_chain(saved, monkeypatch):
    jumps = cycle(timedelta(days=days) for days in (400, -4000, 0, 0.2, -0.2))

    class Jumping(datetime):
        @classmethod
        def now(cls, zone):
            return datetime.now(zone) + next(jumps)

    for module in (sessions, ratings):
        monkeypatch.setattr(module, "datetime", Jumping)
    item, seat = Item("demo", "f1", "p", "rhythm", "AFIB"), seat_of(saved, "pilot", "R01")
    for number in range(7):
        value = str(number % 5 + 1)
        save_answer(saved, reviewer="R01", item=item, question="clarity", value=value)
        given = {**GOOD, "clarity": value}
        save_item(saved, seat, ItemStage(1), given, seen=number + 1, seconds=2.5)

    assert altered(saved) is None
    stands = answers(saved, reviewer="R01", bundle="demo", fingerprint="f1")
    assert [given["clarity"] for given in stands.values()] == ["2"]
    assert open_item(saved, seat, ItemStage(1)).draft["clarity"] == "2"
    # What a stopwatch showed, not what the clock did.
    assert activity(saved, seat).seconds == pytest.approx(7 * 2.5)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE item_event SET new_value = '1' WHERE id = 8", ("item_event", 8)),
        ("UPDATE item_event SET at = '2020-01-01 00:00:00' WHERE id = 3", ("item_event", 3)),
        ("UPDATE rating_event SET value = '5' WHERE id = 2", ("rating_event", 2)),
        ("UPDATE rating_event SET reviewer = 'R02' WHERE id = 3", ("rating_event", 3)),
        # Of what is missing, the next of its chain tells.
        ("DELETE FROM rating_event WHERE id = 2", ("rating_event", 4)),
        ("DELETE FROM item_event WHERE id = 1", ("item_event", 2)),
        (
            "INSERT INTO rating_event SELECT 99, at, reviewer, bundle, fingerprint, branch, "
            "statement, prototype, question, value, app_version, codebook_version, chain "
            "FROM rating_event WHERE id = 1",
            ("rating_event", 99),
        ),
    ],
)
def test_the_first_altered_event_is_named(saved, statement, found):
    behind_its_back(saved, statement)
    assert altered(saved)[:2] == found


def test_what_is_taken_from_the_end_shows_in_the_digest_alone(saved):
    with reading(saved) as connection:
        before = summary(connection).digest
    last = "DELETE FROM rating_event WHERE id = (SELECT max(id) FROM rating_event)"
    behind_its_back(saved, last)
    assert altered(saved) is None
    with reading(saved) as connection:
        assert summary(connection).digest != before


def test_the_command_line_says_whether_all_is_as_it_was_saved(saved, url, capsys):
    assert main(["verify", "--database", url]) == 0
    assert "are as they were saved: " in capsys.readouterr().out
    behind_its_back(saved, "UPDATE item_event SET question = 'clarity' WHERE id = 5")
    assert main(["verify", "--database", url]) == 1
    assert "Event 5 of item_event (pilot, R02) is not as it was saved" in capsys.readouterr().err


def test_a_chain_goes_on_after_the_database_was_opened_anew(saved, url):
    again = open_database(url)
    save_answer(
        again,
        reviewer="R01",
        item=Item("demo", "f1", "p", "rhythm", "AFIB"),
        question="clarity",
        value="1",
    )
    assert altered(again) is None
    again.dispose()


def test_a_digest_depends_on_every_column_and_on_what_was_before():
    event = {"id": 1, "a": "x", "b": 2, "chain": ""}
    assert link("", event) == link("", {**event, "id": 2, "chain": "z"})
    changed = [{**event, "a": "y"}, {**event, "b": 3}, {**event, "a": json.dumps("x")}]
    assert len({link("", one) for one in [event, *changed]} | {link("0", event)}) == 5
