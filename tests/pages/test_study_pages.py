import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from protoecg.bundle import Bundle
from review_db.findings.answers import answer_table
from review_db.sessions.assignments import ItemStage
from review_db.sessions.progress import next_open, session_progress
from review_db.sessions.sessions import open_item, save_draft, save_item
from review_db.studies.design import Blinding, Controls, Design, Sample
from review_db.studies.design.declared import Readings
from review_db.studies.items.case_file import MatchCase, PairCase, ReadingCase
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study, studies
from review_db.studies.running import close_study, standing
from review_db.studies.seats import sign_in

DESIGN = Design(
    "pilot",
    ("R01", "R02"),
    1,
    repeats=0.0,
    practice=0,
    summaries=False,
    sample=Sample(size=2),
    controls=Controls(noise=1),
)
GOOD = {"accurate": "yes", "representativeness": "4", "clarity": "5"}

Start = Callable[..., dict[str, str]]


@pytest.fixture
def start(engine: Engine, demo: Bundle) -> Start:
    """Makes and starts a study with these changes to `DESIGN`; returns the reviewers' keys."""

    def started(**changes) -> dict[str, str]:
        create_study(engine, replace(DESIGN, **changes), bundle_material(demo.path))
        return start_study(engine, DESIGN.name)

    return started


def words(app) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(element.value for element in elements)


def button(app, end: str):
    return next(b for b in app.button if (b.key or b.label).endswith(f" {end}") or b.label == end)


def answer(app, **given: str):
    for question, value in given.items():
        if not any((b.key or "").endswith(f" {question} {value}") for b in app.button):
            button(app, f"{question} again").click().run()
        button(app, f"{question} {value}").click().run()
    return app


def test_a_wrong_key_opens_nothing(page, start: Start):
    start()

    app = page("take_part", key="ABCD-EFGH-JKMN-PQRS")

    assert "opens no study" in words(app)
    assert not app.get("plotly_chart")


def test_a_reviewer_signs_in_by_the_form_and_meets_the_first_item(page, start: Start):
    keys = start()
    app = page("take_part")

    app.text_input[0].input(keys["R01"])
    app.button[0].click().run()

    assert "R01: 0 of 3 items rated" in app.get("progress")[0].proto.text
    assert len(charts(app, "item 1 1")) == 1


def test_a_study_is_rated_to_its_end(page, start: Start, engine: Engine):
    app = page("take_part", key=start()["R01"])

    for _ in range(3):
        answer(app, **GOOD)
        button(app, "save").click().run()

    assert not app.exception
    assert "Everything is rated" in words(app)
    table = answer_table(engine, "pilot")
    assert table[list(GOOD)].to_dict("records") == [GOOD] * 3
    assert set(table["reviewer"]) == {"R01"}


def test_nothing_is_answered_beforehand(page, start: Start):
    app = page("take_part", key=start()["R01"])

    assert not [b for b in app.button if b.proto.type == "primary" and not b.key.endswith("save")]


def test_an_item_can_be_measured_with_calipers(page, start: Start):
    app = page("take_part", key=start()["R01"])
    app.toggle(key="measuring").set_value(True).run()
    assert "calipers item 1 1" in [one.key for one in app.get("bidi_component")]


def test_a_session_goes_on_with_its_draft_in_another_browser(page, start: Start):
    key = start()["R01"]
    one = page("take_part", key=key)
    answer(one, **GOOD)
    button(one, "save").click().run()
    answer(one, accurate="no")

    other = page("take_part", key=key)

    assert other.query_params["item"] == "2"
    assert "Accurate: **no**" in [b.label for b in other.button]


def test_an_answer_leaves_alone_what_is_being_typed(page, start: Start):
    app = page("take_part", key=start()["R01"])

    answer(app, clarity="3")

    assert not app.text_area[0].proto.set_value


def test_no_answer_is_lost_to_the_next_key(page, start: Start, engine: Engine, impatient):
    key = start()["R01"]
    app = page("take_part", key=key)

    app.text_area[0].input("Limb leads swapped").run()
    answer(app, accurate="yes", clarity="3")
    answer(app, accurate="no")

    draft = open_item(engine, sign_in(engine, key), ItemStage(1)).draft
    assert draft == {"comment": "Limb leads swapped", "accurate": "no", "clarity": "3"}
    # One that was reopened is not asked again, where the next key would answer it anew.
    assert not any(b.key.endswith(" accurate yes") for b in app.button if b.key)


def test_a_saved_item_is_left_whatever_key_comes_next(page, start: Start, engine, impatient):
    key = start()["R01"]
    save_draft(engine, sign_in(engine, key), ItemStage(1), GOOD, seen=0)
    app = page("take_part", key=key)

    button(app, "save").click().run()

    assert app.query_params["item"] == "2"


def test_an_unfinished_item_is_not_left_by_mistake(page, start: Start):
    app = page("take_part", key=start()["R01"])
    answer(app, clarity="3")

    button(app, "save").click().run()

    assert "Still open" in words(app)
    assert app.query_params["item"] == "1"


