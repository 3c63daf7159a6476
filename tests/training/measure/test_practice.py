import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from training.__main__ import main
from training.data import ptbxl
from training.data.dataset import TABLE, DataError, dictionary
from training.measure.practice import EXPECTED, measure, of_makes

MAKES = ("AT-6 C 5.5", " CS-12   E")


@pytest.fixture
def by_two_makes(simulated_root, tmp_path):
    """Lay out simulated ECGs by two makes of recorder by turns, where AT's reports say no SR."""
    for entry in simulated_root.iterdir():
        if entry.name != TABLE:
            (tmp_path / entry.name).symlink_to(entry)
    table = pd.read_csv(simulated_root / TABLE)
    table["device"] = [MAKES[row % 2] for row in range(len(table))]
    at = table["device"] == MAKES[0]
    table.loc[at, "scp_codes"] = table.loc[at, "scp_codes"].map(partial(without, "SR"))
    table.to_csv(tmp_path / TABLE, index=False)
    return tmp_path


def without(code, cell):
    codes = dictionary(cell)
    return str({key: value for key, value in codes.items() if key != code})


def labelled(root, rows):
    """Take a data set of so many ECGs: make of the recorder and statements of each."""
    data = ptbxl.load(root)
    makes, codes = zip(*rows, strict=True)
    return replace(data, table=pd.DataFrame({"recorder": makes, "codes": codes}))


def test_the_make_is_what_a_recorder_s_name_begins_with(by_two_makes, simulated_root):
    assert set(ptbxl.load(by_two_makes).table["recorder"]) == {"AT", "CS"}
    assert set(ptbxl.load(simulated_root).table["recorder"]) == {""}


def test_a_statement_is_unused_where_it_is_hardly_ever_said_and_not_where_it_is_rare(
    simulated_root,
):
    many = 20 * EXPECTED
    at = [("AT", ("SR",))] * many
    cs = [("CS", ("SR", "ABQRS") if row % 5 == 0 else ("SR",)) for row in range(many)]
    cs[0] = ("CS", ("SR", "ABQRS", "WPW"))
    results = of_makes(labelled(simulated_root, at + cs), ("SR", "ABQRS", "WPW"))
    assert results["AT"]["unused"] == {"ABQRS": {"share": 0.0, "elsewhere": pytest.approx(0.2)}}
    assert results["CS"] == {"ecgs": many, "unused": {}}


def test_calls_are_measured_where_reports_use_the_statement(
    by_two_makes, tiny_bundle, tmp_path, capsys
):
    file = tmp_path / "practice.json"
    command = ["practice", "--bundle", tiny_bundle.path, "--data", by_two_makes, "--fold", 9]
    assert main([str(part) for part in [*command, "--json", file]]) == 0
    results = json.loads(file.read_text())
    assert list(results["makes"]["AT"]["unused"]) == ["SR"] and not results["makes"]["CS"]["unused"]
    assert "hardly ever in reports of AT" in capsys.readouterr().out
    # SR counts in neither, so that leaving it out changes nothing.
    assert results["where_used"] == results["all_labels"]


def test_a_call_of_what_reports_never_say_is_not_held_against_it(
    by_two_makes, tiny_bundle, monkeypatch
):
    monkeypatch.setattr("training.measure.calls.USUAL", ())
    results = measure(tiny_bundle, by_two_makes, 9)
    data = ptbxl.load(by_two_makes).folds([9])
    assert (data.table["recorder"] == "AT").any()
    assert results["where_used"]["likely"]["ppv"] > results["all_labels"]["likely"]["ppv"]
    assert (
        results["where_used"]["ecgs_with_wrong_likely"]
        < (results["all_labels"]["ecgs_with_wrong_likely"])
    )
    found = [results[key]["likely"]["sensitivity"] for key in ("where_used", "all_labels")]
    assert np.isclose(*found)


def test_a_data_set_that_names_no_recorder_is_refused_in_a_sentence(tiny_bundle, simulated_root):
    with pytest.raises(DataError, match="does not name two makes of recorder"):
        measure(tiny_bundle, simulated_root, 9)
