"""Many ECGs to one table: a row each, written as soon as it is known, so that a run can go on."""

from __future__ import annotations

import csv
import os
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from posixpath import dirname, join

from protoecg.bundle import Bundle
from protoecg.ecg import ECGError
from protoecg.explain import explain
from protoecg.explanation import Explanation
from protoecg.readers import MAX_BYTES, read_ecg, wfdb_format
from protoecg.spreadsheet import harmless

ABOUT = ("file", "error", "bundle", "revision", "abstains", "quality", "notes", "present")
_UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


class BatchError(ValueError):
    """A batch that cannot be done or gone on with; the message says what to do."""


@dataclass(frozen=True)
class Files:
    """Files of a folder or an archive: their names, with `/` between folders, and their bytes."""

    names: tuple[str, ...]
    read: Callable[[str], bytes]


def open_files(path: Path, out: Path) -> Files:
    """Look through a folder with all below it, or a ZIP archive.

    Hidden files are left out, and `out`, the table that may lie beside the ECGs.

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
    table = out.resolve()
    found = (file for file in path.rglob("*") if file.is_file() and file.resolve() != table)
    names = (file.relative_to(path).as_posix() for file in found)

    def read(name: str) -> bytes:
        with (path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    return Files(_visible(names), read)


def _archive(path: Path) -> Files:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BatchError(f"{path} not found. Name a folder or a ZIP archive with ECGs.") from None
    except zipfile.BadZipFile:
        raise BatchError(f"{path} is neither a folder nor a whole ZIP archive.") from None

    def read(name: str) -> bytes:
        # One byte more than is read anyway: the sizes that an archive announces are not believed.
        with archive.open(name) as file:
            return file.read(MAX_BYTES + 1)

    return Files(_visible(info.filename for info in archive.infolist() if not info.is_dir()), read)


def _visible(names: Iterator[str]) -> tuple[str, ...]:
    kept = (
        name
        for name in names
        if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    )
    return tuple(sorted(set(kept)))


def recordings(files: Files) -> dict[str, tuple[str, ...]]:
    """Return the files of each recording by its name: a WFDB header takes its signal files."""
    there = set(files.names)
    partners = {name: _signals(name, files, there) for name in there if name.endswith(".hea")}
    taken = {signal for signals in partners.values() for signal in signals}
    return {name: (name, *partners.get(name, ())) for name in files.names if name not in taken}


def _signals(header: str, files: Files, there: Collection[str]) -> tuple[str, ...]:
    try:
        named = wfdb_format.signal_files(files.read(header))
    except (ECGError, *_UNREADABLE):
        return ()
    beside = (join(dirname(header), name) for name in named)
    return tuple(sorted({name for name in beside if name in there and name != header}))


def run(
    files: Files, bundle: Bundle, out: Path, *, rate: float | None = None
) -> Iterator[tuple[int, int]]:
    """Write a row for each recording that `out` has none of; yield (rows, all) after each.

    The table is CSV: `ABOUT`, then the probability of each statement of the bundle. `present`
    names those that reach their threshold. A recording that cannot be read has its `error` alone.

    Parameters
    ----------
    rate : Hz, for files that do not say it

    Raises
    ------
    BatchError
        If `out` is there, but was not written by this bundle.
    """
    columns = (*ABOUT, *bundle.statements)
    wanted = recordings(files)
    done = _done(out, columns, bundle)
    with out.open("a", encoding="utf-8", newline="") as file:
        if not out.stat().st_size:
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


def _done(out: Path, columns: tuple[str, ...], bundle: Bundle) -> set[str]:
    """Return the recordings that have a row, once a row that was cut short is taken off."""
    if not out.exists():
        return set()
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
        explanation = explain(
            read_ecg({part: files.read(part) for part in parts}, rate=rate), bundle
        )
    except ECGError as error:
        return {**about, "error": str(error)}
    except _UNREADABLE as error:
        return {**about, "error": f"Cannot be read: {error}. Copy or pack it again."}
    return {**about, **_told(explanation)}


def _told(explanation: Explanation) -> dict[str, str]:
    return {
        "abstains": explanation.abstains or "",
        "quality": " ".join(explanation.quality),
        "notes": " ".join(explanation.notes),
        "present": " ".join(finding.code for finding in explanation.findings if finding.present),
        **{finding.code: f"{finding.probability:.6f}" for finding in explanation.findings},
    }


def _line(cells: Collection[str]) -> str:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(map(_cell, cells))
    return text.getvalue()


def _cell(text: str) -> str:
    # A row is one line, whatever a file is called: a run that was killed is mended by lines.
    return harmless("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))
