import json
import shutil
from threading import Event

import pytest

from protoecg.bundle import load_bundle
from review_db import Item, save_answer
from review_db.studies.design import design_from_toml
from training.curate.study import design
from training.neighbours import index


@pytest.fixture(scope="session")
def indexed(once, tiny_fit, simulated_root):
    """The tiny bundle with an index of the ECGs that it was trained on."""

    def make(folder):
        shutil.copytree(tiny_fit / "tiny", folder)
        index(load_bundle(folder), simulated_root)

    return once("tiny_indexed", make)


@pytest.fixture
def rated(models, engine, indexed, simulated_root, monkeypatch):
    """The tiny bundle with its index and data set, one of its prototypes rated badly by two."""
    shutil.copytree(indexed, models / "tiny")
    monkeypatch.setenv("PROTOECG_PTBXL", str(simulated_root))
    bundle = load_bundle(models / "tiny")
    counts = [p.statement for p in bundle.prototypes]
    bad = next(
        p for p in bundle.prototypes if p.branch == "morphology" and counts.count(p.statement) > 1
    )
    for reviewer in ("R01", "R02"):
        item = Item(bundle.name, bundle.fingerprint, bad.name, bad.branch, bad.statement)
        for question, value in (("representativeness", 1), ("comment", "![](http://x) noise")):
            save_answer(engine, reviewer=reviewer, item=item, question=question, value=value)
    return bundle, bad


def texts(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.info))


def test_without_ratings_the_page_says_so(page):
    assert "nobody has rated a prototype" in texts(page("curate", bundle="demo"))


def test_a_rule_that_retires_nothing_says_why(page, rated):
    assert "all its limits are off" in texts(
        page("curate", bundle="tiny", median="off", wrong="off", bad="off")
    )
    assert "no prototype was judged as badly as that by as many reviewers" in texts(
        page("curate", bundle="tiny", reviewers="3")
    )


def test_a_proposal_is_shown_with_why_its_comments_and_candidates(page, rated):
    _, bad = rated
    app = page("curate", bundle="tiny")
    shown = texts(app)
    assert "Median representativeness 1, at most 2" in shown
    assert "candidates" in shown and "standard deviations" in shown
    # What a reviewer wrote is no Markdown.
    assert "\\!\\[\\]" in shown
    assert app.selectbox(key="proposal").value == bad.name
    (named,) = app.dataframe[0].value["Stands for"]
    assert f"({bad.statement})" in named


def test_a_choice_is_tallied_and_made_into_a_bundle(page, rated, models, project):
    bundle, bad = rated
    app = page("curate", bundle="tiny")
    next(b for b in app.button if b.label == "Take this one").click().run()
    assert not app.exception
    assert any(bad.statement in str(frame.value.to_numpy()) for frame in app.dataframe)
    next(b for b in app.button if b.label == "Make the bundle").click().run()
    from pages.curation.desks import makings

    (making,) = makings().values()
    making.wait(120)
    assert making.problem == "" and not making.running
    made = load_bundle(models / "tiny-curated-1")
    assert bad.name not in {p.name for p in made.prototypes}
    app.run()
    assert any("The bundle is made" in box.value for box in app.success)
    # A study of its newcomers is drafted there.
    assert app.get("download_button")
    new = next(p for p in made.prototypes if p.name not in {q.name for q in bundle.prototypes})
    planned = design_from_toml(design(made, "newcomers.toml", "models/new"))
    assert new.name in planned.sample.prototypes and planned.reviewers == ("R01", "R02")


@pytest.fixture
def project(monkeypatch, tmp_path):
    """A folder of its own for what curations keep."""
    monkeypatch.setattr("protoecg.storage.folders.project", lambda: tmp_path)
    return tmp_path


