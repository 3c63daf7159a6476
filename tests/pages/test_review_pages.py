from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from pages.shell import frame, reviews
from pages.shell.words import plain
from protoecg.bundle import Bundle
from review_db import answers, save_answer
from review_db.ratings.reviewers import claim_code, is_claimed, new_secret

GOOD = {"accurate": "yes", "representativeness": "4", "clarity": "5"}


def words(app) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(element.value for element in elements)


@pytest.fixture
def given(engine: Engine, demo: Bundle) -> Callable[[], dict]:
    return lambda: answers(engine, reviewer="R01", bundle=demo.name, fingerprint=demo.fingerprint)


@pytest.fixture
def rated(engine: Engine, demo: Bundle) -> None:
    for reviewer in ("R01", "R02"):
        for item in reviews.items(demo)[:3]:
            for question, value in GOOD.items():
                save_answer(engine, reviewer=reviewer, item=item, question=question, value=value)


def asked(app, question: str):
    widgets = [*app.checkbox, *app.text_area]
    return next(widget for widget in widgets if widget.key.endswith(f" {question}"))


def button(app, end: str):
    return next(b for b in app.button if (b.key or b.label).endswith(f" {end}") or b.label == end)


def answer(app, question: str, value: str) -> None:
    if not any((b.key or "").endswith(f" {question} {value}") for b in app.button):
        button(app, f"{question} again").click().run()
    button(app, f"{question} {value}").click().run()


def shown(app) -> dict[str, str]:
    """Return the answers that the page shows, of questions that keys answer."""
    labels = [b.label.split(": ") for b in app.button if ": **" in b.label]
    return {question.lower(): value.strip("*") for question, value in labels}


@pytest.mark.parametrize("name", ["explain", "library", "rate", "results"])
def test_every_page_carries_the_research_notice(page, name: str):
    assert any(frame.NOTICE in html.proto.body for html in page(name).get("html"))


def test_a_reviewer_is_asked_for_a_code(page):
    app = page("rate")

    app.text_input[0].input("R01")
    app.button[0].click().run()

    assert "R01" in app.query_params["reviewer"]
    assert "Reviewer R01" in app.get("progress")[0].proto.text


def test_a_code_that_cannot_be_one_is_refused_with_a_sentence(page):
    assert "R01, not a name" in page("rate", reviewer="Jane Doe").error[0].value


def test_a_prototype_can_be_measured_with_calipers(page, demo: Bundle):
    app = page("rate", reviewer="R01")
    app.toggle(key="measuring").set_value(True).run()
    assert f"calipers rate {demo.prototypes[0].name}" in [c.key for c in app.get("bidi_component")]


def test_a_prototype_is_measured_on_demand(page):
    app = page("rate", reviewer="R01")
    assert "QT/QTc" not in words(app)
    app.toggle(key="measurements").set_value(True).run()
    assert "QT/QTc" in words(app)


def test_nothing_is_answered_beforehand(page):
    app = page("rate", reviewer="R01")

    assert shown(app) == {}
    assert [asked(app, question).value for question in ("best", "bad")] == [False, False]
    assert asked(app, "comment").value == ""


def test_each_answer_is_saved_at_once(page, given, demo: Bundle):
    app = page("rate", reviewer="R01")

    answer(app, "clarity", "4")
    asked(app, "comment").input("noise in V1").run()
    asked(app, "bad").check().run()

    assert given() == {
        demo.prototypes[0].name: {"clarity": "4", "comment": "noise in V1", "bad": "yes"}
    }
    assert "Saved" in words(app)


def test_an_answer_leaves_alone_what_is_being_typed(page):
    app = page("rate", reviewer="R01")

    answer(app, "clarity", "4")

    assert not asked(app, "comment").proto.set_value


def test_no_answer_is_lost_to_the_next_one(page, given, demo: Bundle, impatient):
    app = page("rate", reviewer="R01")

    answer(app, "clarity", "4")
    asked(app, "comment").input("noise in V1").run()

    assert given() == {demo.prototypes[0].name: {"clarity": "4", "comment": "noise in V1"}}


