"""Files that somebody hands over, of any kind: none is read without an end or a bound."""

import os
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine

from protoecg.batch import listed
from protoecg.batch.listed import paths_listed, read_listed
from protoecg.batch.rows import about
from protoecg.batch.sources import open_recordings
from protoecg.batch.table import BatchError, columns_of, recordings_done
from protoecg.prototypes.curation import read_rule
from protoecg.readers import files_of
from protoecg.storage import spreadsheet
from protoecg.storage.files import read_limited
from protoecg.storage.spreadsheet import read_csv
from review_db.ratings.imports import import_ratings
from review_db.statistics.mrmc.ratings import MOST_PAIRED, arranged, read_ratings
from review_db.studies.design import DesignError
from review_db.studies.items import case_file
from review_db.studies.items.case_file import read_cases
from training.data.description_file import read_description
from training.fit.config import read_config
from training.fit.forget import read_forgetting
from training.measure import card

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither")
BUNDLE = SimpleNamespace(name="Theirs", revision="1", statements=("AFIB",), path=Path("none"))


@pytest.fixture(params=["pipe", "device"])
def endless(request, tmp_path):
    place = tmp_path / "given"
    if request.param == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    return place


def refusal(call, path: Path) -> str:
    """What a call says, in ten seconds at most."""
    raised: list[Exception] = []

    def calls() -> None:
        try:
            call(path)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=calls, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    return str(raised[0])


def _imported(path: Path) -> None:
    # It is refused before any database is asked.
    import_ratings(create_engine("sqlite://"), path, "chicago")


@unix
@pytest.mark.parametrize(
    "call",
    [
        partial(read_limited, max_bytes=100),
        files_of,
        read_csv,
        read_rule,
        read_config,
        read_forgetting,
        read_description,
        read_cases,
        read_ratings,
        _imported,
        lambda path: card.add(BUNDLE, {"faithfulness": path}, ()),
        lambda path: read_listed(path.name, str(path.with_name("list.txt"))),
    ],
)
def test_what_has_no_end_is_no_file(endless: Path, call):
    assert "is no file" in refusal(call, endless)


@unix
@pytest.mark.parametrize("kind", ["txt", "parquet", "zip"])
def test_what_has_no_end_is_no_batch(endless: Path, kind: str):
    place = endless.rename(endless.with_suffix(f".{kind}"))
    assert "is no file" in refusal(lambda path: open_recordings(str(path), path), place)


def _parquet(folder: Path, table: dict) -> str:
    pq.write_table(pa.table(table), folder / "list.parquet", compression="zstd")
    return str(folder / "list.parquet")


def test_a_list_that_pandas_wrote_is_read(tmp_path: Path):
    pd.DataFrame({"path": ["a", "b", "a"]}).to_parquet(tmp_path / "list.parquet")
    assert paths_listed(str(tmp_path / "list.parquet")) == ("a", "b")


def test_a_list_in_parquet_names_each_path_once(tmp_path: Path):
    assert paths_listed(_parquet(tmp_path, {"path": ["b", None, "a", "b"], "n": [1, 2, 3, 4]})) == (
        "a",
        "b",
    )


def test_a_small_list_of_many_rows_takes_little_memory(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(listed, "MOST_PATHS", 1_000_000)
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_001, "int32"), ["x"])

    with pytest.raises(BatchError, match="larger than any list"):
        paths_listed(_parquet(tmp_path, {"path": rows}))


@pytest.mark.parametrize("kind", ["parquet", "txt"])
def test_a_list_names_no_path_longer_than_paths_are(tmp_path: Path, kind: str):
    text = "y" * 5_000
    if kind == "txt":
        (tmp_path / "list.txt").write_text(text)
        ecgs = str(tmp_path / "list.txt")
    else:
        ecgs = _parquet(tmp_path, {"path": [text] * 40})

    with pytest.raises(BatchError, match="more than 4,096 characters"):
        paths_listed(ecgs)


@pytest.mark.parametrize("column", [[1, 2], [[["x"]], None]])
def test_a_list_of_something_else_than_texts_is_none(tmp_path: Path, column: list):
    with pytest.raises(BatchError, match="of texts"):
        paths_listed(_parquet(tmp_path, {"path": column}))


def test_a_name_that_is_no_utf_8_can_be_written():
    assert about("\udcff.hea", BUNDLE)["file"] == r"\udcff.hea"


def test_a_file_without_lines_is_not_taken_for_a_table_that_was_cut_short(tmp_path: Path):
    notes = tmp_path / "notes.csv"
    notes.write_bytes(b"all that I know, on one line")

    with pytest.raises(BatchError, match="something else"):
        recordings_done(notes, columns_of(BUNDLE), BUNDLE)
    assert notes.read_bytes() == b"all that I know, on one line"


def test_a_table_that_was_cut_short_in_its_heading_begins_anew(tmp_path: Path):
    (tmp_path / "rows.csv").write_bytes(b"file,err")

    assert recordings_done(tmp_path / "rows.csv", columns_of(BUNDLE), BUNDLE) == set()
    assert (tmp_path / "rows.csv").read_bytes() == b""


def test_a_table_has_no_more_columns_than_pandas_takes(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_COLUMNS", 3)
    (tmp_path / "wide.csv").write_text("a,b,c,d\n1,2,3,4\n")
    (tmp_path / "open.csv").write_text('"' + "a," * 100_000)

    with pytest.raises(ValueError, match="more than 3 columns"):
        read_csv(tmp_path / "wide.csv")
    with pytest.raises(ValueError, match="no CSV"):
        read_csv(tmp_path / "open.csv")


def test_readers_are_no_more_than_can_be_paired(tmp_path: Path):
    rows = [f"R{r},c,{t},1,1" for r in range(MOST_PAIRED // 2 + 1) for t in ("with", "without")]
    (tmp_path / "many.csv").write_text("reader,case,treatment,truth,rating\n" + "\n".join(rows))

    with pytest.raises(ValueError, match="more than can be compared"):
        arranged(read_ratings(tmp_path / "many.csv"))


def test_cases_are_no_more_than_anybody_rates(tmp_path: Path, monkeypatch):
    ecg = '{"record": "r", "sha256": "%s", "statements": []}' % ("0" * 64)
    (tmp_path / "cases.json").write_text(f'{{"ecgs": [{", ".join([ecg] * 10_001)}]}}')
    with pytest.raises(DesignError, match="at most 10000"):
        read_cases(tmp_path / "cases.json")

    monkeypatch.setattr(case_file, "MAX_BYTES", 1_000)
    with pytest.raises(DesignError, match="larger than any"):
        read_cases(tmp_path / "cases.json")
