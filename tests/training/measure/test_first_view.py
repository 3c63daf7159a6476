"""On what explanations open, and how their first cases look, on simulated ECGs."""

import json

import pytest

from training.__main__ import main
from training.measure.first_view import STATEMENTS, WHOSE, measure, table


@pytest.fixture(scope="module")
def figures(tiny_bundle, simulated_root):
    return measure(tiny_bundle, simulated_root, 9, 10)


def test_none_opens_on_sinus_rhythm_where_something_else_is_likely(figures):
    opens = figures["opens"]
    assert opens["ecgs"] == 10
    assert opens["found_opens_usual"] == 0
    assert 0 < opens["labelled"] <= 10 and opens["labelled_opens_usual"] <= opens["labelled"]
    assert opens["normal_opens_usual"] <= opens["normal"] <= 10 - opens["labelled"]


def test_each_statement_is_told_with_what_was_compared(figures):
    assert figures["statements"] and set(figures["statements"]) <= set(STATEMENTS)
    for code, shares in figures["statements"].items():
        assert shares["ecgs"] >= 1
        assert all(-1 <= shares[whose] <= 1 for whose in WHOSE if whose in shares)
        if code != "PVC":
            assert shares["marked on the beat"] == 1
        assert 0 <= shares["marked on the tracing"] <= 1 or code == "PVC"
    assert all(code in table(figures) for code in figures["statements"])


def test_the_command_prints_and_keeps_the_figures(tiny_bundle, simulated_root, tmp_path, capsys):
    file = tmp_path / "figures.json"
    asked = ["--bundle", str(tiny_bundle.path), "--data", str(simulated_root), "--fold", "9"]
    assert main(["first-view", *asked, "--n", "5", "--json", str(file)]) == 0
    assert json.loads(file.read_text())["opens"]["ecgs"] == 5
    assert "open on that" in capsys.readouterr().out
