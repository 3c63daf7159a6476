"""Many ECGs to one table: a row each, written as soon as it is known, so that a run can go on."""

from __future__ import annotations

import csv
import os
import sys
import zipfile
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from posixpath import dirname, join
from typing import TextIO

import pandas as pd

from protoecg import defects
from protoecg.bundle import Bundle
from protoecg.ecg import ECGError
from protoecg.explain import explain
from protoecg.explanation import Explanation
from protoecg.files import atomic_write, write_bytes
from protoecg.isolation import OF_A_BATCH, read_ecg
from protoecg.readers import MAX_BYTES, wfdb_format, zip_format
from protoecg.spreadsheet import harmless, plain

# A file's name may be a patient's, and has a column of its own.
THE_FILE = "the file"
ABOUT = (
    "file",
    "error",
    "bundle",
    "revision",
    "abstains",
    "quality",
    "notes",
    "likely",
    "possible",
)
MAX_ARCHIVE_FILES = 10_000
# Of an upload, what lies in archives within it counted in.
MAX_FILES = 40_000
MAX_UNPACKED = 4_000_000_000


class BatchError(ValueError):
    """A batch that cannot be done or gone on with; the message says what to do."""


@dataclass(frozen=True)
class Files:
    """Files of a folder or an archive: their names, with `/` between folders, and their bytes."""

    names: tuple[str, ...]
    read: Callable[[str], bytes]


def open_files(path: Path, out: Path) -> Files:
    """Look through a folder with all below it, or a ZIP archive.

    Hidden files are left out, and what is written to `out`, which may lie beside the ECGs.

    Raises
    ------
    BatchError
        If it is neither, or holds no file.
    """
    files = _folder(path, out) if path.is_dir() else _archive(path)
    if not files.names:
        raise BatchError(f"{path} holds no files. Name a folder or a ZIP archive with ECGs.")
    return files


