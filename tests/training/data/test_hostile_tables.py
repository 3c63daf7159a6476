"""Tables of data sets that somebody hands over: used, or refused in a sentence, and never run."""

import json
import os
import shutil

import h5py
import pandas as pd
import pytest

from protoecg.ecg import ECGError
from training.data import exams, ptbxl
from training.data.dataset import TABLE, DataError, dictionary, folds_of, is_inside, stated_folds


@pytest.fixture
def folder(simulated_root, tmp_path):
    """A data set's tables, without its ECGs."""
    for name in (TABLE, "dataset.json"):
        shutil.copy(simulated_root / name, tmp_path)
    return tmp_path


def change(folder, **cells):
    """Put cells into the fourth row of the table."""
    table = pd.read_csv(folder / TABLE, dtype=str, keep_default_na=False)
    for column, cell in cells.items():
        table.loc[3, column] = cell
    table.to_csv(folder / TABLE, index=False)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("patient_id", "Smith", "in patient_id, expected a whole number"),
        ("patient_id", "1.5", "in patient_id, expected a whole number"),
        ("strat_fold", "inf", "in strat_fold, expected a whole number"),
        ("strat_fold", "1e300", "in strat_fold, expected a whole number"),
        ("scp_codes", "__import__('os').remove('x')", "in scp_codes, expected statements"),
        ("scp_codes", "[" * 100_000, "in scp_codes, expected statements"),
        ("scp_codes", "(" * 150 + ")" * 150, "in scp_codes, expected statements"),
        ("scp_codes", f"{{'NORM': {'9' * 5000}}}", "in scp_codes, expected statements"),
        ("scp_codes", "7", "in scp_codes, expected statements"),
        ("scp_codes", "{1: 100.0}", "in scp_codes, expected statements"),
        ("scp_codes", "{'NORM': 'surely'}", "in scp_codes, expected statements"),
        ("filename_lr", "../../../etc/passwd", "none in its folder"),
        ("filename_lr", "/etc/passwd", "none in its folder"),
        ("filename_lr", "records\x1b[2J", "none in its folder"),
    ],
)
def test_a_cell_that_cannot_be_is_named_and_neither_run_nor_followed(folder, column, cell, message):
    change(folder, **{column: cell})

    with pytest.raises(DataError, match=message) as refused:
        ptbxl.load(folder)

    assert len(str(refused.value)) < 500
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("column", ["ecg_id", "scp_codes", "filename_lr", "age"])
def test_a_column_that_is_missing_is_named(folder, column):
    pd.read_csv(folder / TABLE).drop(columns=column).to_csv(folder / TABLE, index=False)

    with pytest.raises(DataError, match=f"lacks the columns {column}"):
        ptbxl.load(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", os.urandom(10_000)])
def test_a_table_that_is_none_is_said_to_be_none(folder, content):
    (folder / TABLE).write_bytes(content)

    with pytest.raises(DataError, match="is no CSV in UTF-8|lacks the columns"):
        ptbxl.load(folder)


@pytest.mark.parametrize("about", ["{", "[1]", "[" * 200_000, json.dumps({"name": ["x"]})])
def test_what_a_data_set_says_of_itself_is_checked(folder, about):
    (folder / "dataset.json").write_text(about)

    with pytest.raises(DataError, match="dataset.json"):
        ptbxl.load(folder)


def test_ages_that_are_none_are_not_known(folder):
    change(folder, age="old", sex="?")

    table = ptbxl.load(folder).table

    assert pd.isna(table["age"][3]) and pd.isna(table["sex"][3])


@pytest.mark.parametrize("record", ["a/../../b", "..", "/a", "a\nb", "", " "])
def test_what_leads_out_of_a_folder_is_not_inside(record):
    assert not is_inside(record)
    assert is_inside("records100/00000/00001_lr")


def test_a_cell_holds_a_dictionary_or_none():
    assert dictionary("{'NORM': 100.0}") == {"NORM": 100.0}
    assert dictionary("{[]: 1}") is None


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"data": "X"},
        {"data": "X", "config": []},
        {"data": "X", "config": {"train_folds": "1, 2"}},
        {"data": "X", "config": {"train_folds": [1, "2"]}},
        {"data": "X", "config": {"train_folds": [[]]}},
    ],
)
def test_a_bundle_that_does_not_say_its_folds_is_refused_in_a_sentence(about):
    with pytest.raises(DataError, match="does not say its train_folds"):
        stated_folds(about, "train_folds")


def test_a_bundle_of_no_known_data_had_no_use_of_a_data_set(simulated_root):
    dataset = ptbxl.load(simulated_root)
    assert folds_of({}, dataset, "train_folds") == set()
    about = {"data": dataset.name, "config": {"train_folds": [1, 2]}}
    assert folds_of(about, dataset, "train_folds") == {1, 2}


def test_links_of_an_hdf5_file_that_lead_in_a_circle_hold_no_exam(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[exams.IDS], file["circle"] = h5py.SoftLink("/circle"), h5py.SoftLink("/circle")
        file[exams.TRACINGS] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(ECGError, match="has no `tracings`"):
        exams.cut(tmp_path / "a.h5", "1")
