import csv
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest

from protoecg.__main__ import main
from protoecg.batch.run import forget_failures, run
from protoecg.batch.sources import archive_files, open_files, recordings
from protoecg.batch.table import ABOUT, BatchError, read_rows
from protoecg.ecg import ECGError
from protoecg.explain import explain
from protoecg.readers import read_ecg, read_path, zip_format
from protoecg.readers.given import Given
from protoecg.simulate import simulate
from protoecg.storage.spreadsheet import plain

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(simulated_root, tmp_path) -> Path:
    """Two WFDB records, an array with a formula for a name, and a file that is no ECG."""
    folder = tmp_path / "ecgs"
    (folder / "below").mkdir(parents=True)
    for header in sorted((simulated_root / "records100").rglob("*.hea"))[:2]:
        for file in (header, header.with_suffix(".dat")):
            (folder / "below" / file.name).write_bytes(file.read_bytes())
    np.save(folder / "=1+1.npy", simulate(["AFIB"], seed=1, rate=500).ecg.signal)
    (folder / "letter.pdf").write_bytes(b"%PDF-1.4")
    (folder / ".hidden").write_bytes(b"")
    return folder


def batch(ecgs: Path, bundle, out: Path) -> int:
    command = ["batch", ecgs, "--bundle", bundle.path, "--rate", 500, "--out", out]
    return main([str(a) for a in command])


def rows(out: Path) -> list[dict[str, str]]:
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["out.xlsx", "out.TSV", "out.json"])
def test_an_ending_of_another_table_is_refused_and_makes_no_folder(
    name, folder, tiny_bundle, tmp_path, capsys
):
    assert batch(folder, tiny_bundle, tmp_path / name) == 2
    assert "written as .csv or .parquet" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / name).exists()


def test_each_ecg_has_one_row_with_the_probabilities_of_its_explanation(
    folder, tiny_bundle, tmp_path
):
    assert batch(folder, tiny_bundle, tmp_path / "out.csv") == 0

    table = rows(tmp_path / "out.csv")
    assert list(table[0]) == [*ABOUT, *tiny_bundle.statements]
    assert len(table) == 4
    row = next(row for row in table if row["file"].startswith("below/"))
    explanation = explain(read_path(folder / row["file"]), tiny_bundle)
    for finding in explanation.findings:
        assert float(row[finding.code]) == pytest.approx(finding.probability, abs=1e-6)
    for certainty in ("likely", "possible"):
        codes = [f.code for f in explanation.findings if f.certainty == certainty]
        assert row[certainty].split() == codes
    assert row["error"] == ""


def test_a_file_that_is_no_ecg_has_its_error_and_stops_nothing(folder, tiny_bundle, tmp_path):
    batch(folder, tiny_bundle, tmp_path / "out.csv")

    bad = {row["file"]: row for row in rows(tmp_path / "out.csv") if row["error"]}
    assert list(bad) == ["letter.pdf"]
    assert "a PDF" in bad["letter.pdf"]["error"]
    assert not any(bad["letter.pdf"][code] for code in tiny_bundle.statements)


def test_no_cell_runs_as_a_formula(folder, tiny_bundle, tmp_path):
    batch(folder, tiny_bundle, tmp_path / "out.csv")

    cells = [cell for row in rows(tmp_path / "out.csv") for cell in row.values()]
    assert "'=1+1.npy" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_the_files_of_a_record_may_differ_in_case(folder, tiny_bundle, tmp_path):
    header, *_ = sorted((folder / "below").glob("*.hea"))
    for name in ("UPPER.HEA", "lower.hea", "Mixed.hea"):
        (tmp_path / "any" / name[:-4]).mkdir(parents=True)
        (tmp_path / "any" / name[:-4] / name).write_bytes(header.read_bytes())
        signal = tmp_path / "any" / name[:-4] / f"{header.stem.upper()}.DAT"
        signal.write_bytes(header.with_suffix(".dat").read_bytes())
    assert batch(tmp_path / "any", tiny_bundle, tmp_path / "out.csv") == 0
    found = {row["file"]: row["error"] for row in rows(tmp_path / "out.csv")}
    assert found == {"Mixed/Mixed.hea": "", "UPPER/UPPER.HEA": "", "lower/lower.hea": ""}


