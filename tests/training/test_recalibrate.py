import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from protoecg.bundle import load_bundle
from protoecg.card.document import read_card, write_card
from protoecg.explain import explain
from protoecg.in_words import in_words
from protoecg.labels import PTBXL, read_labels
from protoecg.prototypes.manifest import BundleError
from training.__main__ import main
from training.data import ptbxl
from training.data.simulated import write_dataset
from training.judgement import Judgement
from training.recalibrate.gain import gain
from training.recalibrate.local import same
from training.recalibrate.sizes import simulate_sizes

# Sinus rhythm, of which somebody thought that everybody knows it.
UNWRITTEN = "SR"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """80 simulated ECGs of another hospital, where nobody writes down sinus rhythm."""
    root = tmp_path_factory.mktemp("hospital") / "data"
    write_dataset(root, 80, seed=77)
    (root / "dataset.json").write_text(json.dumps({"name": "Elsewhere", "licence": "none"}))
    table = pd.read_csv(root / "ptbxl_database.csv")
    table["scp_codes"] = table["scp_codes"].str.replace(f"'{UNWRITTEN}'", "'OTHER'")
    table.to_csv(root / "ptbxl_database.csv", index=False)
    return root


@pytest.fixture(scope="module")
def made(tiny_bundle, hospital, tmp_path_factory):
    """The small bundle, calibrated there."""
    out = tmp_path_factory.mktemp("calibrated") / "new"
    command = ["recalibrate", "--bundle", tiny_bundle.path, "--data", hospital, "--out", out]
    assert main(list(map(str, command))) == 0
    return load_bundle(out)


@pytest.fixture(scope="module")
def ecg(hospital):
    return ptbxl.read_record(hospital, pd.read_csv(hospital / "ptbxl_database.csv").filename_lr[3])


def by_code(ecg, bundle):
    return {finding.code: finding for finding in explain(ecg, bundle).findings}


def test_networks_and_prototypes_stay(made, tiny_bundle):
    assert made.prototypes == tiny_bundle.prototypes
    assert made.fingerprint == tiny_bundle.fingerprint != made.revision
    before, after = (b.network.branches.state_dict() for b in (tiny_bundle, made))
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_each_logit_is_scaled_and_shifted_and_still_the_sum(made, tiny_bundle, hospital):
    moved = made.recalibrations[-1].statements
    records = pd.read_csv(hospital / "ptbxl_database.csv").filename_lr[:6]
    seen = {code: [] for code in made.statements}
    for record in records:
        ecg = ptbxl.read_record(hospital, record)
        old, new = by_code(ecg, tiny_bundle), by_code(ecg, made)
        for code, found in new.items():
            parts = [*found.matches, *found.measured]
            total = found.bias + sum(part.contribution for part in parts)
            assert found.logit == pytest.approx(total, abs=1e-9)
            assert found.probability == pytest.approx(expit(found.logit))
            seen[code].append((old[code].logit, found.logit))
    assert len(moved) > 3
    for code in moved:
        before, after = np.array(seen[code]).T
        scale, shift = np.polyfit(before, after, 1)
        assert scale > 0 and after == pytest.approx(scale * before + shift, abs=1e-4)


def test_what_nobody_there_writes_down_keeps_every_bit(made, tiny_bundle, ecg):
    assert UNWRITTEN not in made.recalibrations[-1].statements
    assert made.decisions[UNWRITTEN] == tiny_bundle.decisions[UNWRITTEN]
    assert by_code(ecg, made)[UNWRITTEN] == by_code(ecg, tiny_bundle)[UNWRITTEN]