def test_choices_outlast_the_session_and_the_server(page, rated, project):
    page("curate", bundle="tiny")
    app = page("curate", bundle="tiny")
    next(b for b in app.button if b.label == "Take this one").click().run()
    another = page("curate", bundle="tiny")
    taken = [b.label for b in another.button if b.icon == ":material/check:"]
    assert taken == ["Take this one"]
    assert another.dataframe[0].value["Takes its place"][0].startswith("records100/")


def test_choices_that_cannot_be_read_or_kept_are_said_in_a_sentence(page, rated, project):
    bundle, _ = rated
    app = page("curate", bundle="tiny")
    (project / "runs").write_text("no folder")
    next(b for b in app.button if b.label == "Keep it").click().run()
    assert not app.exception and len(app.error) == 1
    (project / "runs").unlink()
    kept = project / "runs" / "curate" / f"chosen-{bundle.revision}.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("[1]")
    (error,) = page("curate", bundle="tiny").error
    assert "holds no choices" in error.value


def test_while_the_random_draws_are_compared_the_page_says_how_far_it_is(
    page, rated, project, monkeypatch
):
    from pages.curation.desks import makings
    from training.curate import finish

    eighth, go_on, drawn, real = Event(), Event(), [], finish._drawn

    def draw(*given):
        drawn.append(given)
        if len(drawn) == 8:
            eighth.set()
            go_on.wait(60)
        return real(*given)

    monkeypatch.setattr(finish, "_drawn", draw)
    app = page("curate", bundle="tiny")
    next(b for b in app.button if b.label == "Make the bundle").click().run()
    assert eighth.wait(120)
    app.run()
    (bar,) = app.get("progress")
    assert bar.proto.text.startswith("Retired at random: 7 of 20 draws")
    assert "left" in bar.proto.text and bar.proto.value == 35
    go_on.set()
    (making,) = makings().values()
    making.wait(120)
    assert not app.run().get("progress") and not making.problem


@pytest.fixture
def curated(rated, models, simulated_root, tmp_path):
    """Makes a bundle in which what was rated badly is replaced, with the data set or without."""
    from training.__main__ import main

    bundle, bad = rated

    def make(*data):
        rule = tmp_path / "rule.toml"
        rule.write_text(f'representativeness = 2.0\nretire = ["{bad.name}"]\n')
        arguments = ["curate", "--bundle", bundle.path, "--rule", rule, "--out", models / "new"]
        arguments += ["--ratings", f"sqlite:///{tmp_path}/ratings.db", *data]
        assert main([*map(str, arguments), "--work", str(tmp_path / "work")]) == 0
        return bad

    return make


def test_the_model_card_says_what_was_changed_why_and_what_that_did(
    page, rated, curated, simulated_root
):
    bad = curated("--data", simulated_root)
    app = page("model_card", bundle="new")
    shown = texts(app)
    assert f"from revision {rated[0].revision}" in shown
    assert "prototypes retired: 1, new: 1" in shown
    assert "reviewers whose ratings decided: 2** (R01, R02)" in shown.replace("\\", "")
    assert "median representativeness at most 2, by 2 reviewers or more" in shown
    assert "retired at random" in shown
    changes, compared = (frame.value for frame in app.dataframe[:2])
    assert list(changes["Retired"]) == [bad.name] and changes["In its place"][0] != "nothing"
    assert changes["Mean representativeness"][0] == "1.0"
    # The newcomer is the window that it is shown as.
    assert changes["Exact"][0] == "yes" and {"Speaks for it", "Purity after"} <= set(changes)
    assert "macro AUROC, all branches" in list(compared[""])


@pytest.mark.parametrize("where", ["model_card", "library"])
def test_a_model_whose_curations_cannot_be_read_is_refused_in_words(page, models, where):
    head = json.loads((models / "demo" / "bundle.json").read_text())
    head["about"]["curations"] = [{"date": 3}]
    (models / "demo" / "bundle.json").write_text(json.dumps(head))
    app = page(where, bundle="demo")
    (text,) = [box.value for box in (*app.error, *app.warning) if "curations" in box.value]
    assert "of its curations cannot be read. " in text


