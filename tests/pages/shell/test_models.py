import json
import shutil
from pathlib import Path

import pytest

from pages.shell import models as chosen_model
from protoecg.bundle import Bundle, load_bundle

AFIB = "Atrial fibrillation"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of the bundles that were loaded, in turn."""
    names: list[str] = []

    def load(path: Path) -> Bundle:
        names.append(path.name)
        return load_bundle(path)

    monkeypatch.setattr(chosen_model, "load_bundle", load)
    return names


def copies(models: Path, *names: str, **changed: object) -> None:
    """Copy the demo bundle, saying something else of itself."""
    for name in names:
        shutil.copytree(models / "demo", models / name)
        head = json.loads((models / name / "bundle.json").read_text())
        (models / name / "bundle.json").write_text(json.dumps(head | changed))


def test_of_many_models_only_those_that_are_looked_at_are_loaded_and_once(page, models, loaded):
    copies(models, *(f"copy {n}" for n in range(9)))

    for _ in range(3):
        page("explain", example=AFIB, bundle="copy 4").run()
        page("explain", example=AFIB).run()

    assert sorted(loaded) == ["copy 0", "copy 4"]


def test_a_model_that_was_trained_anew_is_loaded_anew(page, models, loaded):
    page("explain", example=AFIB)
    head = json.loads((models / "demo" / "bundle.json").read_text())
    (models / "demo" / "bundle.json").write_text(json.dumps(head | {"name": "Anew"}))

    app = page("explain", example=AFIB)

    assert loaded == ["demo", "demo"]
    assert "Anew (demo)" in app.selectbox(key="model").options


def test_what_cannot_be_used_is_said_in_the_list_and_never_the_first_choice(page, models):
    copies(models, "a broken one", version=1000)

    app = page("explain", example=AFIB)

    assert app.selectbox(key="model").options[0] == "a broken one: cannot be used"
    assert app.selectbox(key="model").value == "demo"
    assert "Update ProtoECG" in page("explain", bundle="a broken one").error[0].value


def test_a_model_is_found_by_its_version(models, demo: Bundle):
    found = chosen_model.of_version(demo.name, demo.fingerprint)
    assert found is not None and found.path == demo.path
    assert chosen_model.of_version(demo.name, "0" * 16) is None
