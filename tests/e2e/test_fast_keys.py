"""Keys that follow each other faster than the server answers, and the one screen they belong to."""

import re

import pytest
from playwright.sync_api import expect

from review_db import answers
from review_db.findings.answers import answer_table
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study

EVERY_MS = 100
GIVEN = [("1", "4", "5"), ("2", "1", "3"), ("1", "5", "2"), ("2", "2", "4")]
ASKED = ("accurate", "representativeness", "clarity")
SIZES = [(1440, 900), (1024, 768)]


@pytest.fixture
def rate(server, name):
    return f"{server.url}/rate?bundle=demo&reviewer={name}"


@pytest.fixture
def take_part(server, engine, demo_folder, name):
    design = Design(name, (name,), 1, repeats=0, practice=0, summaries=False, sample=Sample(size=6))
    create_study(engine, design, bundle_material(demo_folder))
    return f"{server.url}/take_part?key={start_study(engine, name)[name]}"


@pytest.fixture(params=["rate", "take_part"])
def opened(request, tab):
    """Opens either page, at a size if one is given."""

    def at(size=SIZES[0]):
        tab.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        tab.goto(request.getfixturevalue(request.param))
        expect(tab.get_by_text("Does this prototype portray")).to_be_visible()
        expect(tab.locator(".js-plotly-plot .main-svg").first).to_be_visible()
        expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
        return request.param

    return at


def saved(engine, page: str, demo, name: str) -> list[tuple[str, ...]]:
    """Return what was answered of each item, in the order of the items."""
    if page == "take_part":
        table = answer_table(engine, name).sort_values("position")
        return [tuple(row) for row in table[list(ASKED)].to_numpy()]
    given = answers(engine, reviewer=name, bundle=demo.name, fingerprint=demo.fingerprint)
    rated = [given.get(p.name, {}) for p in demo.prototypes]
    return [tuple(one[question] for question in ASKED) for one in rated if len(one) == len(ASKED)]


def in_words(keys: tuple[str, ...]) -> tuple[str, ...]:
    return ({"1": "yes", "2": "no"}[keys[0]], *keys[1:])


def rated(tab, number: int):
    return tab.get_by_text(re.compile(rf": {number} of \d+ (prototypes|items) rated"))


def press(tab, keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)
        tab.wait_for_timeout(EVERY_MS)


def test_no_key_is_lost_or_answers_another_question_or_item(opened, tab, engine, demo, name):
    page = opened()

    press(tab, "".join("".join(keys) + "n" for keys in GIVEN))

    expect(rated(tab, len(GIVEN))).to_be_visible(timeout=60_000)
    assert saved(engine, page, demo, name) == list(map(in_words, GIVEN))


def test_what_follows_a_step_that_was_refused_answers_nothing(opened, tab, engine, demo, name):
    page = opened()

    press(tab, "1")
    # Before the answer to the step can be seen.
    for key in "n45":
        tab.keyboard.press(key)

    expect(tab.get_by_text("Still open: ").first).to_be_visible()
    tab.wait_for_timeout(1000)
    press(tab, "23n")
    expect(rated(tab, 1)).to_be_visible()
    assert saved(engine, page, demo, name)[0] == ("yes", "2", "3")


def test_a_key_that_is_held_down_answers_one_question(opened, tab):
    opened()

    for _ in range(5):
        tab.keyboard.down("1")
    tab.keyboard.up("1")

    expect(tab.get_by_role("button", name="Accurate: yes")).to_be_visible()
    tab.wait_for_timeout(1000)
    expect(tab.get_by_role("button", name="Clarity: open")).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
def test_tracing_question_and_next_are_on_one_screen_at_every_question(opened, tab, size):
    opened(size)

    for asked, key in zip((*ASKED, "none is left"), "1450", strict=True):
        on = tab.locator(".st-key-answers").get_by_role("button", name="ext").first.bounding_box()
        question = tab.locator(".st-key-answers strong").first.bounding_box()
        tracing = tab.locator(".js-plotly-plot .main-svg").first.bounding_box()
        assert 0 < question["y"] < on["y"] and on["y"] + on["height"] <= size[1]
        assert tracing["y"] + tracing["height"] <= size[1]
        # Nothing of it has to be scrolled to.
        assert tracing["x"] + tracing["width"] <= question["x"]
        press(tab, key)
        if asked in ASKED:
            answered = re.compile(f"{asked}: (?!open)", re.IGNORECASE)
            expect(tab.get_by_role("button", name=answered)).to_be_visible()
        expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()


@pytest.mark.parametrize("size", [(1440, 800), (1280, 720)])
def test_a_tall_tracing_is_made_smaller_until_its_lowest_row_is_in_sight(server, tab, size):
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    tab.goto(f"{server.url}/rate?bundle=demo&reviewer=R77&prototype=rhythm-AFLT-3")
    tracing = tab.locator(".js-plotly-plot .main-svg").first
    expect(tracing).to_be_visible()
    tab.wait_for_timeout(1000)
    found = tracing.bounding_box()
    assert 600 <= found["width"] and found["y"] + found["height"] <= size[1]


def test_calipers_and_measurements_are_at_hand(opened, tab):
    opened()

    tab.get_by_text("Measurements", exact=True).click()
    expect(tab.get_by_text("QT/QTc").locator("visible=true").first).to_be_visible()
    tab.get_by_text("Calipers", exact=True).click()
    expect(tab.get_by_role("button", name="New caliper").first).to_be_visible()
