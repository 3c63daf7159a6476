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
    printed = capsys.readouterr().out
    assert "hunter2" not in printed and "sesame" not in printed
    assert "hunter2" not in repr(settings())
    values = dict(shown())
    for secret in ("DATABASE_URL", "COORDINATOR_KEY"):
        assert values[f"PROTOECG_{secret}"] == "given, not shown"
    assert values["PROTOECG_MODELS"] == str(tmp_path)
    assert values["PROTOECG_PTBXL"] == "not given: data/ptbxl"
    assert "server.address" in printed and "secrets.toml" in printed


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
