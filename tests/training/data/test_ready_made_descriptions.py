"""The descriptions that come along, each on a small folder in its data set's layout."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import wfdb
from scipy.io import savemat

import training.data
from protoecg.ecg import LEADS
from protoecg.labels import PTBXL, read_labels
from protoecg.simulate import simulate
from training.__main__ import main
from training.data import ptbxl
from training.data.convert import dataset_folder
from training.data.description import Described

DESCRIPTIONS = Path(training.data.__file__).parent / "descriptions"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROTOECG_CACHE", str(tmp_path / "cache"))


def put(name, root):
    """Put a description and its labels into the folder of a data set."""
    for file in DESCRIPTIONS.glob(f"{name}*"):
        shutil.copy(file, root)
    return root / f"{name}.toml"


def signal(code, seed):
    return simulate([code], seed=seed, rate=500).ecg.signal


@pytest.mark.parametrize("file", sorted(DESCRIPTIONS.glob("*_labels.csv")), ids=lambda f: f.stem)
def test_every_label_set_that_comes_along_is_one(file):
    labels = read_labels(file.read_bytes(), file.name)
    assert {one.scp for one in labels.values()} - {""} <= set(PTBXL)


def challenge(root, source, record, dx, seed, code="SR"):
    """Write a record as the challenges do: a header that names a MATLAB file, in microvolts."""
    folder = root / source / "g1"
    folder.mkdir(parents=True, exist_ok=True)
    values = np.round(signal(code, seed) * 1000).astype(np.int16)
    savemat(folder / f"{record}.mat", {"val": values}, format="4")
    lines = [f"{record} 12 500 {values.shape[1]}"]
    lines += [f"{record}.mat 16+24 1000/mV 16 0 {row[0]} 0 0 {lead}"
              for lead, row in zip(LEADS, values, strict=True)]  # fmt: skip
    lines += ["#Age: 74", "#Sex: Female", f"#Dx: {dx}", "#Rx: Unknown", "#Hx: Unknown"]
    (folder / f"{record}.hea").write_text("\n".join(lines) + "\n")


@pytest.fixture
def challenges(tmp_path):
    root = tmp_path / "training"
    for source in ("cpsc_2018", "cpsc_2018_extra", "georgia", "chapman_shaoxing", "ningbo"):
        challenge(root, source, f"{source[0]}{source[-1]}001", "426783006,427172004", len(source))
    challenge(root, "georgia", "E00002", "164889003,59118001", 9, code="AFIB")
    # Half an hour at 257 Hz, which nobody named.
    challenge(root, "st_petersburg_incart", "I0001", "426783006", 10)
    return root


def test_the_challenges_are_read_source_by_source_by_their_snomed_codes(challenges):
    described = Described(put("cinc2021", challenges))
    assert len(described.table) == 6
    codes = dict(zip(described.table["record"], described.codes(), strict=True))
    assert codes["georgia/g1/E00002"] == ("AF", "RBBB")
    assert codes["ningbo/g1/no001"] == ("NSR", "PVC")
    data = ptbxl.load(dataset_folder(described.file))
    assert data.name == "PhysioNet/CinC 2021"
    assert set(data.table["age"]) == {74} and set(data.table["sex"]) == {"female"}
    row = data.table[[c == ("AF", "RBBB") for c in data.table["codes"]]].iloc[0]
    assert row["scp"] == ("AFIB", "CRBBB")
    ecg = ptbxl.read_record(data.root, row["record"])
    assert np.ptp(ecg.signal[1]) == pytest.approx(np.ptp(signal("AFIB", 9)[1]), rel=0.15)


def test_a_source_that_is_not_there_is_named(challenges):
    shutil.rmtree(challenges / "ningbo")
    file = put("cinc2021", challenges)
    with pytest.raises(ValueError, match="ningbo.*sources"):
        Described(file)


def test_nobody_changes_folds_when_others_come(challenges):
    def folds():
        data = ptbxl.load(dataset_folder(put("cinc2021", challenges)))
        of = Described(challenges / "cinc2021.toml").table["record"]
        return dict(zip(of, data.table["fold"], strict=True))

    before = folds()
    for n in range(6):
        challenge(challenges, "cpsc_2018", f"A000{n}", "426783006", 20 + n)
    after = folds()
    assert len(after) == 12 and len(set(after.values())) > 2
    assert {record: after[record] for record in before} == before


@pytest.fixture
def mimic(tmp_path):
    """Two patients, one with two ECGs, in MIMIC-IV-ECG's layout."""
    root = tmp_path / "mimic"
    ecgs = [(10000032, 40689238, "SR"), (10000032, 44458630, "AFIB"), (10000117, 45090959, "SR")]
    records, machine = [], []
    reports = [
        ["Sinus rhythm with PAC(s)", "Left axis deviation", "Borderline ECG"],
        ["Atrial fibrillation with rapid ventricular response", "Abnormal ECG"],
        ["Sinus rhythm.", "Normal ECG"],
    ]
    for (subject, study, code), report in zip(ecgs, reports, strict=True):
        path = f"files/p{str(subject)[:4]}/p{subject}/s{study}/{study}"
        folder = (root / path).parent
        folder.mkdir(parents=True)
        wfdb.wrsamp(
            str(study), fs=500, units=["mV"] * 12, sig_name=list(LEADS), fmt=["16"] * 12,
            p_signal=signal(code, study % 100).T, write_dir=str(folder),
        )  # fmt: skip
        time = "2180-07-23 08:44:00"
        records.append([subject, study, study, time, path])
        filled = [*report, *[""] * (18 - len(report))]
        machine.append([subject, study, 6848296, time, *filled, "0.005-150 Hz", "60 Hz", 659])
    columns = ["subject_id", "study_id", "file_name", "ecg_time", "path"]
    pd.DataFrame(records, columns=columns).to_csv(root / "record_list.csv", index=False)
    columns = ["subject_id", "study_id", "cart_id", "ecg_time", *[f"report_{n}" for n in range(18)]]
    columns += ["bandwidth", "filtering", "rr_interval"]
    pd.DataFrame(machine, columns=columns).to_csv(root / "machine_measurements.csv", index=False)
    return root