def test_an_alternative_is_asked_for_only_if_not_accurate(page, given, demo: Bundle):
    app = page("rate", reviewer="R01")
    assert not [area for area in app.text_area if area.key.endswith("alternative")]

    answer(app, "accurate", "no")
    asked(app, "alternative").input("AFLT").run()
    assert given()[demo.prototypes[0].name] == {"accurate": "no", "alternative": "AFLT"}

    answer(app, "accurate", "yes")
    assert given()[demo.prototypes[0].name] == {"accurate": "yes"}


def test_answers_can_be_taken_back(page, given):
    app = page("rate", reviewer="R01")
    answer(app, "clarity", "4")

    next(b for b in app.button if b.label == "Take back my answers").click().run()

    assert given() == {}
    assert shown(app) == {}


def test_rating_goes_on_at_the_first_open_prototype(page, rated, demo: Bundle):
    app = page("rate", reviewer="R01")

    assert demo.prototypes[3].name in app.query_params["prototype"]
    assert f"3 of {len(demo.prototypes)}" in app.get("progress")[0].proto.text


def test_the_url_leads_back_to_a_rated_prototype_and_its_answers(page, rated, demo: Bundle):
    app = page("rate", reviewer="r01", prototype=demo.prototypes[1].name)

    assert shown(app) == GOOD


def test_an_answer_that_was_not_saved_is_named_and_kept_in_sight(page, given, demo: Bundle):
    app = page("rate", reviewer="R01")

    asked(app, "comment").input("a\x07bell").run()

    assert "Not saved. The comment holds the control character" in words(app)
    button(app, "skip").click().run()
    assert app.query_params["prototype"] == demo.prototypes[0].name
    assert asked(app, "comment").value == "a\x07bell" and given() == {}

    asked(app, "comment").input("a bell").run()
    assert "Not saved" not in words(app)
    assert given() == {demo.prototypes[0].name: {"comment": "a bell"}}


def test_next_leads_on_once_all_that_is_asked_is_answered(page, given, demo: Bundle):
    app = page("rate", reviewer="R01")
    answer(app, "clarity", "4")
    button(app, "save").click().run()
    assert "accurate" in app.error[0].value

    answer(app, "accurate", "yes")
    answer(app, "representativeness", "5")
    button(app, "save").click().run()

    assert app.query_params["prototype"] == demo.prototypes[1].name
    assert shown(app) == {}
    assert given() == {
        demo.prototypes[0].name: {"accurate": "yes", "representativeness": "5", "clarity": "4"}
    }


def test_a_skipped_prototype_stays_open(page, given, demo: Bundle):
    app = page("rate", reviewer="R01")

    button(app, "skip").click().run()

    assert app.query_params["prototype"] == demo.prototypes[1].name
    button(app, "previous").click().run()
    assert app.query_params["prototype"] == demo.prototypes[0].name
    assert given() == {}


def test_without_its_ecg_a_prototype_cannot_be_rated(page, real_without_ecgs: Bundle):
    app = page("rate", reviewer="R01", bundle="real")

    assert "cannot be drawn: not on this machine" in words(app)
    assert not app.text_area


def test_the_library_shows_all_prototypes_of_a_statement(page, demo: Bundle):
    prototype = next(p for p in demo.prototypes if p.branch == "morphology")
    app = page("library", branch="morphology")

    titles = [m.value for m in app.markdown if m.value.startswith("#### ")]
    shown = [p.name for p in demo.prototypes if p.statement == prototype.statement]
    named = demo.labels.named(prototype.statement)
    assert titles == [f"#### {plain(named)}, {n + 1} of {len(shown)}" for n in range(len(shown))]
    assert all(name in words(app) for name in shown)
    # Each with its tracing and, lead by lead, its window.
    assert len(app.get("plotly_chart")) == 2 * len(shown)
    assert plain(prototype.record) in words(app)


@pytest.mark.parametrize("named", [{}, {"branch": "rhythm"}])
def test_a_link_to_the_library_may_name_a_statement_by_its_code(page, demo: Bundle, named):
    code = next(p.statement for p in demo.prototypes if p.branch == "morphology")
    app = page("library", statement=code, **named)

    shown = [m.value for m in app.markdown if m.value.startswith("#### ")]
    assert len(shown) == sum(p.statement == code for p in demo.prototypes)
    assert all(plain(f"({code})") in title for title in shown)


