"""The files of a batch, wherever they lie, and which of them are one recording."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from posixpath import dirname, join

from protoecg.batch.listed import is_address, is_list, names_at, paths_listed, read_at, read_listed
from protoecg.batch.table import BatchError, rows_of
from protoecg.ecg import ECGError
from protoecg.readers import MAX_BYTES, wfdb_format, wfdb_header, wfdb_master, zip_format
from protoecg.storage.files import may_never_end

MAX_ARCHIVE_FILES = 10_000
# Of an upload, what lies in archives within it counted in.
MAX_FILES = 40_000
MAX_UNPACKED = 4_000_000_000


@dataclass(frozen=True)
class Files:
    """Files of a folder or an archive: their names, with `/` between folders, and their bytes."""

    names: tuple[str, ...]
    read: Callable[[str], bytes]


# The files of one recording, by name.
Contents = dict[str, bytes]


def open_files(path: Path | str, out: Path) -> Files:
    """Look through a folder with all below it, or a ZIP archive.

    Hidden files are left out, and what is written to `out`, which may lie beside the ECGs.

    Parameters
    ----------
    path : of a folder or a ZIP archive, or the address of a folder in object storage

    Raises
    ------
    BatchError
        If it is neither, or holds no file.
    """
    if is_address(str(path)):
        files = Files(_visible(names_at(str(path))), partial(read_at, str(path)))
    else:
        files = _folder(Path(path), out) if Path(path).is_dir() else _archive(Path(path))
    if not files.names:
        raise BatchError(f"{path} holds no files. Name a folder or a ZIP archive with ECGs.")
    return files


def open_recordings(ecgs: str, out: Path) -> dict[str, tuple[str, ...]]:
    """Return the files of each recording of a folder, an archive, a list or an address, by name.

    Of what a list names, signal files are only looked for when it is read.

    Raises
    ------
    BatchError
        If it is none of them, or holds no file.
    """
    if is_list(ecgs):
        return {path: (path,) for path in paths_listed(ecgs)}
    return recordings(open_files(ecgs, out))


def open_reader(ecgs: str) -> Callable[[Sequence[str]], Contents]:
    """Return what reads the files of a recording, without looking through all others.

    Raises
    ------
    BatchError
        If it is an archive that is gone or damaged.
    """
    if is_list(ecgs):
        return lambda parts: read_listed(parts[0], ecgs)
    if is_address(ecgs):
        return partial(contents, partial(read_at, ecgs))
    path = Path(ecgs)
    return partial(contents, _reader(path) if path.is_dir() else _archive(path).read)


def contents(read: Callable[[str], bytes], parts: Sequence[str]) -> Contents:
    """Return the files of a recording by their names."""
    found: Contents = {}
    for part in parts:
        found[part] = read(part)
        # More is refused when it is read as an ECG.
        if sum(map(len, found.values())) > MAX_BYTES:
            break
    return found


def _folder(path: Path, out: Path) -> Files:
    tables = {out.resolve(), rows_of(out).resolve()}
    found = (file for file in path.rglob("*") if file.is_file() and not _is_of(file, tables))
    return Files(_visible(file.relative_to(path).as_posix() for file in found), _reader(path))


def _reader(path: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        with (path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    return read


def _is_of(file: Path, tables: set[Path]) -> bool:
    whole = file.resolve()
    return not tables.isdisjoint((whole, whole.parent))


def _archive(path: Path) -> Files:
    if may_never_end(path):
        raise BatchError(f"{path} is no file. Name a folder or a ZIP archive with ECGs.")
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


def _visible(names: Iterable[str]) -> tuple[str, ...]:
    kept = (name for name in names if not any(_is_hidden(part) for part in name.split("/")))
    return tuple(sorted(set(kept)))


def _is_hidden(part: str) -> bool:
    # Nothing is unpacked to disk, so a way up leads nowhere, and its ECG gets a row like others.
    return part not in (".", "..") and part.startswith((".", "__MACOSX"))


def recordings(files: Files) -> dict[str, tuple[str, ...]]:
    """Return the files of each recording by its name: a WFDB header takes its signal files."""
    find = wfdb_format.finder(files.names)
    headers = (name for name in files.names if name.lower().endswith(".hea"))
    partners = {name: _signals(name, files, find) for name in headers}
    taken = {signal for signals in partners.values() for signal in signals}
    return {name: (name, *partners.get(name, ())) for name in files.names if name not in taken}


def _signals(header: str, files: Files, find: Callable[[str], str | None]) -> tuple[str, ...]:
    try:
        content = files.read(header)
        if wfdb_master.is_master(content):
            return _segments(header, wfdb_master.parse_master(content).segments, files, find)
        named = wfdb_header.signal_files(content)
    except (ECGError, OSError):
        return ()
    beside = (find(join(dirname(header), name)) for name in named)
    return tuple(sorted({name for name in beside if name and name != header}))


def _segments(
    header: str,
    segments: Sequence[wfdb_master.Segment],
    files: Files,
    find: Callable[[str], str | None],
) -> tuple[str, ...]:
    """Return the headers and signal files of a record's segments."""
    names = (find(join(dirname(header), f"{segment.name}.hea")) for segment in segments)
    headers = {name for name in names if name and name != header}
    signals = (
        s for name in headers if not _is_master(files, name) for s in _signals(name, files, find)
    )
    return tuple(sorted({*headers, *signals}))


def _is_master(files: Files, name: str) -> bool:
    return wfdb_master.is_master(files.read(name))
