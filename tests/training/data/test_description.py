import json
import shutil
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import wfdb

from protoecg.bundle import load_bundle
from protoecg.ecg import LEADS
from protoecg.explain import explain
from protoecg.readers import read_path
from protoecg.simulate import simulate
from review_db import open_database
from review_db.findings.export import study_files
from review_db.questions.catalogue import STUDY_QUESTIONS
from review_db.sessions.progress import next_open
from review_db.sessions.sessions import open_item, save_item
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.running import close_study
from review_db.studies.seats import sign_in
from training.__main__ import main
from training.data import ptbxl
from training.data.convert import dataset_folder
from training.data.dataset import DataError
from training.data.description import Described

LABELS = """code,words,branch,kind,critical,leads,scp
426783006,sinus rhythm,rhythm,rhythm,,,SR
164889003,atrial fibrillation,rhythm,rhythm,,,AFIB
PVB,premature ventricular beat,morphology,,yes,V1 V2,PVC
"""
TOML = """
name = "A hospital"
licence = "none"
records = "ecgs"
labels = "labels.csv"

[columns]
age = "Age"
sex = "Sex"
patient = "Patient"

[split]
folds = 10

[statements]
lists = ["Dx"]

[statements.map]
"426783006" = "426783006"
"164889003" = "164889003"
"17338001" = "PVB"
"""
SNOMED = {"SR": "426783006", "AFIB": "164889003", "PVC": "17338001"}


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """120 ECGs at 500 Hz with SNOMED codes in their headers, two a patient."""
    root = tmp_path_factory.mktemp("hospital")
    (root / "ecgs").mkdir()
    for n in range(120):
        codes = [["SR"], ["AFIB"], ["SR", "PVC"]][n % 3]
        signal = simulate(codes, seed=n, rate=250).ecg.signal
        comments = [
            f"Age: {30 + n % 50}",
            f"Sex: {'Male' if n % 2 else 'Female'}",
            f"Patient: P{n // 2}",
            f"Dx: {','.join([*(SNOMED[code] for code in codes), '999'])}",
        ]
        wfdb.wrsamp(
            f"h{n:03d}", fs=250, units=["mV"] * 12, sig_name=list(LEADS), p_signal=signal.T,
            fmt=["16"] * 12, comments=comments, write_dir=str(root / "ecgs"),
        )  # fmt: skip
    (root / "labels.csv").write_text(LABELS)
    (root / "hospital.toml").write_text(TOML)
    return root


@pytest.fixture
def copy(described, tmp_path, monkeypatch):
    monkeypatch.setenv("PROTOECG_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(described, tmp_path / "hospital")


def test_statements_in_headers_become_codes_of_the_label_set(copy):
    found = Described(copy / "hospital.toml")
    assert found.codes()[:3] == [
        ("426783006",),
        ("164889003",),
        ("426783006", "PVB"),
    ]


def test_a_described_data_set_is_read_as_ptbxl_is_with_its_own_labels(copy):
    data = ptbxl.load(dataset_folder(copy / "hospital.toml"))
    assert data.name == "A hospital" and len(data.table) == 120
    assert data.statements == ("426783006", "164889003", "PVB")
    assert data.table["scp"][2] == ("PVC", "SR") and data.table["findings"][2] == ("PVB",)
    assert data.table["age"][3] == 33 and list(data.table["sex"][:2]) == ["female", "male"]
    # All ECGs of a patient are in one fold.
    assert (data.table.groupby("patient")["fold"].nunique() == 1).all()
    ecg = ptbxl.read_record(data.root, data.table["record"][0])
    there = simulate(["SR"], seed=0, rate=250).ecg.signal
    assert ecg.rate == 100 and ecg.signal.shape == (12, 1000)
    # Within the waves, between the two ways of sampling.
    assert np.corrcoef(ecg.signal[1], there[1, ::2][:1250][: len(ecg.signal[1])])[0, 1] < 1
    assert np.ptp(ecg.signal[1]) == pytest.approx(np.ptp(there[1]), rel=0.15)


def test_what_cannot_be_read_is_left_out_and_said(copy):
    (copy / "ecgs" / "h004.dat").write_bytes(b"short")
    root = dataset_folder(copy / "hospital.toml")
    assert len(ptbxl.load(root).table) == 119
    assert list(json.loads((root / "dataset.json").read_text())["left_out"]) == ["h004"]


def test_another_description_is_another_folder_and_the_same_is_made_once(copy):
    first = dataset_folder(copy / "hospital.toml")
    assert dataset_folder(copy / "hospital.toml") == first
    (copy / "hospital.toml").write_text(TOML.replace("folds = 10", "folds = 5"))
    assert dataset_folder(copy / "hospital.toml") != first


def test_check_says_what_is_wrong_before_an_hour_is_spent(copy, capsys):
    (copy / "ecgs" / "h004.dat").write_bytes(b"short")
    shutil.copy(copy / "ecgs" / "h007.dat", copy / "ecgs" / "h010.dat")
    header = (copy / "ecgs" / "h007.hea").read_text().replace("h007", "h010")
    (copy / "ecgs" / "h010.hea").write_text(header)
    assert main(["check", str(copy / "hospital.toml")]) == 1
    printed = capsys.readouterr()
    assert "120 ECGs of 60 patients" in printed.out
    assert "1 of 120 ECGs cannot be read, such as h004" in printed.out
    assert "there under several names: h007, h010" in printed.out
    assert "1 values stand for no statement and are left out: '999' (120)" in printed.out
    assert "2 errors" in printed.err


def test_a_sound_data_set_passes(copy, capsys):
    assert main(["check", str(copy / "hospital.toml"), "--read", "20"]) == 0
    assert "error" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"17338001" = "PVB"', '"17338001" = "NOPE"', "maps to NOPE"),
        ('lists = ["Dx"]', 'lists = ["Diagnosis"]', "names the columns Diagnosis"),
        ('lists = ["Dx"]', "", "names no columns of statements"),
        ('licence = "none"', "", "licence"),
        ('licence = "none"', 'licence = "none"\nshoe = 3', "shoe"),
        ('records = "ecgs"', 'records = "nowhere"', "no WFDB header"),
        ('labels = "labels.csv"', 'labels = "none.csv"', "cannot be read"),
        ("[columns]", "[columns", "no TOML"),
        ("[columns]", "[given]\nunit = 'mmHg'\n[columns]", "given: The unit that was given is no"),
        ("[columns]", "[given]\nrate = -1.0\n[columns]", "given.rate"),
    ],
)
def test_a_description_that_cannot_be_is_refused_in_a_sentence(copy, old, new, message):
    (copy / "hospital.toml").write_text(TOML.replace(old, new))
    with pytest.raises(DataError, match=message):
        dataset_folder(copy / "hospital.toml")