def _folder(path: Path, out: Path) -> Files:
    tables = {out.resolve(), rows_of(out).resolve()}
    found = (file for file in path.rglob("*") if file.is_file() and file.resolve() not in tables)
    names = (file.relative_to(path).as_posix() for file in found)

    def read(name: str) -> bytes:
        with (path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    return Files(_visible(names), read)


def _archive(path: Path) -> Files:
    try:
        files = _members(zipfile.ZipFile(path), "The archive")
    except FileNotFoundError:
        raise BatchError(f"{path} not found. Name a folder or a ZIP archive with ECGs.") from None
    except PermissionError:
        raise
    # The library raises whatever a damaged directory leads to.
    except Exception:
        raise BatchError(f"{path} is neither a folder nor a whole ZIP archive.") from None
    return files


def archive_files(content: bytes, source: str) -> Files:
    """Look through an uploaded ZIP archive of many ECGs, which is never unpacked to disk.

    Raises
    ------
    ECGError
        If it is damaged, an Excel file, holds no file, two of one name, or more than
        `MAX_ARCHIVE_FILES`. Reading a file raises it where that is encrypted or damaged, or where
        what was read before, with all archives in it, is `MAX_FILES` files or `MAX_UNPACKED` bytes.
    """
    if not zip_format.is_zip(content):
        raise ECGError(f"{source} is no ZIP archive. Pack the ECGs into one.")
    archive = zip_format.opened(
        content, source, max_files=MAX_ARCHIVE_FILES, advice="Make several archives of it."
    )
    names = [info.filename for info in archive.infolist()]
    if len(set(names)) < len(names):
        raise ECGError(f"{source} holds several files of one name. Pack it again.")
    files = _members(archive, source)
    if not files.names:
        raise ECGError(f"{source} holds no files. Pack the ECGs into it.")
    return _within(files, source)


def _members(archive: zipfile.ZipFile, source: str) -> Files:
    def read(name: str) -> bytes:
        return zip_format.member(archive, archive.getinfo(name), source, MAX_BYTES + 1)

    return Files(_visible(info.filename for info in zip_format.files_of(archive)), read)


def _within(files: Files, source: str) -> Files:
    """Refuse to read more of an upload than it may hold; what was read once can be read again."""
    read_before: set[str] = set()
    left_files, left_bytes = MAX_FILES, MAX_UNPACKED

    def read(name: str) -> bytes:
        nonlocal left_files, left_bytes
        if name in read_before:
            return files.read(name)
        if min(left_files, left_bytes) <= 0:
            raise ECGError(
                f"{source} unpacks to more than {MAX_FILES:,} files or {MAX_UNPACKED / 1e6:,.0f} "
                "MB, those in archives within it counted in. Make several archives of it."
            )
        content = files.read(name)
        inner_files, inner_bytes = zip_format.announced(content)
        left_files -= 1 + inner_files
        # A reader unpacks no more of an archive than this.
        left_bytes -= len(content) + min(inner_bytes, MAX_BYTES)
        read_before.add(name)
        return content

    return Files(files.names, read)


def _visible(names: Iterator[str]) -> tuple[str, ...]:
    kept = (
        name
        for name in names
        if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    )
    return tuple(sorted(set(kept)))


def recordings(files: Files) -> dict[str, tuple[str, ...]]:
    """Return the files of each recording by its name: a WFDB header takes its signal files."""
    find = wfdb_format.finder(files.names)
    headers = (name for name in files.names if name.lower().endswith(".hea"))
    partners = {name: _signals(name, files, find) for name in headers}
    taken = {signal for signals in partners.values() for signal in signals}
    return {name: (name, *partners.get(name, ())) for name in files.names if name not in taken}


def _signals(header: str, files: Files, find: Callable[[str], str | None]) -> tuple[str, ...]:
    try:
        named = wfdb_format.signal_files(files.read(header))
    except (ECGError, OSError):
        return ()
    beside = (find(join(dirname(header), name)) for name in named)
    return tuple(sorted({name for name in beside if name and name != header}))


def rows_of(out: Path) -> Path:
    """Return where the rows of a table are written: beside a Parquet file, which is made last."""
    return out.with_suffix(".csv") if is_parquet(out) else out


def is_parquet(out: Path) -> bool:
    """Whether a table is to be written as Parquet."""
    return out.suffix.lower() == ".parquet"


def run(
    files: Files, bundle: Bundle, out: Path, *, rate: float | None = None
) -> Generator[tuple[int, int], None, None]:
    """Write a row for each recording that the table has none of; yield (rows, all) after each.

    To try again those that have an error, `forget_failures` first.

    The table is CSV: `ABOUT`, then the probability of each statement of the bundle. `likely` and
    `possible` name those that are, their codes separated by spaces. A recording that cannot be
    read has its `error` alone. Where `out` is a Parquet file, the rows go to `rows_of(out)`, and
    it is written once all are there: a run that is killed leaves none, or that of before.

    Parameters
    ----------
    rate : Hz, for files that do not say it

    Raises
    ------
    BatchError
        If the table is there, but was not written by this bundle, or another run writes it.
    """
    columns = _columns(bundle)
    wanted = recordings(files)
    rows = rows_of(out)
    with rows.open("a", encoding="utf-8", newline="") as file:
        _keep_others_out(file, rows)
        done = _done(rows, columns, bundle)
        if not rows.stat().st_size:
            file.write(_line(columns))
        had = sum(_cell(name) in done for name in wanted)
        yield had, len(wanted)
        for name, parts in wanted.items():
            if _cell(name) in done:
                continue
            row = _row(name, parts, files, bundle, rate)
            file.write(_line([row.get(column, "") for column in columns]))
            file.flush()
            had += 1
            yield had, len(wanted)
        if is_parquet(out):
            with atomic_write(out) as whole:
                read_rows(rows.read_bytes()).to_parquet(whole, engine="pyarrow", index=False)


def forget_failures(files: Files, bundle: Bundle, out: Path) -> None:
    """Take the rows of recordings that failed off a table, so that a run tries them again.

    All others stay as they are; if it is killed, the table is that of before.

    Raises
    ------
    BatchError
        If the table was not written by this bundle, or a run writes it.
    """
    rows = rows_of(out)
    if not rows.is_file():
        return
    with rows.open("a", encoding="utf-8") as file:
        _keep_others_out(file, rows)
        _done(rows, _columns(bundle), bundle)
        names = set(map(_cell, recordings(files)))
        lines = rows.read_bytes().splitlines(keepends=True)
        kept = [line for n, line in enumerate(lines) if n == 0 or _failed(line) not in names]
        if len(kept) == len(lines):
            return
        # Windows replaces no open file, and has no lock that would be let go of.
        if sys.platform == "win32":
            file.close()
        write_bytes(rows, b"".join(kept))


def _failed(line: bytes) -> str | None:
    """Return the recording of a row with an error."""
    row = dict(zip(ABOUT, next(csv.reader([line.decode("utf-8", "replace")]), ()), strict=False))
    return row["file"] if row.get("error") else None


def read_rows(written: bytes) -> pd.DataFrame:
    """Return what a run has written so far: text as it was found, probabilities as numbers.

    Needs at least the line with the columns' names.
    """
    # The run that writes may be in the middle of a row.
    whole = written[: written.rfind(b"\n") + 1].decode()
    numbers = next(csv.reader(StringIO(whole, newline="")), [])[len(ABOUT) :]
    table = pd.read_csv(
        StringIO(whole, newline=""),
        dtype=dict.fromkeys(ABOUT, str) | dict.fromkeys(numbers, float),
        keep_default_na=False,
        na_values=dict.fromkeys(numbers, ""),
    )
    return table.assign(**{name: table[name].map(plain) for name in ABOUT})


def _keep_others_out(file: TextIO, rows: Path) -> None:
    """Hold the table as long as the file is open: a run that is killed lets go of it."""
    # Windows has no such lock, so two runs are not told apart there.
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Else `forget_failures` of another run replaced it before it was held.
        mine = os.path.samestat(os.fstat(file.fileno()), rows.stat())
    except BlockingIOError:
        mine = False
    if not mine:
        raise BatchError(
            f"Another run is writing to {rows}. Wait until it ends, or name another file."
        )


def _columns(bundle: Bundle) -> tuple[str, ...]:
    return (*ABOUT, *bundle.statements)


def _done(out: Path, columns: tuple[str, ...], bundle: Bundle) -> set[str]:
    """Return the recordings that have a row, once a row that was cut short is taken off."""
    written = out.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    rows = list(csv.DictReader(StringIO(whole.decode("utf-8", "replace"), newline="")))
    same = not whole or whole.decode("utf-8", "replace").startswith(_line(columns))
    if not same or any(row["revision"] != _cell(bundle.revision) for row in rows):
        raise BatchError(f"{out} holds something else than rows of this bundle. Name another file.")
    if len(whole) < len(written):
        os.truncate(out, len(whole))
    return {row["file"] for row in rows}


def _row(
    name: str, parts: tuple[str, ...], files: Files, bundle: Bundle, rate: float | None
) -> Mapping[str, str]:
    about = {"file": name, "bundle": bundle.name, "revision": bundle.revision}
    try:
        contents = {part: files.read(part) for part in parts}
        ecg = read_ecg(contents, rate=rate, source=THE_FILE, limits=OF_A_BATCH)
        explanation = explain(ecg, bundle)
    except ECGError as error:
        said = str(error)
        return {**about, "error": said[:1].upper() + said[1:]}
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return {**about, "error": f"Cannot be read: {reason}. Copy or pack it again."}
    # What no one has foreseen of one file must not cost the others; it may quote the patient.
    except Exception as error:
        number = defects.report(error, "explaining an ECG of a batch")
        return {**about, "error": f"Cannot be explained, by a defect; report the number {number}."}
    return {**about, **_told(explanation)}


def _told(explanation: Explanation) -> dict[str, str]:
    return {
        "abstains": explanation.abstains or "",
        "quality": " ".join(explanation.quality),
        "notes": " ".join(explanation.notes),
        **{
            certainty: " ".join(f.code for f in explanation.findings if f.certainty == certainty)
            for certainty in ("likely", "possible")
        },
        **{finding.code: f"{finding.probability:.6f}" for finding in explanation.findings},
    }


def _line(cells: Collection[str]) -> str:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(map(_cell, cells))
    return text.getvalue()


def _cell(text: str) -> str:
    # A row is one line, whatever a file is called: a run that was killed is mended by lines.
    return harmless("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))