def test_a_file_of_another_folder_is_not_taken_for_a_record_s(folder):
    header, *_ = sorted((folder / "below").glob("*.hea"))
    (folder / "Below").mkdir()
    header.with_suffix(".dat").rename(folder / "Below" / f"{header.stem}.dat")
    found = recordings(open_files(folder, folder / "out.csv"))
    assert found[f"below/{header.name}"] == (f"below/{header.name}",)


def test_an_archive_gives_the_table_of_its_folder(folder, tiny_bundle, tmp_path):
    with zipfile.ZipFile(tmp_path / "ecgs.zip", "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))

    for ecgs in (folder, tmp_path / "ecgs.zip"):
        assert batch(ecgs, tiny_bundle, tmp_path / f"{ecgs.name}.csv") == 0

    tables = [tmp_path / "ecgs.csv", tmp_path / "ecgs.zip.csv"]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_what_could_not_be_read_is_tried_again(folder, tiny_bundle, tmp_path):
    out = tmp_path / "out.csv"
    batch(folder, tiny_bundle, out)
    before = out.read_bytes()
    mended = simulate(["SR"], seed=2, rate=500).ecg.signal
    (folder / "letter.pdf").unlink()
    np.save(folder / "another.npy", mended)
    np.save(folder / "letter.npy", mended)
    (folder / "letter.npy").rename(folder / "letter.pdf")

    assert batch(folder, tiny_bundle, out) == 0
    assert out.read_bytes().startswith(before[: before.index(b"\r\nletter.pdf") + 2])
    assert [row["file"] for row in rows(out)].count("letter.pdf") == 1
    assert len(rows(out)) == 5 and not list(tmp_path.glob(".*.part"))


def test_without_a_rate_and_then_with_it(folder, tiny_bundle, tmp_path):
    out = tmp_path / "out.csv"
    command = [str(a) for a in ("batch", folder, "--bundle", tiny_bundle.path, "--out", out)]
    main(command)
    assert "Give the rate" in {row["file"]: row["error"] for row in rows(out)}["'=1+1.npy"]
    main([*command, "--rate", "500"])
    assert {row["file"]: row["error"] for row in rows(out)}["'=1+1.npy"] == ""


def test_a_run_that_goes_on_keeps_the_order_of_the_recordings(folder, tiny_bundle, tmp_path):
    """The page finds the ECG of a row by its place."""
    (folder / "letter.pdf").rename(folder / "+letter.pdf")
    files, out = open_files(folder, tmp_path / "out.csv"), tmp_path / "out.csv"
    steps = run(files, tiny_bundle, out, given=Given(500))
    for _ in range(3):
        next(steps)
    steps.close()

    list(run(files, tiny_bundle, out, given=Given(500)))
    assert [plain(row["file"]) for row in rows(out)] == list(recordings(files))
    assert rows(out)[0]["error"]


def test_what_failed_elsewhere_stays_and_so_does_who_may_read_it(folder, tiny_bundle, tmp_path):
    out, other = tmp_path / "out.csv", tmp_path / "other"
    other.mkdir()
    (other / "note.pdf").write_bytes(b"%PDF-1.4")
    assert batch(other, tiny_bundle, out) == batch(folder, tiny_bundle, out) == 0
    out.chmod(0o600)

    forget_failures(open_files(folder, out), tiny_bundle, out)
    assert [row["file"] for row in rows(out) if row["error"]] == ["note.pdf"]
    assert len(rows(out)) == 4 and out.stat().st_mode & 0o777 == 0o600


def test_a_killed_change_of_the_table_leaves_that_of_before(
    folder, tiny_bundle, tmp_path, monkeypatch
):
    out = tmp_path / "out.csv"
    batch(folder, tiny_bundle, out)
    before = out.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            forget_failures(open_files(folder, out), tiny_bundle, out)
    assert out.read_bytes() == before

    assert batch(folder, tiny_bundle, out) == 0
    assert out.read_bytes() == before and not list(tmp_path.glob(".*"))


def killed(*_):
    raise KeyboardInterrupt


def test_nothing_is_forgotten_while_a_run_writes(folder, tiny_bundle, tmp_path):
    files, out = open_files(folder, tmp_path / "out.csv"), tmp_path / "out.csv"
    steps = run(files, tiny_bundle, out, given=Given(500))
    next(steps)
    with pytest.raises(BatchError, match="Another run is writing"):
        forget_failures(files, tiny_bundle, out)
    steps.close()


def test_a_run_does_not_write_to_a_table_that_was_replaced_as_it_began(
    folder, tiny_bundle, tmp_path, monkeypatch
):
    import fcntl

    out, lock = tmp_path / "out.csv", fcntl.flock
    batch(folder, tiny_bundle, out)

    def replaced_before(file, how):
        (tmp_path / "new").write_bytes(out.read_bytes())
        (tmp_path / "new").replace(out)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", replaced_before)
    with pytest.raises(BatchError, match="Another run is writing"):
        next(run(open_files(folder, out), tiny_bundle, out, given=Given(500)))


def test_a_run_that_ended_at_any_byte_goes_on_to_the_same_table(folder, tiny_bundle, tmp_path):
    out = tmp_path / "out.csv"
    batch(folder, tiny_bundle, out)
    whole = out.read_bytes()

    for end in (0, 3, len(whole) // 2, len(whole) - 1, len(whole)):
        out.write_bytes(whole[:end])
        assert batch(folder, tiny_bundle, out) == 0
        assert out.read_bytes() == whole


def test_the_table_may_lie_among_the_ecgs(folder, tiny_bundle):
    out = folder / "out.csv"
    for _ in range(2):
        assert batch(folder, tiny_bundle, out) == 0
        assert len(rows(out)) == 4


def test_a_killed_run_keeps_its_rows_and_does_only_the_rest(tiny_bundle, simulated_root, tmp_path):
    ecgs, out = simulated_root / "records100", tmp_path / "out.csv"
    command = ["batch", ecgs, "--bundle", tiny_bundle.path, "--out", out]
    process = subprocess.Popen(
        [sys.executable, "-m", "protoecg", *map(str, command)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (out.exists() and out.read_bytes().count(b"\n") > 5):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = out.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]

    assert main([str(a) for a in command]) == 0

    assert out.read_bytes().startswith(kept)
    names = [row["file"] for row in rows(out)]
    assert len(names) == len(set(names)) == len(list(ecgs.rglob("*.hea")))


def test_a_table_of_something_else_is_left_as_it_is(folder, tiny_bundle, tmp_path, capsys):
    out = tmp_path / "mine.csv"
    out.write_text("a,b\n1,2\n", encoding="utf-8")

    assert batch(folder, tiny_bundle, out) == 1
    assert "Name another file" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "a,b\n1,2\n"


@pytest.mark.parametrize("name", ["nowhere", "text.zip", "empty"])
def test_what_holds_no_ecgs_gets_one_line(name, tiny_bundle, tmp_path, capsys):
    (tmp_path / "text.zip").write_text("no archive")
    (tmp_path / "empty").mkdir()

    assert batch(tmp_path / name, tiny_bundle, tmp_path / "out.csv") == 1
    assert len(capsys.readouterr().err.strip().split("\n")) == 1


def test_parquet_holds_the_rows_of_the_csv_with_numbers_and_names_as_they_are(
    folder, tiny_bundle, tmp_path
):
    assert batch(folder, tiny_bundle, tmp_path / "a.csv") == 0
    assert batch(folder, tiny_bundle, tmp_path / "b.parquet") == 0

    table, lines = pd.read_parquet(tmp_path / "b.parquet"), rows(tmp_path / "a.csv")
    assert list(table) == list(lines[0]) and len(table) == len(lines)
    assert "=1+1.npy" in set(table["file"])
    for (_, row), line in zip(table.iterrows(), lines, strict=True):
        assert [row[name] for name in ABOUT[1:]] == [line[name] for name in ABOUT[1:]]
        for code in tiny_bundle.statements:
            assert np.isnan(row[code]) if line[code] == "" else row[code] == float(line[code])
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_parquet_is_written_whole_at_the_end_and_goes_on_after_a_kill(
    folder, tiny_bundle, tmp_path
):
    out = tmp_path / "out.parquet"
    steps = run(open_files(folder, out), tiny_bundle, out, given=Given(500))
    for _ in range(3):
        had, _ = next(steps)
    steps.close()
    assert had == 2 and not out.exists()

    assert batch(folder, tiny_bundle, out) == 0
    assert len(pd.read_parquet(out)) == 4
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == [
        "out.csv",
        "out.parquet",
    ]


def test_parquet_and_its_rows_may_lie_among_the_ecgs(folder, tiny_bundle):
    for _ in range(2):
        assert batch(folder, tiny_bundle, folder / "out.parquet") == 0
        assert len(pd.read_parquet(folder / "out.parquet")) == 4


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_second_run_on_one_table_is_refused_and_changes_nothing(
    name, folder, tiny_bundle, tmp_path, capsys
):
    out = tmp_path / name
    first = run(open_files(folder, out), tiny_bundle, out, given=Given(500))
    for _ in range(3):
        next(first)
    kept = (tmp_path / "out.csv").read_bytes()

    assert batch(folder, tiny_bundle, tmp_path / "out.csv") == 1
    assert "Another run is writing" in capsys.readouterr().err
    assert (tmp_path / "out.csv").read_bytes() == kept

    assert list(first)[-1] == (4, 4)
    assert batch(folder, tiny_bundle, out) == 0
    assert len(rows(tmp_path / "out.csv")) == 4


def test_a_row_that_is_being_written_is_not_read(folder, tiny_bundle, tmp_path):
    out = tmp_path / "out.csv"
    batch(folder, tiny_bundle, out)
    whole = out.read_bytes()

    for end in range(whole.index(b"\n") + 1, len(whole), 97):
        out.write_bytes(whole[:end])
        assert len(read_rows(out.read_bytes())) == whole[:end].count(b"\n") - 1


def test_a_defect_that_one_file_meets_costs_no_other_its_row(
    folder, tiny_bundle, tmp_path, monkeypatch, caplog
):
    defects = iter([IndexError("Jane Doe")])

    def broken(*asked):
        for defect in defects:
            raise defect
        return explain(*asked)

    monkeypatch.setattr("protoecg.batch.run.explain", broken)
    assert batch(folder, tiny_bundle, tmp_path / "out.csv") == 0

    errors = [row["error"] for row in rows(tmp_path / "out.csv") if "defect" in row["error"]]
    (number,) = re.findall("report the number ([0-9A-F]{8})", errors[0])
    assert len(errors) == 1 and len(rows(tmp_path / "out.csv")) == 4
    assert number in caplog.text and "IndexError at" in caplog.text and "Jane" not in caplog.text


def packed(files: dict[str, bytes]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


def encrypted(content: bytes) -> bytes:
    """Set the flags by which an archive's only file says that it is encrypted."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n", "no ZIP archive"),
        (b"PK\x03\x04 nothing", "damaged ZIP archive"),
        (packed({}), "holds no files"),
        (packed({"__MACOSX/a.npy": b"", ".b": b""}), "holds no files"),
        (packed({"[Content_Types].xml": b""}), "Excel or Word"),
        (packed({f"{n}.csv": b"" for n in range(6)}), "more than 5 files. Make several"),
        (packed({f"{n:0400}.csv": b"" for n in range(6)}), "more than 5 files"),
    ],
)
def test_an_upload_that_is_no_archive_of_ecgs_is_refused_in_the_readers_words(
    content, message, monkeypatch
):
    monkeypatch.setattr("protoecg.batch.sources.MAX_ARCHIVE_FILES", 5)
    with pytest.raises(ECGError, match="The upload") as refused:
        archive_files(content, "The upload")
    assert message in str(refused.value)


def test_two_files_of_one_name_in_an_upload_are_refused():
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a/1.csv", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a/1.csv", b"")
    with pytest.raises(ECGError, match="several files of one name"):
        archive_files(content.getvalue(), "x.zip")


def test_an_encrypted_file_of_an_upload_has_its_error(tiny_bundle, tmp_path):
    files = archive_files(encrypted(packed({"a.npy": b"1"})), "The upload")
    assert list(run(files, tiny_bundle, tmp_path / "out.csv"))[-1] == (1, 1)
    (row,) = rows(tmp_path / "out.csv")
    assert "encrypted" in row["error"] and "without a password" in row["error"]


def test_no_more_of_an_upload_is_unpacked_than_is_read_anyway(monkeypatch):
    monkeypatch.setattr("protoecg.batch.sources.MAX_UNPACKED", 1000)
    files = archive_files(packed({f"{n}.npy": bytes(600) for n in range(3)}), "The upload")
    assert [len(files.read(name)) for name in ("0.npy", "1.npy")] == [600, 600]
    with pytest.raises(ECGError, match="unpacks to more than"):
        files.read("2.npy")
    assert len(files.read("0.npy")) == 600


def understated(content: bytes, size: int) -> bytes:
    """Have an archive's directory announce `size` bytes for each file, however large."""
    parts = content.split(b"PK\x01\x02")
    entries = [p[:20] + size.to_bytes(4, "little") + p[24:] for p in parts[1:]]
    return b"PK\x01\x02".join([parts[0], *entries])


def test_archives_within_an_upload_are_counted_in(monkeypatch, tiny_bundle, tmp_path):
    """A few kilobytes of 30 archives would unpack to 300 MB, in 480 files."""
    inner = packed({f"{n}.csv": bytes(625_000) for n in range(16)})
    bomb = packed({f"{n:02}.zip": inner for n in range(30)})
    assert len(bomb) < 300_000
    for limit, value, read in (("MAX_UNPACKED", 45_000_000, 5), ("MAX_FILES", 100, 6)):
        with monkeypatch.context() as patch:
            patch.setattr(f"protoecg.batch.sources.{limit}", value)
            files = archive_files(bomb, "The upload")
            out = tmp_path / f"{limit}.csv"
            list(run(files, tiny_bundle, out))
        refused = ["unpacks to more than" in row["error"] for row in rows(out)]
        assert refused == [False] * read + [True] * (30 - read)


def test_an_archive_within_an_upload_unpacks_to_no_more_than_it_announces():
    inner = understated(packed({f"{n}.csv": bytes(600_000) for n in range(16)}), 1000)
    assert zip_format.announced(inner) == (16, 16_000)
    with pytest.raises(ECGError, match="damaged ZIP archive"):
        read_ecg({"a.zip": inner})
    with zipfile.ZipFile(BytesIO(inner)) as archive, archive.open("0.csv") as file:
        unpacked = []
        with pytest.raises(zipfile.BadZipFile):
            while part := file.read(100):
                unpacked.append(part)
        assert sum(map(len, unpacked)) <= 1000


def test_one_huge_file_of_an_upload_is_cut_where_it_would_be_refused():
    files = archive_files(packed({"bomb.npy": bytes(30_000_000)}), "The upload")
    assert len(files.read("bomb.npy")) == 20_000_001


def flipped(content: bytes, seed: int) -> bytes:
    """An archive with one byte of its directory or of the end record changed."""
    random, flipped = Random(seed), bytearray(content)
    flipped[random.randrange(content.index(b"PK\1\2"), len(content))] = random.randrange(256)
    return bytes(flipped)


@pytest.mark.parametrize("seed", range(20))
def test_an_archive_with_a_damaged_directory_gives_rows_or_a_refusal(tmp_path, seed):
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("ward/a.csv", "ward/b.csv", "r.hea", "\u00fc.npy"):
            archive.writestr(name, "r 12 500 5000\n")
    path, read = tmp_path / "ecgs.zip", 0
    for flip in range(20):
        path.write_bytes(flipped(packed.getvalue(), 20 * seed + flip))
        for opened in (
            lambda: archive_files(path.read_bytes(), "It"),
            lambda: open_files(path, path),
        ):
            with suppress(ECGError, BatchError):
                files = opened()
                for part in (part for parts in recordings(files).values() for part in parts):
                    read += 1
                    with suppress(ECGError):
                        files.read(part)
    assert read