def test_tables_are_joined_and_a_column_a_statement_is_read(tmp_path):
    (tmp_path / "a.csv").write_text("id,record,person\n1,x,7\n2,y,8\n")
    (tmp_path / "b.csv").write_text("id,AFIB,SR\n2,1,0\n1,False,True\n")
    (tmp_path / "d.toml").write_text(
        'name = "D"\nlicence = "none"\ntables = ["a.csv", "b.csv"]\non = "id"\n'
        '[columns]\npatient = "person"\n[statements]\neach = ["AFIB", "SR"]\n'
    )
    assert Described(tmp_path / "d.toml").codes() == [("SR",), ("AFIB",)]


def test_another_label_set_is_checked_trained_explained_and_rated(
    copy, tmp_path, tiny_config, capsys, monkeypatch
):
    toml, out = copy / "hospital.toml", tmp_path / "models" / "hospital"
    monkeypatch.setenv("PROTOECG_MODELS", str(out.parent))
    assert main(["check", str(toml), "--read", "20"]) == 0
    command = ["fit", "--data", toml, "--config", tiny_config, "--out", out]
    assert main([str(part) for part in [*command, "--work", tmp_path / "work"]]) == 0
    bundle = load_bundle(out)
    assert set(bundle.statements) == {"426783006", "164889003", "PVB"}
    assert bundle.labels["PVB"].critical
    found = explain(read_path(copy / "ecgs" / "h002.hea"), bundle).to_json()["findings"]
    assert {finding["code"] for finding in found} == set(bundle.statements)
    labelled = explain(read_path(copy / "ecgs" / "h002.hea"), bundle).findings
    names = {finding.code: finding.statement.named for finding in labelled}
    assert names["PVB"] == "Premature ventricular beat (PVB)"

    engine = open_database(f"sqlite:///{tmp_path}/ratings.db")
    _rate(engine, out)
    answers = pd.read_csv(BytesIO(study_files(engine, "session")["answers_wide.csv"]), dtype=str)
    engine.dispose()
    assert set(answers["prototype"]) <= {prototype.name for prototype in bundle.prototypes}
    assert set(answers["statement"]) <= set(bundle.statements)
    assert set(answers["accurate"]) == {"yes"} and answers["prototype"].nunique() == 3


def _rate(engine, folder):
    """Rate three prototypes of a bundle in a study."""
    design = Design(
        "session", ("R01",), 1, repeats=0, practice=0, two_stages=False, summaries=False,
        sample=Sample(size=3, stratify="statement"),
    )  # fmt: skip
    create_study(engine, design, bundle_material(folder))
    seat = sign_in(engine, start_study(engine, "session")["R01"])
    while (at := next_open(engine, seat)) is not None:
        item = open_item(engine, seat, at)
        answers = {key: STUDY_QUESTIONS[key].options[0] for key in item.required}
        save_item(engine, seat, at, answers, seen=item.revision)
    close_study(engine, "session", actor="coordinator")


def test_what_files_do_not_say_stands_in_the_description(tmp_path, monkeypatch):
    """CSV files in whole microvolts without rate, unit or names, as Chapman's first release."""
    monkeypatch.setenv("PROTOECG_CACHE", str(tmp_path / "cache"))
    order = ["V1", "V2", "V3", "V4", "V5", "V6", "I", "II", "III", "aVR", "aVL", "aVF"]
    ecg = simulate(["AFIB"], seed=3, rate=250).ecg
    rows = np.round(1000 * ecg.signal[[LEADS.index(lead) for lead in order]]).astype(int)
    np.savetxt(tmp_path / "m.csv", rows.T, "%d", ",")
    (tmp_path / "table.csv").write_text("record,rhythm\nm.csv,AFIB\n")
    (tmp_path / "d.toml").write_text(
        'name = "D"\nlicence = "none"\ntables = ["table.csv"]\n[statements]\nlists = ["rhythm"]\n'
        f'[given]\nrate = 250.0\nunit = "uV"\nleads = {json.dumps(order)}\n'
    )
    read = Described(tmp_path / "d.toml").read(0)
    np.testing.assert_allclose(read.signal, ecg.signal, atol=6e-4)
    assert read.rate == 250 and ptbxl.load(dataset_folder(tmp_path / "d.toml")).name == "D"
