import json
import shutil

import pytest

from protoecg.prototypes.gathering import gather
from protoecg.prototypes.records import write_record
from protoecg.simulate import simulate
from review_db.studies.design import design_from
from review_db.studies.items.material import bundle_material
from review_db.studies.items.pictures import study_pictures
from review_db.studies.lifecycle import create_study, start_study


@pytest.fixture
def theirs(models, tmp_path):
    """A set of another group beside the demo bundle; its name comes first in the alphabet."""
    for n in (1, 2, 3):
        signal = simulate(["PVC", "SR"], seed=n, rate=250).ecg.signal
        write_record(tmp_path / f"r{n}", signal, 250)
    entries = [
        {"statement": "PVC", "branch": "beats", "record": f"r{n}", "window_s": [4, 5.2]}
        for n in (1, 2, 3)
    ]
    manifest = {"name": "Theirs", "source": "A [group](http://x)", "prototypes": entries}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return gather(tmp_path / "manifest.json", models / "a set")


def texts(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.info))


@pytest.mark.parametrize("name", ["batch", "curate", "model_card", "explain"])
def test_a_page_that_needs_a_network_says_so_and_shows_a_model(page, theirs, name):
    app = page(name, bundle="a set")
    assert "holds prototypes without a network" in texts(app)
    assert app.selectbox(key="model").value == "demo"
    assert not any("Theirs" in option for option in app.selectbox(key="model").options)
    # It stays chosen for the pages that can show it.
    assert app.query_params["bundle"] == "a set"


@pytest.mark.parametrize("name", ["library", "rate", "results", "studies"])
def test_a_page_about_prototypes_shows_them(page, theirs, name):
    app = page(name, bundle="a set", reviewer="R01")
    assert app.selectbox(key="model").value == "a set"
    assert not app.error


def test_a_set_is_never_the_first_choice_beside_a_model(page, theirs):
    assert page("library").selectbox(key="model").value == "demo"


def test_the_library_says_whose_they_are_and_of_which_branch(page, theirs):
    app = page("library", bundle="a set")
    shown = texts(app)
    assert "A \\[group\\]" in shown and "beats-PVC-1" in shown
    assert "What else is in its ECG is not known" in shown


def test_they_can_be_studied_and_drawn(page, theirs, engine):
    design = {"name": "theirs", "reviewers": ["R01"], "seed": 1, "practice": 0, "summaries": False}
    design |= {"two_stages": False, "sample": {"stratify": "none"}}
    create_study(engine, design_from(design), bundle_material(theirs.path))
    pictures = study_pictures(theirs.name, theirs.fingerprint)
    started = start_study(engine, "theirs", pictures.refuse_undrawable)
    assert set(started) == {"R01"}


def test_without_any_model_the_prototypes_alone_can_be_rated(page, models, theirs):
    shutil.rmtree(models / "demo")
    app = page("rate", reviewer="R01")
    assert "Reviewer R01" in app.get("progress")[0].proto.text
