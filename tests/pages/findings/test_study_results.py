"""Results of a study on the page, against the tables that they are of."""

from dataclasses import replace

import pytest

from review_db.findings.answers import answer_table
from review_db.findings.scores import item_scores
from review_db.sessions.progress import next_open
from review_db.sessions.sessions import open_item, save_item
from review_db.studies.design import Blinding, Controls, Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import sign_in
from review_db.studies.trail import trail

DESIGN = Design(
    "pilot",
    ("R01", "R02"),
    1,
    repeats=0.25,
    practice=0,
    summaries=False,
    sample=Sample(size=6),
    controls=Controls(noise=2),
    # Or nothing would be shown before the end.
    test=True,
)


@pytest.fixture
def started(engine, demo):
    create_study(engine, DESIGN, bundle_material(demo.path))
    return start_study(engine, DESIGN.name)


@pytest.fixture
def rated(engine, started):
    """Both reviewers are done: scores of real items from 3 to 5, of noise 1."""
    for n, key in enumerate(started.values()):
        seat = sign_in(engine, key)
        while place := next_open(engine, seat):
            item = open_item(engine, seat, place)
            noisy = getattr(item.content, "noise", None)
            score = "1" if noisy else "345"[(len(str(item.content)) + n) % 3]
            known = {"accurate": "yes"}
            given = {question: known.get(question, score) for question in item.required}
            save_item(engine, seat, place, given, seen=item.revision, seconds=4)
    return answer_table(engine, DESIGN.name)


def words(app) -> str:
    return "\n".join(e.value for e in [*app.markdown, *app.caption, *app.info])


def study(page, **query):
    return page("results", of="A study", **query)


def test_without_a_started_study_the_page_says_how_to_get_one(page, engine, demo):
    create_study(engine, replace(DESIGN, name="unstarted"), bundle_material(demo.path))

    assert "No study has been started" in words(study(page))


def test_a_study_that_nobody_rated_says_so(page, started):
    assert "Nobody has rated an item of pilot yet" in words(study(page))


def test_a_study_of_skipped_items_alone_says_so(page, engine, started):
    seat = sign_in(engine, next(iter(started.values())))
    save_item(engine, seat, next_open(engine, seat), {"skip": "yes"}, seen=0)

    app = study(page, found="Agreement")
    assert "these do not count" in words(app) and not app.exception


@pytest.mark.parametrize("by", ["branch", "statement", "reviewer"])
def test_scores_on_the_page_are_those_of_the_table(page, rated, by):
    shown = study(page, by=by).dataframe[0].value

    found = item_scores(rated, by)
    assert list(shown["ratings"]) == [group.n for group in found]
    for text, group in zip(shown["clarity: mean (95 %)"], found, strict=True):
        assert text.split()[0] == f"{group.questions['clarity'].mean.value:.2f}"


def test_an_interval_says_whom_it_holds_for(page, rated):
    of_reviewers = item_scores(rated, "reviewer")
    these = study(page, by="reviewer", **{"for": "these reviewers"})
    assert "hold for these reviewers" in words(these)
    for text, group in zip(
        these.dataframe[0].value["clarity: mean (95 %)"], of_reviewers, strict=True
    ):
        mean = group.questions["clarity"].mean
        assert text == f"{mean.value:.2f} ({mean.these[0]:.2f} to {mean.these[1]:.2f})"
    # One reviewer says nothing of new ones.
    new = study(page, by="reviewer", **{"for": "new reviewers"})
    assert "hold for new reviewers" in words(new)
    assert not new.dataframe[0].value["clarity: mean (95 %)"].str.contains("to").any()


def test_scores_of_prototypes_are_of_the_statement_that_is_chosen(page, rated):
    code = sorted(rated.loc[rated["role"] == "rated", "statement"].unique())[0]

    shown = study(page, by="prototype", statement=code).dataframe[0].value

    found = item_scores(rated, "prototype")
    assert set(shown["prototype"]) == {g.prototype for g in found if g.statement == code}


