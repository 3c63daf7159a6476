"""Very many ECGs: Parquet parts by several processes, whatever ends them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from protoecg.__main__ import main
from protoecg.batch.part import explained
from protoecg.batch.parts import PART, Task, run_parts
from protoecg.batch.processes import by_processes
from protoecg.batch.sources import open_reader, open_recordings
from protoecg.batch.table import BatchError
from protoecg.explain import explain
from protoecg.measure import measure
from protoecg.readers import read_path
from protoecg.readers.given import NOTHING, Given

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def ecgs(simulated_root, tmp_path_factory) -> Path:
    """More recordings than a part holds, each in a folder of its own, and a file that is none."""
    folder = tmp_path_factory.mktemp("many") / "ecgs"
    for copy in ("a", "b"):
        shutil.copytree(simulated_root / "records100", folder / copy)
    # Enough are left for a second part, which is killed while it is made.
    for header in sorted((folder / "b").rglob("*.hea"))[60:]:
        header.unlink()
        header.with_suffix(".dat").unlink()
    (folder / "letter.pdf").write_bytes(b"%PDF-1.4")
    return folder


def task(ecgs, bundle, out) -> Task:
    return Task(str(ecgs), bundle.path, out, NOTHING)


@pytest.fixture(scope="module")
def by_two(ecgs, tiny_bundle, tmp_path_factory) -> Task:
    done = task(ecgs, tiny_bundle, tmp_path_factory.mktemp("two") / "out")
    counts = list(run_parts(done, by_processes(2)))
    assert counts[0] == (0, 181) and counts[-1] == (181, 181)
    return done


def test_rows_are_the_same_for_any_number_of_processes(by_two, ecgs, tiny_bundle, tmp_path):
    alone = task(ecgs, tiny_bundle, tmp_path / "out")
    list(run_parts(alone, by_processes(1)))
    assert pq.read_table(alone.out).equals(pq.read_table(by_two.out))
    parts = sorted(part.name for part in alone.out.glob("*.parquet"))
    assert parts == ["part-00000.parquet", "part-00001.parquet"] and 181 > PART


def test_the_parts_are_read_as_one_table_by_who_reads_parquet(by_two):
    parts = [pq.read_table(part) for part in sorted(by_two.out.glob("part-*.parquet"))]
    assert pq.read_table(by_two.out).equals(pa.concat_tables(parts))


def test_each_row_is_the_explanation_of_its_ecg_with_its_measurements(by_two, ecgs, tiny_bundle):
    table = pq.read_table(by_two.out).to_pandas().set_index("file")
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
    (had, total), *_ = run_parts(again, by_processes(1))
    # The last part holds the letter, which is tried again; the other is whole.
    assert (had, total) == (PART, 181)
    after = {p.name: p.stat().st_mtime_ns for p in again.out.glob("*.parquet")}
    assert before["part-00000.parquet"] == after["part-00000.parquet"]
    assert pq.read_table(again.out).equals(pq.read_table(by_two.out))


def test_parts_of_another_batch_are_left_alone(by_two, tmp_path, ecgs):
    other = Task(by_two.ecgs, by_two.bundle, by_two.out, Given(250.0))
    with pytest.raises(BatchError, match="another batch"):
        list(run_parts(other, by_processes(1)))


def test_no_part_with_other_columns_joins_those_of_an_older_version(by_two, tmp_path):
    again = Task(by_two.ecgs, by_two.bundle, tmp_path / "out", NOTHING)
    shutil.copytree(by_two.out, again.out)
    manifest = again.out / "_manifest.json"
    about = json.loads(manifest.read_text())
    about["columns"].remove("likely")
    manifest.write_text(json.dumps(about))
    with pytest.raises(BatchError, match="other columns"):
        list(run_parts(again, by_processes(1)))


def begun(ecgs, bundle, out, *options) -> subprocess.Popen:
    """A run of its own, as from a terminal."""
    command = ["-m", "protoecg", "batch", ecgs, "--bundle", bundle.path, "--out", out, *options]
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def below(process: int, words: str) -> list[int]:
    """Processes that a process began, and those began in turn, whose command has these words."""
    found, ones = [], [process]
    while ones:
        of = Path(f"/proc/{ones[0]}/task").glob("*/children")
        began = [int(child) for file in of for child in text_of(file).split()]
        ones = [*ones[1:], *began]
        found += [one for one in began if words in text_of(Path(f"/proc/{one}/cmdline"))]
    return found


def text_of(file: Path) -> str:
    """Read what /proc says of a process or thread: nothing once it has ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def like(found, expected) -> None:
    """Hold that rows are the same but for the last bits of probabilities."""
    pd.testing.assert_frame_equal(found, expected, atol=2e-5, check_names=False)


