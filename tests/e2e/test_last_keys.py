"""Keys that follow each other faster than the server answers, on Take part."""

import re
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from review_db.questions.catalogue import STUDY_QUESTIONS
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import open_item, save_draft, save_item
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import sign_in

DEMO = Path(__file__).resolve().parents[2] / "models" / "demo"


@pytest.fixture
def answered(engine, name):
    """A reviewer whose first item has all its answers and is not yet saved: seat and key."""
    design = Design(name, (name,), 1, repeats=0.0, practice=0, sample=Sample(size=4))
    create_study(engine, design, bundle_material(DEMO))
    key = start_study(engine, name)[name]
    seat = sign_in(engine, key)
    item = open_item(engine, seat, ItemStage(1))
    answers = {question: STUDY_QUESTIONS[question].options[0] for question in item.required}
    save_draft(engine, seat, item.at, answers, seen=item.revision)
    return seat, key


@contextmanager
def held(database: str):
    """Let nobody else write to the database meanwhile."""
    file = database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@pytest.mark.parametrize(("item", "key", "turned_to"), [(1, "n", 2), (2, "p", 1)])
def test_a_step_right_after_a_comment_turns_to_its_item(
    server, engine, tab, answered, item, key, turned_to
):
    seat, reviewers_key = answered
    if item == 2:
        # Items open in their order.
        first = open_item(engine, seat, ItemStage(1))
        save_item(engine, seat, first.at, first.draft, seen=first.revision)
    tab.goto(f"{server.url}/take_part?key={reviewers_key}&item={item}")
    expect(tab.get_by_text(re.compile(f"^Item {item} of "))).to_be_visible()
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()

    with held(server.database):
        # While this waits to be saved, what follows waits together.
        tab.get_by_text(STUDY_QUESTIONS["flag"].text).click()
        expect(tab.locator("[data-test-script-state=running]")).to_be_attached()
        tab.get_by_label("Comment").fill("seen in a hurry")
        tab.get_by_label("Comment").press("Control+Enter")
        tab.evaluate("document.activeElement.blur()")
        tab.keyboard.press(key)
        tab.wait_for_timeout(1000)

    expect(tab.get_by_text(re.compile(f"^Item {turned_to} of "))).to_be_visible(timeout=10_000)
    kept = open_item(engine, seat, ItemStage(item)).draft
    assert kept["comment"] == "seen in a hurry" and kept["flag"] == "yes"