def test_noise_stands_below_the_rated_prototypes(page, rated):
    app = study(page, found="Controls and repeats")

    controls, repeats = (frame.value for frame in app.dataframe)
    clarity = controls[controls["question"] == "clarity"].iloc[0]
    assert clarity["control: mean"] == 1 and clarity["rated: mean"] >= 3
    assert set(repeats["the same"]) == {"100 %"}


def test_agreement_names_each_statistic_with_what_it_rests_on(page, rated):
    app = study(page, found="Agreement", question="clarity")

    shown = app.dataframe[0].value
    assert len(shown) == 6 and set(shown["items"]) == {6} and set(shown["reviewers"]) == {2}
    assert any("Krippendorff" in name for name in shown["statistic"])


def test_only_what_the_study_asked_is_offered(page, rated):
    offered = study(page).segmented_control(key="found").options
    assert offered == ["Prototypes", "Controls and repeats", "Agreement"]


def test_of_two_looks_the_first_one_is_shown_on_demand(page, engine, demo):
    """Both reviewers change their mind by the reveal, and name a best prototype of a statement."""
    sample, nothing = Sample(statements=("AFIB", "PVC")), Controls()
    design = replace(DESIGN, two_stages=True, summaries=True, sample=sample, controls=nothing)
    design = replace(design, blinding=Blinding(statement=True), repeats=0.0)
    create_study(engine, design, bundle_material(demo.path))
    for key in start_study(engine, DESIGN.name).values():
        seat = sign_in(engine, key)
        while place := next_open(engine, seat):
            item = open_item(engine, seat, place)
            given = dict.fromkeys(item.required, "45"[item.at.stage == 2])
            given |= {"accurate": "yes", "portrays": "an arrhythmia"}
            if item.kind == "statement":
                given = {"best_prototype": item.content.prototypes[0].name}
            save_item(engine, seat, place, {q: given[q] for q in item.required}, seen=item.revision)
    last, first = (
        study(page, look=f"the {which} look").dataframe[0].value for which in ("last", "first")
    )
    assert set(last["clarity: median"]) == {"5"} and set(first["clarity: median"]) == {"4"}
    assert "accurate: yes (95 %)" in last and "accurate: yes (95 %)" not in first
    table = study(page, found="Statements").dataframe[0].value
    assert set(table["best"]) == {0, 2} and set(table["reviewers"]) == {2}


def test_the_numbers_of_each_figure_can_be_taken_away(page, rated):
    for found in ("Prototypes", "Controls and repeats"):
        app = study(page, found=found)
        buttons = [b for b in app.get("download_button") if b.proto.label == "Numbers as CSV"]
        assert len(buttons) == len(app.get("plotly_chart")) > 0


def test_before_the_end_nothing_is_shown_but_by_a_look_that_the_trail_keeps(page, engine, demo):
    create_study(engine, replace(DESIGN, test=False), bundle_material(demo.path))
    seat = sign_in(engine, start_study(engine, DESIGN.name)["R01"])
    item = open_item(engine, seat, next_open(engine, seat))
    given = {**dict.fromkeys(item.required, "3"), "accurate": "yes"}
    save_item(engine, seat, item.at, given, seen=item.revision)

    app = study(page)
    assert "Results are shown once the study is closed" in words(app)
    assert not app.dataframe and not app.get("plotly_chart")

    look = next(b for b in app.button if b.label == "Take an unplanned look")
    look.click().run()
    assert "Say why" in app.error[0].value and not app.dataframe
    app.text_input[0].input("a talk is due").run()
    next(b for b in app.button if b.label == "Take an unplanned look").click().run()
    assert "unplanned looks: 1" in words(app)
    assert app.get("plotly_chart")
    assert trail(engine, DESIGN.name)[-1].reason == "a talk is due"