def wait_for(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not (come := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert come
    return come


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("moment", ["_manifest.json", "part-*.parquet"])
@pytest.mark.parametrize("victim", ["the run", "a worker"])
def test_a_run_that_is_killed_is_gone_on_with_and_no_row_is_lost_or_there_twice(
    ecgs, tiny_bundle, tmp_path, by_two, victim, moment
):
    out = tmp_path / "out"
    # One process, once there is a part: of two, the other has made the last part by then.
    run = begun(ecgs, tiny_bundle, out, "--jobs", 1 if moment.startswith("part") else 2)
    wait_for(lambda: list(out.glob(moment)))
    of = wait_for(lambda: below(run.pid, "spawn_main")) if victim == "a worker" else [run.pid]
    os.kill(of[0], signal.SIGKILL)
    _, printed = run.communicate(timeout=120)
    assert run.returncode != 0 and ("run the same again" in printed or victim == "the run")

    left = {part.name for part in out.glob("part-*.parquet")}
    command = ["batch", ecgs, "--bundle", tiny_bundle.path, "--out", out, "--jobs", "1"]
    assert main([*map(str, command)]) == 0
    assert pq.read_table(out).equals(pq.read_table(by_two.out))
    assert not list(out.glob(".part-*")) and len(left) < 2


def test_a_list_of_paths_gives_the_rows_of_its_folder(by_two, ecgs, tiny_bundle, tmp_path):
    rows = pq.read_table(by_two.out).to_pandas().set_index("file")
    chosen = [*rows.index[:3], "letter.pdf"]
    lines = [(ecgs / chosen[0]).as_uri(), str(ecgs / chosen[1]), *chosen[2:], "gone.hea"]
    beside = ecgs / "some.txt"
    beside.write_text("\n".join([*lines, ""]))
    pd.DataFrame({"path": lines}).to_parquet(ecgs / "some.parquet")
    try:
        for given in (beside, ecgs / "some.parquet", beside.as_uri()):
            out = tmp_path / given.name if isinstance(given, Path) else tmp_path / "uri"
            list(run_parts(task(given, tiny_bundle, out.with_suffix("")), by_processes(1)))
            found = pq.read_table(out.with_suffix("")).to_pandas().set_index("file")
            assert sorted(found.index) == sorted(lines)
            assert "Cannot be read: No such file" in found.loc["gone.hea", "error"]
            expected = rows.loc[chosen].set_axis(lines[:4])
            # The network sees others beside them, so that the last bits differ.
            like(found.loc[lines[:4]], expected)
    finally:
        beside.unlink()
        (ecgs / "some.parquet").unlink()


def test_object_storage_gives_the_rows_of_a_folder(by_two, ecgs, tiny_bundle, tmp_path):
    """By fsspec's storage in memory, which is this process's alone: no other process sees it."""
    storage = fsspec.filesystem("memory")
    rows = pq.read_table(by_two.out).to_pandas().set_index("file")
    chosen = [*rows.index[:2], "letter.pdf"]
    for file in (ecgs / name for name in chosen):
        for one in {file, file.with_suffix(".dat")}:
            if one.is_file():
                at = one.relative_to(ecgs).as_posix()
                storage.pipe(f"/bucket/ecgs/{at}", one.read_bytes())
    wanted = open_recordings("memory://bucket/ecgs", tmp_path)
    assert sorted(wanted) == sorted(chosen)
    table = explained(wanted, open_reader("memory://bucket/ecgs"), tiny_bundle, NOTHING)
    found = table.to_pandas().set_index("file").loc[chosen]
    like(found, rows.loc[chosen])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("none.txt", "none.txt cannot be read"),
        ("empty.txt", "names no files"),
        ("other.parquet", "no Parquet file with a column `path`"),
        ("text.parquet", "no Parquet file with a column `path`"),
        ("nothing://bucket", "cannot be read"),
    ],
)
def test_what_names_no_ecgs_is_refused_with_what_to_do(given, words, tiny_bundle, tmp_path):
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "text.parquet").write_text("a,b")
    pd.DataFrame({"other": ["a"]}).to_parquet(tmp_path / "other.parquet")
    ecgs = given if "://" in given else str(tmp_path / given)
    with pytest.raises(BatchError, match=words):
        list(run_parts(task(ecgs, tiny_bundle, tmp_path / "out"), by_processes(1)))


def test_a_table_of_one_file_is_written_by_one_process(ecgs, tiny_bundle, tmp_path, capsys):
    command = ["batch", ecgs, "--bundle", tiny_bundle.path, "--out", tmp_path / "a.csv"]
    assert main([*map(str, command), "--jobs", "2"]) == 2
    assert "name a folder" in capsys.readouterr().err