def test_the_rise_is_given_for_reviewers_who_did_not_decide(
    page, rated, curated, simulated_root, models, engine
):
    curated("--data", simulated_root)
    assert "Nobody who did not decide has rated a newcomer" in texts(
        page("model_card", bundle="new")
    )
    made = load_bundle(models / "new")
    new = next(p for p in made.prototypes if p.name not in {q.name for q in rated[0].prototypes})
    stayed = next(p for p in made.prototypes if p.name != new.name)
    # Who decided likes the newcomer better than anybody.
    given = {("R01", new): 5, ("R07", new): 4, ("R08", new): 3, ("R07", stayed): 2}
    for (reviewer, prototype), points in given.items():
        named = prototype.name, prototype.branch, prototype.statement
        item = Item(made.name, made.fingerprint, *named)
        save_answer(
            engine, reviewer=reviewer, item=item, question="representativeness", value=points
        )
    app = page("model_card", bundle="new")
    shown = texts(app)
    assert "2 reviewers who did not decide (R07, R08): newcomers less stayed: +2.00" in shown
    assert "Selection alone raises the mean rating" in shown
    means = next(frame.value for frame in app.dataframe if "Mean, 1 to 5" in frame.value)
    assert dict(zip(means["Prototypes"], means["Mean, 1 to 5"], strict=True)) == {
        "newcomers": 3.5, "that stayed": 2.0,
    }  # fmt: skip


def test_who_is_no_coordinator_sees_what_changed_but_no_ratings(
    page, curated, simulated_root, monkeypatch
):
    bad = curated("--data", simulated_root)
    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "a key that is long enough")
    app = page("model_card", bundle="new")
    changes = app.dataframe[0].value
    assert list(changes["Retired"]) == [bad.name]
    assert "Why" not in changes and "R01" not in texts(app)


def test_without_the_data_set_a_bundle_is_made_and_says_that_nothing_is_measured(
    page, rated, models, simulated_root, project, monkeypatch, tmp_path
):
    _, bad = rated
    monkeypatch.setenv("PROTOECG_PTBXL", str(tmp_path / "none"))
    carried = models / "tiny" / "waveforms" / "records100"
    shutil.copytree(simulated_root / "records100", carried, dirs_exist_ok=True)
    app = page("curate", bundle="tiny")
    assert "The data set is not on this server" in texts(app)
    next(b for b in app.button if b.label == "Take this one").click().run()
    next(b for b in app.button if b.label == "Make the bundle").click().run()
    from pages.curation.desks import makings

    (making,) = makings().values()
    making.wait(120)
    assert making.problem == ""
    made = load_bundle(models / "tiny-curated-1")
    assert len(made.prototypes) == len(rated[0].prototypes)
    assert made.decisions == rated[0].decisions
    shown = page("model_card", bundle="tiny-curated-1")
    assert "Nothing was measured" in texts(shown)
    changes = shown.dataframe[0].value
    assert list(changes["Retired"]) == [bad.name] and changes["In its place"][0] != "nothing"


def test_a_card_that_says_nonsense_of_a_curation_breaks_nothing(
    page, models, curated, simulated_root
):
    curated("--data", simulated_root)
    card = json.loads((models / "new" / "card.json").read_text())
    card["measurements"]["curation"] = {
        "changed": [1, {"retired": ["x"]}],
        "per_part": {"fused": "![](http://x)"},
        "random": {"refitted": "many", "retired": True},
    }
    (models / "new" / "card.json").write_text(json.dumps(card))
    assert not page("model_card", bundle="new").exception


def test_the_library_says_whom_a_newcomer_replaced(page, curated, simulated_root):
    bad = curated("--data", simulated_root)
    app = page("library", bundle="new", branch=bad.branch, statement=bad.statement)
    assert f"Replaced {bad.name}, rated 1.0 by 2 reviewers" in texts(app)
