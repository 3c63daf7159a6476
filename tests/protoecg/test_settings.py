"""Settings: typed, printed without secrets."""

import pytest

from protoecg.__main__ import main
from protoecg.settings import Settings, settings, variable
from protoecg.settings.listing import shown


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def test_no_secret_is_printed(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PROTOECG_DATABASE_URL", "postgresql://me:hunter2@host/ratings?x=hunter2")
    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "open sesame, and then some")
    monkeypatch.setenv("PROTOECG_MODELS", str(tmp_path))
    assert main(["settings"]) == 0
    said = capsys.readouterr().out
    assert "hunter2" not in said and "sesame" not in said and "hunter2" not in repr(settings())
    told = dict(shown())
    assert told["PROTOECG_DATABASE_URL"] == told["PROTOECG_COORDINATOR_KEY"] == "given, not shown"
    assert told["PROTOECG_MODELS"] == str(tmp_path)
    assert told["PROTOECG_PTBXL"] == "not given: data/ptbxl"
    assert "server.address" in said and "secrets.toml" in said


def test_a_variable_that_is_misspelt_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PROTOECG_DATABASE", "sqlite:///x.db")
    main(["settings"])
    assert "! PROTOECG_DATABASE is no setting" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "fetch", "open_reviewers"),
    [
        ("", True, False),
        ("yes", True, True),
        ("ON", True, True),
        ("off", False, False),
        ("False", False, False),
        # Nothing is opened, and nothing turned off, by a word that nobody knows.
        ("maybe", True, False),
    ],
)
def test_words_for_on_and_off(monkeypatch, word, fetch, open_reviewers):
    monkeypatch.setenv("PROTOECG_FETCH", word)
    monkeypatch.setenv("PROTOECG_OPEN_REVIEWERS", word)
    assert (settings().fetch, settings().open_reviewers) == (fetch, open_reviewers)
