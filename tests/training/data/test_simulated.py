import ast
import json

import numpy as np
import pandas as pd
import pytest
import wfdb

from protoecg.ecg import ECG
from protoecg.simulate import CODES
from training.data.simulated import write_dataset

N = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "set"
    write_dataset(folder, N, seed=7)
    return folder


@pytest.fixture(scope="module")
def database(folder):
    return pd.read_csv(folder / "ptbxl_database.csv", index_col="ecg_id")


def statements(database):
    return database.scp_codes.map(ast.literal_eval)


def test_a_data_set_says_that_it_is_simulated(folder):
    about = json.loads((folder / "dataset.json").read_text())
    named = {"name": "Simulated ECGs", "simulated": True, "licence": "MIT"}
    assert about == {**named, "seed": 7, "n": N}


def test_each_row_has_its_record_as_ptbxl_writes_them(folder, database):
    assert list(database.index) == list(range(1, N + 1))
    for name in database.filename_lr[::29]:
        record = wfdb.rdrecord(str(folder / name), physical=False)
        assert (record.fs, record.sig_len, set(record.fmt)) == (100, 1000, {"16"})
        assert record.sig_name == "I II III AVR AVL AVF V1 V2 V3 V4 V5 V6".split()
        assert set(record.adc_gain) == {1000.0} and set(record.units) == {"mV"}
        assert record.checksum == record.calc_checksum()
        assert record.init_value == list(record.d_signal[0])


def test_records_are_plausible_ecgs_in_millivolts(folder, database):
    for name in database.filename_lr[::29]:
        record = wfdb.rdrecord(str(folder / name))
        ecg = ECG.from_leads(record.p_signal.T, record.sig_name, record.fs)
        assert ecg.notes == ()
        assert 0.3 < np.ptp(ecg.signal, axis=1).max() < 10


def test_rows_hold_what_training_reads(database):
    assert set(database.strat_fold) == set(range(1, 11))
    assert set(database.sex) == {0, 1}
    assert database.age.between(18, 95).all()
    assert {code for codes in statements(database) for code in codes} <= set(CODES)


def test_every_frequent_statement_reaches_training_validation_and_test(database):
    codes = statements(database)
    for code in ("NORM", "AFIB", "PVC", "SR"):
        folds = set(database.strat_fold[codes.map(lambda found, code=code: code in found)])
        assert {9, 10} <= folds and folds & set(range(1, 9))


def test_some_patients_have_two_ecgs_which_share_fold_age_sex_and_differ(folder, database):
    twice = database[database.duplicated("patient_id", keep=False)]
    assert 0.05 * N < len(twice) < 0.4 * N
    for _, ecgs in twice.groupby("patient_id"):
        assert len(ecgs) == 2
        assert len(ecgs[["strat_fold", "age", "sex"]].drop_duplicates()) == 1
        first, second = ((folder / f"{name}.dat").read_bytes() for name in ecgs.filename_lr)
        assert first != second


def test_events_belong_to_the_ecgs_and_their_statements(folder, database):
    events = pd.read_csv(folder / "events.csv")
    assert list(events.columns) == ["ecg_id", "kind", "onset_s", "offset_s"]
    assert set(events.ecg_id) == set(database.index)
    assert ((events.onset_s >= 0) & (events.onset_s < events.offset_s)).all()
    assert (events.offset_s <= 10).all()
    codes = statements(database)
    for kind, code in {"PVC": "PVC", "f waves": "AFIB", "pacing spike": "PACE"}.items():
        assert set(events.ecg_id[events.kind == kind]) == {
            i for i in codes.index if code in codes[i]
        }


def test_the_same_seed_gives_the_same_files_and_another_one_does_not(tmp_path):
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        write_dataset(tmp_path / name, 5, seed=seed)

    def contents(name):
        root = tmp_path / name
        return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    assert contents("a") == contents("b")
    assert contents("a") != contents("c")


def test_an_existing_data_set_is_not_overwritten(folder):
    with pytest.raises(FileExistsError, match="already holds a data set"):
        write_dataset(folder, 1, seed=0)