def test_mimic_iv_ecg_is_read_by_what_its_machines_say(mimic):
    described = Described(put("mimic_iv_ecg", mimic))
    assert described.codes() == [("SR", "PAC", "LAD"), ("AFIB",), ("NORM", "SR")]
    data = ptbxl.load(dataset_folder(described.file))
    assert len(data.table) == 3 and data.table["patient"].nunique() == 2
    assert data.table.groupby("patient")["fold"].nunique().eq(1).all()


def test_check_passes_mimic_and_says_which_words_are_left_out(mimic, capsys):
    assert main(["check", str(put("mimic_iv_ecg", mimic))]) == 0
    printed = capsys.readouterr().out
    assert "3 ECGs of 2 patients" in printed and "'Borderline ECG' (1)" in printed


@pytest.fixture
def code15(tmp_path):
    """Two files of CODE-15%'s layout: 400 Hz, zeros behind, an exam of another order."""
    root = tmp_path / "code"
    root.mkdir()
    labels = ["1dAVb", "RBBB", "LBBB", "SB", "ST", "AF"]
    rows, exams = [], {0: [(1169160, "AFIB"), (2873686, "NORM")], 1: [(271011, "CLBBB")]}
    for part, held in exams.items():
        tracings = np.zeros((len(held), 4096, 12), dtype=np.float32)
        for n, (exam, code) in enumerate(held):
            ecg = simulate([code], seed=exam % 100, rate=400).ecg.signal.T
            tracings[n, : len(ecg)] = ecg[:4096]
            of = {"AFIB": "AF", "CLBBB": "LBBB"}.get(code)
            cells = [str(label == of) for label in labels]
            rows.append([exam, 50 + n, "True", 51.2, *cells, 7000 + part, "", "", str(of is None),
                         f"exams_part{part}.hdf5"])  # fmt: skip
        with h5py.File(root / f"exams_part{part}.hdf5", "w") as file:
            file["exam_id"], file["tracings"] = [exam for exam, _ in held], tracings
    columns = ["exam_id", "age", "is_male", "nn_predicted_age", *labels, "patient_id", "death"]
    columns += ["timey", "normal_ecg", "trace_file"]
    pd.DataFrame(rows[::-1], columns=columns).to_csv(root / "exams.csv", index=False)
    return root


def test_code15_is_read_out_of_its_files_exam_by_exam(code15, capsys):
    file = put("code15", code15)
    assert main(["check", str(file)]) == 0
    assert "3 ECGs of 2 patients" in capsys.readouterr().out
    described = Described(file)
    assert described.codes() == [("LBBB",), ("NORM",), ("AF",)]
    data = ptbxl.load(dataset_folder(file))
    assert set(data.table["sex"]) == {"male"} and len(data.table) == 3
    for row, (exam, code) in zip(
        data.table.itertuples(), [(271011, "CLBBB"), (2873686, "NORM"), (1169160, "AFIB")],
        strict=True,
    ):  # fmt: skip
        there = simulate([code], seed=exam % 100, rate=100).ecg.signal[1]
        read = ptbxl.read_record(data.root, row.record).signal[1]
        assert np.ptp(read) == pytest.approx(np.ptp(there), rel=0.2)


def test_an_exam_that_a_file_does_not_hold_is_left_out_and_said(code15):
    table = pd.read_csv(code15 / "exams.csv", dtype=str)
    table.loc[0, "exam_id"] = "5"
    table.to_csv(code15 / "exams.csv", index=False)
    root = dataset_folder(put("code15", code15))
    left_out = json.loads((root / "dataset.json").read_text())["left_out"]
    assert left_out == {"exams_part1.hdf5:5": "exams_part1.hdf5 holds no exam 5."}


def test_super_classes_are_those_of_the_statements(simulated_root, tmp_path):
    root = shutil.copytree(simulated_root, tmp_path / "ptbxl")
    described = Described(put("ptbxl_superclasses", root))
    assert set(described.labels) == {"NORM", "MI", "STTC", "CD", "HYP"}
    classes = {"ASMI": "MI", "CLBBB": "CD", "LVH": "HYP", "NORM": "NORM", "1AVB": "CD"}
    whole = ptbxl.load(simulated_root).table["codes"]
    for codes, found in zip(whole, described.codes(), strict=True):
        assert {classes[code] for code in codes if code in classes} <= set(found)
        assert ("NORM" in found) == ("NORM" in codes)


def test_super_classes_are_trained_and_explained(simulated_root, tmp_path, tiny_config):
    from protoecg.bundle import load_bundle
    from protoecg.explain import explain

    root = shutil.copytree(simulated_root, tmp_path / "ptbxl")
    command = ["fit", "--data", put("ptbxl_superclasses", root), "--config", tiny_config]
    command += ["--out", tmp_path / "bundle", "--work", tmp_path / "work"]
    assert main([str(part) for part in command]) == 0
    bundle = load_bundle(tmp_path / "bundle")
    # What no ECG of the training folds carries is not decided; rhythm reads none of them.
    assert set(bundle.statements) <= {"NORM", "MI", "STTC", "CD", "HYP"}
    assert "rhythm" not in bundle.network.branches and "CD" in bundle.statements
    table = ptbxl.load(root).table
    findings = explain(ptbxl.read_record(root, table["record"][0]), bundle).findings
    assert {finding.code for finding in findings} == set(bundle.statements)
