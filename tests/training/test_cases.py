import json
from dataclasses import replace
from pathlib import Path

import pytest

from protoecg.bundle import load_bundle
from protoecg.explain import explain
from review_db.studies.items.material import Material, bundle_material
from training.__main__ import main
from training.cases import Numbers, cases
from training.data import ptbxl

ROOT = Path(__file__).resolve().parents[2]
ASKED = Numbers(matches=6, pairs=4, readings=5, specificity=6)


@pytest.fixture(scope="module")
def demo():
    return load_bundle(ROOT / "models" / "demo")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    assert main(["simulate", str(folder), "--n", "160", "--seed", "7"]) == 0
    return folder


@pytest.fixture(scope="module")
def drawn(demo, simulated):
    return cases(demo, ptbxl.load(simulated), ASKED, other=demo, seed=1)


def test_a_match_is_the_strongest_of_a_finding_that_is_called(drawn, demo, simulated):
    for match in drawn["matches"]:
        findings = explain(ptbxl.read_record(simulated, match["ecg"]["record"]), demo).findings
        finding = next(finding for finding in findings if finding.code == match["statement"])
        best = finding.matches[0]
        assert finding.present
        assert match["prototype"] == best.prototype.name
        assert (match["window_s"], match["similarity"]) == (list(best.window_s), best.similarity)


def test_each_case_is_of_another_patient_and_they_are_spread_over_statements(drawn, simulated):
    table = ptbxl.load(simulated).table.set_index("record")
    all_cases = [case for kind in drawn.values() for case in kind]
    patients = [table.loc[case["ecg"]["record"], "patient"] for case in all_cases]
    assert len(all_cases) == ASKED.all
    assert len(set(patients)) == len(patients)
    assert all(list(table.loc[c["ecg"]["record"], "codes"]) == c["truth"] for c in all_cases)
    assert all(len({case["statement"] for case in kind}) > 2 for kind in drawn.values())


def test_readings_of_specificity_are_surely_without_a_finding_that_others_have(
    drawn, demo, simulated
):
    readings = drawn["readings"]
    with_, without = readings[: ASKED.readings], readings[ASKED.readings :]
    assert len(without) == ASKED.specificity
    assert all(one["statement"] not in one["truth"] for one in without)
    assert {one["statement"] for one in without} <= {one["statement"] for one in with_}
    called = [{call["statement"] for call in one["calls"]} for one in without]
    wrong = [one["statement"] in calls for one, calls in zip(without, called, strict=True)]
    # The demo model errs seldom.
    assert sum(wrong) <= 3


def test_labels_that_nobody_validated_do_not_make_a_finding_surely_absent(demo, simulated):
    dataset = ptbxl.load(simulated)
    doubtful = replace(dataset, table=dataset.table.assign(validated=False))
    with pytest.raises(ptbxl.DataError, match="Only 2 readings in all"):
        cases(demo, doubtful, Numbers(readings=2, specificity=1), seed=1)


def test_a_reading_carries_all_that_the_model_calls(drawn, demo, simulated):
    for reading in drawn["readings"]:
        findings = explain(ptbxl.read_record(simulated, reading["ecg"]["record"]), demo).findings
        called = [(f.code, pytest.approx(f.probability)) for f in findings if f.present]
        assert [(call["statement"], call["probability"]) for call in reading["calls"]] == called


def test_a_reading_is_of_a_statement_that_is_true_and_names_what_the_model_called(drawn):
    for reading in drawn["readings"]:
        assert (reading["statement"] in reading["truth"]) == (
            reading in drawn["readings"][: ASKED.readings]
        )
        named = [match["statement"] for match in reading["explanation"]["matches"]]
        assert len(set(named)) == len(named)


def test_two_explanations_of_one_bundle_are_the_same(drawn):
    for pair in drawn["pairs"]:
        assert pair["a"] == pair["b"]
        assert {match["statement"] for match in pair["a"]["matches"]} == {pair["statement"]}


def test_the_same_seed_draws_the_same_cases_and_another_one_others(drawn, demo, simulated):
    dataset = ptbxl.load(simulated)
    assert cases(demo, dataset, ASKED, other=demo, seed=1) == drawn
    assert cases(demo, dataset, ASKED, other=demo, seed=2) != drawn


def test_a_study_takes_the_file(demo, simulated, tmp_path, capsys):
    file = tmp_path / "cases.json"
    command = ["cases", "--bundle", str(demo.path), "--data", str(simulated), "--fold", "9"]
    assert main([*command, "--matches", "2", "--readings", "1", "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "1 readings, 0 pairs, 2 matches" in printed
    assert "Note: fold 9 chose and calibrated" in printed
    material = bundle_material(demo.path, file)
    assert isinstance(material, Material)
    assert (len(material.matches), len(material.readings)) == (2, 1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--pairs", "1"], "name the other one"),
        (["--readings", "900"], "Only "),
        (["--specificity", "2"], "Ask for readings too"),
        (["--fold", "3"], "was trained on fold 3"),
    ],
)
def test_what_cannot_be_drawn_gets_one_line(demo, simulated, tmp_path, capsys, more, message):
    file = tmp_path / "cases.json"
    command = ["cases", "--bundle", str(demo.path), "--data", str(simulated), "--fold", "9"]
    assert main([*command, *more, "--out", str(file)]) == 1
    assert message in capsys.readouterr().err
    assert not file.exists()


def test_patients_with_several_ecgs_give_one(demo, simulated):
    dataset = ptbxl.load(simulated)
    one = replace(dataset, table=dataset.table.assign(patient="1"))
    assert len(cases(demo, one, Numbers(readings=1), seed=1)["readings"]) == 1
    with pytest.raises(ptbxl.DataError, match="Only 1 readings"):
        cases(demo, one, Numbers(readings=2), seed=1)
    assert json.dumps(cases(demo, dataset, Numbers(), seed=1)) == json.dumps(
        {"readings": [], "pairs": [], "matches": []}
    )