def test_skipping_flagging_and_commenting(page, start: Start, engine: Engine):
    key = start()["R01"]
    app = page("take_part", key=key)
    app.checkbox[0].check().run()
    app.text_area[0].input("Limb leads swapped").run()

    button(app, "skip").click().run()

    now = session_progress(engine, sign_in(engine, key))
    assert (now.states[1], now.flagged) == ("skipped", (1,))
    assert app.query_params["item"] == "2"
    assert answer_table(engine, "pilot")["comment"].tolist() == ["Limb leads swapped"]


def test_what_another_browser_saved_is_not_overwritten(page, start: Start, engine: Engine):
    key = start()["R01"]
    app = page("take_part", key=key)
    seat = sign_in(engine, key)
    item = open_item(engine, seat, next_open(engine, seat))
    save_item(engine, seat, item.at, GOOD, seen=item.revision)

    answer(app, accurate="no")

    assert "changed in another window" in words(app)
    assert "Accurate: **yes**" in [b.label for b in app.button]
    assert open_item(engine, seat, item.at).saved == GOOD


def test_an_answer_that_could_not_be_kept_is_named_and_stays_in_sight(page, start: Start):
    app = page("take_part", key=start()["R01"])

    app.text_area[0].input("a bell \a in a remark").run()

    assert "Not saved. The comment holds the control character" in words(app)
    assert app.text_area[0].value == "a bell \a in a remark"

    app.text_area[0].input("a remark").run()
    assert "Not saved" not in words(app)


def test_a_hidden_statement_stands_nowhere_on_the_page_until_the_second_look(
    page, start: Start, demo: Bundle
):
    key = start(two_stages=True, blinding=Blinding(statement=True))["R01"]
    app = page("take_part", key=key)
    names = {p.name for p in demo.prototypes} | {p.record for p in demo.prototypes}
    assert "hidden" in words(app)
    assert not [name for name in names if name in str(app.main)]

    next(a for a in app.text_area if a.key.endswith(" portrays")).input("AFIB").run()
    answer(app, clarity="4")
    button(app, "save").click().run()

    assert (app.query_params["item"], app.query_params["stage"]) == ("1", "2")
    assert "Second look" in words(app)
    assert any(f"({p.statement})" in words(app) for p in demo.prototypes)


def plain(prototype) -> dict:
    return {name: getattr(prototype, name) for name in ("record", "sha256", "window_s")}


def test_every_kind_of_item_is_drawn_and_answered(page, engine: Engine, demo: Bundle):
    one, two, patient = [p for p in demo.prototypes if p.branch == "morphology"][:3]
    case = {"case": "c1", "statement": one.statement, "ecg": plain(patient)}
    ours, theirs = (
        {"bundle": name, "matches": [{"prototype": plain(p), "window_s": patient.window_s}]}
        for name, p in (("demo", one), ("other", two))
    )
    match = {"prototype": one.name, "window_s": patient.window_s, "similarity": 0.8}
    material = replace(
        bundle_material(demo.path),
        matches=[MatchCase(**case, **match)],
        pairs=[PairCase(**case, a=ours, b=theirs)],
        readings=[ReadingCase(**case, truth=(one.statement,), explanation=ours)],
    )
    sample = Sample(statements=(one.statement,))
    readings = Readings(washout_days=0)
    design = replace(DESIGN, sample=sample, controls=Controls(), summaries=True, readings=readings)
    create_study(engine, design, material)
    key = start_study(engine, "pilot")["R01"]
    seat = sign_in(engine, key)

    drawn: dict[str, set[int]] = {}
    while place := next_open(engine, seat):
        app = page("take_part", key=key)
        item = open_item(engine, seat, place)
        drawn.setdefault(item.kind, set()).add(len(charts(app, f"item {place.position} 1")))
        first = item.content.prototypes[0].name if item.kind == "statement" else "3"
        known = {"accurate": "yes", "first_choice": "SR", "best_prototype": first}
        known |= {"left_acceptable": "yes", "right_acceptable": "no"}
        given = {question: known.get(question, "3") for question in item.required}
        save_item(engine, seat, place, given, seen=item.revision)

    assert drawn == {
        # Alone, with calls, and with the prototype of a match.
        "differential": {1, 2},
        # Its tracing, and its beat in all leads.
        "prototype": {2},
        "match": {3},
        "pair": {4},
        "statement": {6},
    }


def test_another_reviewers_ratings_are_out_of_reach(page, start: Start):
    keys = start()
    theirs = page("take_part", key=keys["R02"])
    theirs.text_area[0].input("a remark of R02").run()
    answer(theirs, **GOOD)
    button(theirs, "save").click().run()

    for item in ("1", "2", "3", "4", "-1", "x"):
        mine = page("take_part", key=keys["R01"], item=item, reviewer="R02", study="pilot")
        assert "R01: 0 of 3 items rated" in mine.get("progress")[0].proto.text
        assert "R02" not in str(mine.main)


def test_what_was_drawn_ahead_is_in_sight_once_its_item_is_open(page, start: Start):
    app = page("take_part", key=start()["R01"])
    assert out_of_sight(app) == "pictures-1"
    assert charts(app, "item 1 1")
    early = len(charts(app, "item 2 1"))

    answer(app, **GOOD)
    button(app, "save").click().run()

    assert out_of_sight(app) == "pictures-0"
    assert len(charts(app, "item 2 1")) == early > 0
    assert charts(app, "item 3 1")
    assert not charts(app, "item 1 1")