def test_the_library_tells_what_reviewers_said(page, rated, demo: Bundle):
    app = page("library", branch=demo.prototypes[0].branch)

    assert "2 reviewers · judged accurate by 100 %" in words(app)
    assert "representativeness 4.0 of 5" in words(app)
    assert "nan" not in words(app)


def test_results_say_what_to_do_while_nothing_is_rated(page):
    assert "Open Rate" in words(page("results"))


@pytest.mark.parametrize("by", ["branch", "statement", "prototype"])
def test_results_count_every_rating(page, rated, by: str):
    app = page("results", by=by)

    table = app.dataframe[0].value
    assert table["ratings"].sum() == 6
    assert set(table["clarity: median (quartiles)"]) == {"5 (5.0 to 5.0)"}
    assert len(app.get("plotly_chart")) == 2


def test_a_database_that_cannot_be_read_is_named(page, models):
    (models.parent / "ratings.db").write_bytes(b"not a database" * 100)

    assert "no SQLite database" in words(page("results"))


def test_without_the_coordinators_key_no_ratings_are_handed_out(page, monkeypatch):
    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "open sesame, and then some")
    assert not page("results").get("download_button")


def test_the_library_tells_scores_to_those_who_may_see_results_alone(page, rated, monkeypatch):
    assert "2 reviewers" in words(page("library"))

    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "open sesame, and then some")

    assert "Reviewers" not in words(page("library"))
    assert not page("library").text_input


@pytest.fixture
def closed(monkeypatch) -> None:
    """Reviewer codes open with their secret alone."""
    monkeypatch.delenv("PROTOECG_OPEN_REVIEWERS", raising=False)


@pytest.fixture
def remark(engine: Engine, demo: Bundle) -> str:
    """What a reviewer wrote about the first prototype."""
    item = reviews.items(demo)[0]
    save_answer(engine, reviewer="R01", item=item, question="comment", value="a remark of R01")
    return "a remark of R01"


def test_a_code_shows_nothing_of_what_it_rated_to_who_has_not_its_secret(
    page, closed, engine: Engine, demo: Bundle, remark: str
):
    secret = claim_code(engine, "R01")
    first = {"bundle": "demo", "prototype": demo.prototypes[0].name}

    for given in ({}, {"secret": "ABCD-EFGH-JKMN-PQRS"}, {"secret": " "}):
        app = page("rate", reviewer="r01", **first, **given)
        assert "opens with its secret alone" in words(app)
        assert remark not in str(app.main)
        assert not app.text_area

    mine = page("rate", reviewer="R01", secret=secret.lower().replace("-", ""), **first)
    assert asked(mine, "comment").value == remark


def test_a_code_gets_its_secret_at_its_first_use_and_shows_it_once(page, closed, engine: Engine):
    app = page("rate", reviewer="R07")
    assert not is_claimed(engine, "R07")

    app.button[0].click().run()

    link = app.get("code")[0].proto.code_text
    assert f"secret={app.query_params['secret']}" in link
    next(b for b in app.button if b.label == "I have kept it").click().run()
    assert not app.get("code")
    assert "Reviewer R07" in app.get("progress")[0].proto.text

    again = page("rate", reviewer="R07", secret=app.query_params["secret"])
    assert "Reviewer R07" in again.get("progress")[0].proto.text
    assert not again.get("code")


def test_a_code_that_was_rated_under_before_keeps_its_ratings_with_its_secret(
    page, closed, demo: Bundle, remark: str
):
    app = page("rate", bundle="demo")
    app.text_input[0].input("r01")
    app.button[0].click().run()

    assert "Reviewer R01" in app.get("progress")[0].proto.text
    app.query_params["prototype"] = demo.prototypes[0].name
    assert asked(app.run(), "comment").value == remark


def test_a_tab_saves_nothing_any_more_once_the_secret_was_replaced(
    page, closed, engine: Engine, given
):
    app = page("rate", reviewer="R01", secret=claim_code(engine, "R01"), bundle="demo")
    answer(app, "clarity", "4")
    kept = given()

    new_secret(engine, "R01")
    answer(app, "accurate", "no")

    assert given() == kept
    assert "opens with its secret alone" in words(app)
