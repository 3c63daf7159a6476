"""Very many ECGs: Parquet parts by several processes, whatever ends them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from protoecg.__main__ import main
from protoecg.batch.parts import PART, Task, read_parts, run_parts
from protoecg.batch.table import BatchError
from protoecg.explain import explain
from protoecg.measure import measure
from protoecg.readers import read_path
from protoecg.readers.given import NOTHING, Given

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ecgs(simulated_root, tmp_path_factory) -> Path:
    """More recordings than a part holds, each in a folder of its own, and a file that is none."""
    folder = tmp_path_factory.mktemp("many")
    for copy in ("a", "b"):
        shutil.copytree(simulated_root / "records100", folder / copy)
    (folder / "letter.pdf").write_bytes(b"%PDF-1.4")
    return folder


def task(ecgs, bundle, out) -> Task:
    return Task(ecgs, bundle.path, out, NOTHING)


@pytest.fixture(scope="module")
def by_two(ecgs, tiny_bundle, tmp_path_factory) -> Task:
    done = task(ecgs, tiny_bundle, tmp_path_factory.mktemp("two") / "out")
    counts = list(run_parts(done, 2))
    assert counts[0] == (0, 241) and counts[-1] == (241, 241)
    return done


def test_rows_are_the_same_for_any_number_of_processes(by_two, ecgs, tiny_bundle, tmp_path):
    alone = task(ecgs, tiny_bundle, tmp_path / "out")
    list(run_parts(alone, 1))
    assert read_parts(alone.out).equals(read_parts(by_two.out))
    parts = sorted(part.name for part in alone.out.glob("*.parquet"))
    assert parts == ["part-00000.parquet", "part-00001.parquet"] and 241 > PART


def test_each_row_is_the_explanation_of_its_ecg_with_its_measurements(by_two, ecgs, tiny_bundle):
    table = read_parts(by_two.out).to_pandas().set_index("file")
    name = next(name for name in table.index if name.endswith(".hea"))
    ecg = read_path(ecgs / name)
    for finding in explain(ecg, tiny_bundle).findings:
        assert table.loc[name, finding.code] == pytest.approx(finding.probability, abs=2e-5)
    measured = measure(ecg)
    assert table.loc[name, "heart_rate_bpm"] == pytest.approx(measured.heart_rate_bpm)
    called = [match.split()[0] for match in table.loc[name, "matches"]]
    assert set(called) <= set(table.loc[name, "likely"].split())
    assert "PDF" in table.loc["letter.pdf", "error"] and pd.isna(table.loc["letter.pdf", "likely"])


def test_a_second_run_makes_but_what_failed_again(by_two, tmp_path):
    again = Task(by_two.ecgs, by_two.bundle, tmp_path / "out", NOTHING)
    shutil.copytree(by_two.out, again.out)
    before = {p.name: p.stat().st_mtime_ns for p in again.out.glob("*.parquet")}
    (had, total), *_ = run_parts(again, 1)
    # The last part holds the letter, which is tried again; the other is whole.
    assert (had, total) == (PART, 241)
    after = {p.name: p.stat().st_mtime_ns for p in again.out.glob("*.parquet")}
    assert before["part-00000.parquet"] == after["part-00000.parquet"]
    assert read_parts(again.out).equals(read_parts(by_two.out))


def test_parts_of_another_batch_are_left_alone(by_two, tmp_path, ecgs):
    other = Task(by_two.ecgs, by_two.bundle, by_two.out, Given(250.0))
    with pytest.raises(BatchError, match="another batch"):
        list(run_parts(other, 1))


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_run_that_is_killed_is_gone_on_with_and_no_row_is_lost_or_there_twice(
    ecgs, tiny_bundle, tmp_path, by_two
):
    out = tmp_path / "out"
    command = ["-m", "protoecg", "batch", ecgs, "--bundle", tiny_bundle.path, "--out", out]
    run = subprocess.Popen(
        [sys.executable, *map(str, command), "--jobs", "2"], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list(out.glob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()

    assert main(["batch", *map(str, command[3:]), "--jobs", "1"]) == 0
    assert read_parts(out).equals(read_parts(by_two.out))
    assert not list(out.glob(".part-*"))


def test_a_table_of_one_file_is_written_by_one_process(ecgs, tiny_bundle, tmp_path, capsys):
    command = ["batch", ecgs, "--bundle", tiny_bundle.path, "--out", tmp_path / "a.csv"]
    assert main([*map(str, command), "--jobs", "2"]) == 2
    assert "name a folder" in capsys.readouterr().err
