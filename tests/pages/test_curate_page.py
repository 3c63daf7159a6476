import shutil

import pytest

from protoecg.bundle import load_bundle
from review_db import Item, save_answer
from training.neighbours import index


@pytest.fixture
def rated(models, engine, tiny_fit, simulated_root, monkeypatch):
    """The tiny bundle with its index and data set, one of its prototypes rated badly by two."""
    shutil.copytree(tiny_fit / "tiny", models / "tiny")
    monkeypatch.setenv("PROTOECG_PTBXL", str(simulated_root))
    bundle = load_bundle(models / "tiny")
    index(bundle, simulated_root)
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
    assert "retires nothing" in texts(page("curate", bundle="demo"))


def test_a_proposal_is_shown_with_why_its_comments_and_candidates(page, rated):
    _, bad = rated
    app = page("curate", bundle="tiny")
    shown = texts(app)
    assert "Median representativeness 1, at most 2" in shown
    assert "candidates" in shown and "standard deviations" in shown
    # What a reviewer wrote is no Markdown.
    assert "\\!\\[\\]" in shown
    assert app.selectbox(key="proposal").value == bad.name


def test_a_choice_is_tallied_and_made_into_a_bundle(page, rated, models, monkeypatch, tmp_path):
    bundle, bad = rated
    monkeypatch.setattr("protoecg.folders.project", lambda: tmp_path)
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


def test_the_library_says_whom_a_newcomer_replaced(page, rated, models, simulated_root, tmp_path):
    from training.__main__ import main

    bundle, bad = rated
    rule = tmp_path / "rule.toml"
    rule.write_text(f'retire = ["{bad.name}"]\n')
    arguments = ["curate", "--bundle", bundle.path, "--rule", rule, "--out", models / "new"]
    arguments += ["--ratings", f"sqlite:///{tmp_path}/ratings.db", "--data", simulated_root]
    assert main([*map(str, arguments), "--work", str(tmp_path / "work")]) == 0
    app = page("library", bundle="new", branch=bad.branch, statement=bad.statement)
    assert f"Replaced {bad.name}, rated 1.0 by 2 reviewers" in texts(app)