def test_the_bundle_and_its_explanations_say_where_it_was_calibrated(made, tiny_bundle, ecg):
    (done,) = made.recalibrations
    assert (done.data, done.ecgs, done.parent) == ("Elsewhere", 80, tiny_bundle.revision)
    places = explain(ecg, made).to_json()["recalibrations"]
    assert places == [
        {
            "data": "Elsewhere",
            "date": done.date[:10],
            "ecgs": 80,
            "patients": done.patients,
            "statements": list(done.statements),
        }
    ]
    assert made.name == f"{tiny_bundle.name}, calibrated at Elsewhere"
    assert explain(ecg, tiny_bundle).to_json()["recalibrations"] == []


def test_its_card_says_what_it_is_worth_there_before_and_after(made, tiny_bundle):
    (done,) = made.recalibrations
    site = read_card(made)["site"]
    assert (site["data"], site["ecgs"], site["statements"]) == ("Elsewhere", 80, [*done.statements])
    before, after = site["before"], site["after"]
    assert set(before["per_statement"]) == set(done.statements)
    assert (before["calibration"]["cross_fitted"], after["calibration"]["cross_fitted"]) == (
        False,
        True,
    )
    # A scale and a shift of each statement change no order, and do change probabilities.
    assert before["macro_auroc"] == after["macro_auroc"]
    assert before["macro_auroc_interval"][0] < before["macro_auroc"]
    assert before["calibration"]["macro_brier"] > after["calibration"]["macro_brier"]
    assert read_card(tiny_bundle).get("site") is None


def test_its_card_keeps_what_was_measured_of_the_bundle_before(tiny_bundle, hospital, tmp_path):
    shutil.copytree(tiny_bundle.path, tmp_path / "old")
    measured = {"fold": 9, "n": 3, "recordings": {"as recorded": {"abstained": 0.01}}}
    write_card(load_bundle(tmp_path / "old"), {"abstention": measured})
    command = ["recalibrate", "--bundle", tmp_path / "old", "--data", hospital]
    assert main(list(map(str, [*command, "--out", tmp_path / "new"]))) == 0
    card = read_card(load_bundle(tmp_path / "new"))
    assert card["abstention"] == measured and card["site"]["data"] == "Elsewhere"


def test_explaining_in_words_says_where_it_was_calibrated(made, ecg):
    assert any(
        line.startswith("Calibrated at Elsewhere (80 ECGs") for line in in_words(explain(ecg, made))
    )


def test_decisions_are_of_the_ecgs_there(made, hospital):
    labels = ptbxl.load(hospital).table["codes"]
    for code in made.recalibrations[-1].statements:
        decision = made.decisions[code]
        assert decision.positives == sum(code in codes for codes in labels)
        assert decision.low_evidence == (decision.positives < 10)


def test_the_index_and_the_carried_ecgs_go_along(tiny_bundle, hospital, tmp_path, simulated_root):
    from protoecg.evidence.neighbours import read_neighbours

    shutil.copytree(tiny_bundle.path, tmp_path / "old")
    indexed = ["neighbours", "--bundle", tmp_path / "old", "--data", simulated_root]
    assert main(list(map(str, indexed))) == 0
    command = ["recalibrate", "--bundle", tmp_path / "old", "--data", hospital]
    assert main(list(map(str, [*command, "--out", tmp_path / "new"]))) == 0
    made = load_bundle(tmp_path / "new")
    assert len(read_neighbours(made)) == len(read_neighbours(load_bundle(tmp_path / "old")))
    assert (made.path / "waveforms").is_dir()


@pytest.mark.parametrize("taken", ["file", "folder"])
def test_a_folder_that_is_taken_is_not_written_to(tiny_bundle, hospital, tmp_path, capsys, taken):
    out = tmp_path / "out"
    if taken == "folder":
        out.mkdir()
        (out / "mine").write_text("mine")
    else:
        out.write_text("mine")
    command = ["recalibrate", "--bundle", tiny_bundle.path, "--data", hospital, "--out", out]
    assert main(list(map(str, command))) == 1
    assert "is not empty" in capsys.readouterr().err