def charts(app, pictures: str) -> list:
    return [chart for chart in app.get("plotly_chart") if chart.key.startswith(pictures)]


def out_of_sight(app) -> str:
    styles = " ".join(element.proto.body for element in app.get("html"))
    (found,) = set(re.findall(r"st-key-(pictures-\d)", styles))
    return found


def labelled(widgets, label: str):
    return next(widget for widget in widgets if widget.label == label)


def test_a_study_is_made_by_the_form_and_started(page, engine: Engine, demo: Bundle):
    app = page("studies", view="New study", bundle="demo")
    labelled(app.text_input, "Name").input("first")
    labelled(app.text_area, "Reviewers' codes").input("R01, R02")
    labelled(app.number_input, "Prototypes (0 for all)").set_value(4)
    labelled(app.button, "Make the study").click().run()
    assert "first is made" in words(app)
    # What the form says of this kind of study is so by default.
    assert studies(engine)[0].design.controls.noise == 3

    app = page("studies", study="first")
    labelled(app.button, "Start the study").click().run()

    keys = app.dataframe[0].value
    assert [sign_in(engine, key).reviewer for key in keys["Key"]] == ["R01", "R02"]
    labelled(app.button, "I have noted them").click().run()
    assert not any(key in str(app.main) for key in keys["Key"])
    assert app.dataframe[0].value["Rated"].tolist() == [0, 0]


def test_a_study_that_cannot_be_is_refused_with_the_reason(page, engine: Engine):
    app = page("studies", view="New study", bundle="demo")
    for button in ("Preview", "Make the study"):
        labelled(app.button, button).click().run()
        assert "The study has no name yet" in words(app)
    labelled(app.text_input, "Name").input("first")
    labelled(app.button, "Make the study").click().run()

    assert "no reviewers" in words(app)
    assert not studies(engine)


def test_another_key_makes_the_first_one_worthless(page, start: Start):
    first = start()["R01"]
    app = page("studies", study="pilot")

    labelled(app.button, "Make another key").click().run()

    second = app.dataframe[0].value["Key"].item()
    assert "opens no study" in words(page("take_part", key=first))
    assert "R01" in page("take_part", key=second).get("progress")[0].proto.text


@pytest.mark.parametrize("name", ["library", "model_card", "explain", "curate", "rate"])
def test_what_a_study_hides_is_closed_to_its_reviewers_until_it_is_closed(
    page, start: Start, engine: Engine, name
):
    keys = start(blinding=Blinding(statement=True))
    stranger = page(name, bundle="demo")
    assert "You take part in the study" not in words(stranger)
    app = page("take_part", key=keys["R01"])
    opened = app.session_state["seats opened here"]
    assert {seat.reviewer for seat in opened} == {"R01"}

    # The same browser, on another page.
    mine = page(name, bundle="demo", state={"seats opened here": opened})
    assert "You take part in the study" in words(mine)
    assert not mine.get("plotly_chart")

    close_study(engine, "pilot", actor="coordinator")
    again = page(name, bundle="demo", state={"seats opened here": opened})
    assert "You take part in the study" not in words(again)


def test_what_a_study_asks_to_agree_to_comes_before_its_first_item(
    page, start: Start, engine: Engine
):
    keys = start(consent="My answers are *stored*.", instructions="Read as on your ward.")
    app = page("take_part", key=keys["R01"])
    texts = [element.value for element in app.text]
    assert texts == ["Read as on your ward.", "My answers are *stored*."]
    assert not app.get("plotly_chart")
    app.selectbox[0].select("Cardiology")
    app.number_input[0].set_value(12)
    labelled(app.button, "Begin").click().run()
    assert "that you agree. Without it you cannot take part" in words(app)
    assert standing(engine, "pilot").profiles == {}

    app.checkbox[0].check()
    labelled(app.button, "Begin").click().run()
    assert app.get("plotly_chart")
    profile = standing(engine, "pilot").profiles["R01"]
    assert (profile["specialty"], profile["years"]) == ("Cardiology", "12")


def test_reminders_are_for_those_who_are_behind_in_a_study_that_is_open(page, start: Start, engine):
    keys = start()
    seat = sign_in(engine, keys["R01"])
    while place := next_open(engine, seat):
        item = open_item(engine, seat, place)
        save_item(engine, seat, place, GOOD, seen=item.revision, seconds=20)
    app = page("studies", study="pilot")
    assert labelled(app.selectbox, "To").options == ["R02"]
    (reminder,) = app.code
    assert "Dear reviewer R02" in reminder.value
    assert "You have rated 0 of 3 items." in reminder.value and "take_part" in reminder.value
    # A key is never in it, as it is not kept.
    assert not any(key in reminder.value for key in keys.values())

    close_study(engine, "pilot", actor="coordinator")
    app = page("studies", study="pilot")
    assert "Nobody has to be reminded" in words(app) and not app.code