def test_ecgs_that_the_bundle_was_made_with_are_refused(
    tiny_bundle, simulated_root, tmp_path, capsys
):
    root = shutil.copytree(simulated_root, tmp_path / "data")
    table = pd.read_csv(root / "ptbxl_database.csv")
    table[table["strat_fold"] < 9].to_csv(root / "ptbxl_database.csv", index=False)
    command = ["recalibrate", "--bundle", tiny_bundle.path, "--data", root]
    assert main(list(map(str, [*command, "--out", tmp_path / "new"]))) == 1
    assert "was made with all folds" in capsys.readouterr().err


def test_too_few_ecgs_are_refused(tiny_bundle, hospital, tmp_path, capsys):
    root = shutil.copytree(hospital, tmp_path / "data")
    pd.read_csv(root / "ptbxl_database.csv")[:20].to_csv(root / "ptbxl_database.csv", index=False)
    command = ["recalibrate", "--bundle", tiny_bundle.path, "--data", root]
    assert main(list(map(str, [*command, "--out", tmp_path / "new"]))) == 1
    assert "20 ECGs" in (printed := capsys.readouterr().err) and "At least 30" in printed


def test_statements_are_the_same_by_code_or_by_what_they_are_in_scp():
    content = (
        "code,words,branch,scp\n164889003,atrial fibrillation,rhythm,AFIB\n"
        "LVH,left ventricular hypertrophy,morphology,LVH\nSHOE,a shoe,morphology,\n"
    )
    theirs = read_labels(content.encode(), "theirs.csv")
    assert same(PTBXL, theirs) == {"164889003": "AFIB", "LVH": "LVH"}
    assert same(theirs, PTBXL) == {"AFIB": "164889003", "LVH": "LVH"}


def test_what_is_gained_is_told_with_its_interval():
    chance = np.random.default_rng(0)
    logits = chance.normal(-1, 2, (400, 3))
    labels = (chance.uniform(size=logits.shape) < expit(logits)).astype(float)

    def judged(logits):
        p = expit(logits)
        return Judgement(p, p >= 0.6, p >= 0.2, True)

    results = gain(
        ["A", "B", "SR"], np.array([True, True, False]), labels, np.arange(400),
        judged(logits - 3), judged(logits),
    )  # fmt: skip
    better, brier = (results["figures"][name] for name in ("likely_sensitivity", "brier"))
    assert better["difference"] == pytest.approx(better["after"] - better["before"])
    assert 0 < better["difference_interval"][0] < better["difference"]
    assert brier["difference_interval"][1] < 0
    own = results["per_statement"]["A"]
    assert own["positives"] == labels[:, 0].sum() and own["found_after"] > own["found_before"]
    # The normal ones are not counted with the findings.
    both = (labels[:, :2] > 0) & (expit(logits[:, :2]) >= 0.6)
    assert better["after"] == pytest.approx(both.sum() / labels[:, :2].sum())


def test_more_ecgs_calibrate_better_and_the_truth_best(tiny_bundle, simulated_root):
    folds = tiny_bundle.about["config"]["train_folds"]
    results = simulate_sizes(tiny_bundle, simulated_root, folds, numbers=(15, 45, 5000), times=10)
    brier = {name: row["brier"]["mean"] for name, row in results["rows"].items()}
    assert list(brier) == ["none", "15", "45", "known"]
    assert brier["none"] > brier["45"] > brier["known"]


@pytest.mark.parametrize("message", [{}, "elsewhere", [{"data": "x"}], [3]])
def test_a_manifest_that_says_nonsense_of_it_is_refused(made, tmp_path, message):
    shutil.copytree(made.path, tmp_path / "bundle")
    file = tmp_path / "bundle" / "bundle.json"
    document = json.loads(file.read_text())
    document["about"]["recalibrations"] = message
    file.write_text(json.dumps(document))
    with pytest.raises(BundleError, match="recalibration"):
        load_bundle(tmp_path / "bundle")
