"""Bytes to ECG: each format recognised by what is in the file, never by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar, Unpack

from protoecg import defects
from protoecg.ecg import ECG, ECGError
from protoecg.readers import wfdb_format, wfdb_header, wfdb_master, wfdb_segments, zip_format
from protoecg.readers.arrays import hdf5_format, mat_format, npy_format
from protoecg.readers.channels import Channels
from protoecg.readers.devices import (
    dicom_format,
    edf_format,
    ishne_format,
    mfer_format,
    scp_format,
)
from protoecg.readers.formats import EXPORTS, READ
from protoecg.readers.given import Given, ReadOptions
from protoecg.readers.recording import Recording
from protoecg.readers.tables import csv_format
from protoecg.readers.xml import xml_format
from protoecg.storage.files import may_never_end

MAX_BYTES = 20_000_000

T = TypeVar("T")

_Read = Callable[[bytes, str], Channels]

# How each format in one file is known, how it is read, its name; what is none of them is CSV.
_FORMATS: tuple[tuple[Callable[[bytes], bool], _Read, str], ...] = (
    (edf_format.is_edf, edf_format.read, "EDF"),
    (dicom_format.is_dicom, dicom_format.read, "DICOM"),
    (scp_format.is_scp, scp_format.read, "SCP-ECG"),
    (ishne_format.is_ishne, ishne_format.read, "ISHNE"),
    (mfer_format.is_mfer, mfer_format.read, "MFER"),
    (xml_format.is_xml, xml_format.read, "XML"),
    (npy_format.is_npy, npy_format.read, "NPY"),
    (mat_format.is_mat, mat_format.read, "MATLAB"),
)
# What is handed out for ECGs but holds none, with the way out of each.
_FOREIGN = (
    (rb"%PDF", "a PDF", f"A printed ECG has no samples in it. {EXPORTS}"),
    (
        rb"\x89PNG|\xff\xd8\xff|GIF8|II[*+]\0|MM\0[*+]|BM|RIFF....WEBP|....ftyphei",
        "a picture",
        f"A picture of an ECG has no samples in it. {EXPORTS}",
    ),
    (rb"\x1f\x8b", "a gzip archive", "Unpack it first."),
)


def read_ecg(
    files: Mapping[str, bytes], *, start: float = 0.0, **options: Unpack[ReadOptions]
) -> ECG:
    """Read one 12-lead ECG of ten seconds from uploaded files.

    Parameters
    ----------
    files, options : as in `read_recording`
    start : second of the recording at which the ten seconds begin

    Raises
    ------
    ECGError
        With a sentence for clinicians, if the files are no readable 12-lead ECG.
    """
    return read_recording(files, **options).ecg(start)


def read_recording(
    files: Mapping[str, bytes], *, source: str | None = None, **options: Unpack[ReadOptions]
) -> Recording:
    """Read a whole 12-lead recording from uploaded files.

    Parameters
    ----------
    files : each file's name and content: one file of any format, or a WFDB header (`.hea`) with
        its signal files (`.dat`, `.mat`); other files beside a header are not looked at
    source : what the recording is called in errors and by itself; its file's name by default.
        One that is given stands for the file's name; text of a file is never quoted
    options : `rate`, `unit` and `leads`, for files that do not give them; see `ReadOptions`

    Raises
    ------
    IncompleteFileError
        If the files lack what a person can say.
    ECGError
        With a sentence for clinicians, if the files are no readable 12-lead recording. What
        nobody has foreseen has a number in it, under which the log says more.
    """
    given = Given.of(**options)
    files = {_base_name(name): content for name, content in files.items()}
    _refuse_size(sum(map(len, files.values())))
    name = source or (next(iter(files)) if len(files) == 1 else "The recording")
    recording = _guarded(lambda: _read(files, name, given, source).recording(given), name, "ECG")
    return replace(recording, source=source) if source else recording


def _read(files: Mapping[str, bytes], name: str, given: Given, source: str | None) -> Channels:
    if len(files) != 1 or not all(map(zip_format.is_zip, files.values())):
        return _read_files(files, given, source)
    return _guarded(lambda: _read_archive(files, name, given, source), name, "ZIP")


def _read_archive(
    archive: Mapping[str, bytes], name: str, given: Given, source: str | None
) -> Channels:
    files = zip_format.unpack(next(iter(archive.values())), name, MAX_BYTES)
    if files and all(map(npy_format.is_npy, files.values())):
        return npy_format.read_archive(files, name)
    return _read_files(files, given, source)


def _read_files(files: Mapping[str, bytes], given: Given, source: str | None) -> Channels:
    headers = [name for name, content in files.items() if wfdb_header.is_header(content)]
    masters = [name for name in headers if wfdb_master.is_master(files[name])]
    if len(masters) == 1:
        name = source or masters[0]
        return _guarded(lambda: wfdb_segments.read(files, masters[0]), name, "WFDB")
    if len(headers) > 1:
        raise ECGError(f"Found {len(headers)} ECGs. Select the files of one recording.")
    if headers:
        name = source or headers[0]
        return _guarded(lambda: wfdb_format.read(files, headers[0]), name, "WFDB")
    name, content = _the_only(files)
    if not _is_known(content):
        _refuse_foreign(content, name, source or name)
    read, format_name = _format_of(content, given)
    return _guarded(lambda: read(content, source or name), source or name, format_name)


def _guarded(read: Callable[[], T], source: str, format_name: str) -> T:
    try:
        return read()
    except ECGError:
        raise
    except MemoryError:
        raise ECGError(
            f"{source} takes more memory to read than an ECG should. Export ten seconds of it."
        ) from None
    # The libraries raise whatever a damaged file leads to, and may quote the patient.
    except Exception as error:
        number = defects.report(error, f"reading a file taken for {format_name}")
        raise ECGError(
            f"{source} is a damaged {format_name} file. Copy or export it again; if that does not "
            f"help, report the number {number}."
        ) from None


def read_path(path: Path, *, start: float = 0.0, **options: Unpack[ReadOptions]) -> ECG:
    """Read one 12-lead ECG from disk.

    A WFDB record is named by its header, its signal file or without a suffix; its other files
    are taken from the same folder. `start`, `options` and errors as in `read_ecg`.
    """
    return read_ecg(files_of(Path(path)), start=start, **options)


def files_of(path: Path) -> dict[str, bytes]:
    """Return the files on disk that `read_path` reads, by name.

    Raises
    ------
    ECGError
        If there is none, or they are too large.
    """
    if path.suffix.lower() == ".hea" and path.is_file():
        return _record_files(path)
    is_signal = path.suffix.lower() in {".dat", ".mat"}
    if is_signal and (header := _beside(path, f"{path.stem}.hea")):
        return _record_files(header)
    if not path.is_file() and (header := _beside(path, f"{path.name}.hea")):
        return _record_files(header)
    return {path.name: _content(path)}


def _beside(path: Path, name: str) -> Path | None:
    """Return the file of that name, in upper or lower case, in the folder of another."""
    if (exact := path.parent / name).is_file():
        return exact
    try:
        found = wfdb_format.finder(file.name for file in path.parent.iterdir())(name)
    except OSError:
        return None
    return path.parent / found if found and (path.parent / found).is_file() else None


def _record_files(header: Path) -> dict[str, bytes]:
    content = _content(header)
    if not wfdb_master.is_master(content):
        return {header.name: content, **_signals(header, content)}
    files = {header.name: content}
    for segment in wfdb_master.parse_master(content).segments:
        if (own := _beside(header, f"{segment.name}.hea")) and own.name not in files:
            files[own.name] = of_segment = _content(own)
            # The first one may say which signals there are, and name no files.
            if segment.frames and not wfdb_master.is_master(of_segment):
                files |= _signals(own, of_segment)
        _refuse_size(sum(map(len, files.values())))
    return files


def _signals(header: Path, content: bytes) -> dict[str, bytes]:
    beside = (_beside(header, name) for name in wfdb_header.signal_files(content))
    return {partner.name: _content(partner) for partner in beside if partner}


def _content(path: Path) -> bytes:
    try:
        _refuse_size(path.stat().st_size)
        if may_never_end(path):
            raise ECGError(f"{path} is no file. Give the file of an ECG.")
        return path.read_bytes()
    except OSError as error:
        raise ECGError(
            f"Cannot read {path}: {error.strerror or error}. Give the file of an ECG."
        ) from error


def _base_name(name: str) -> str:
    return re.split(r"[/\\]", name)[-1]


def _refuse_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ECGError(
            f"Found {size / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB are read. Export a "
            "shorter part of the recording; ten seconds are enough."
        )


def _the_only(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Return the one file that is an ECG; a report or a picture may lie beside it."""
    ecgs = {n: content for n, content in files.items() if not dicom_format.is_directory(content)}
    known = {name: content for name, content in ecgs.items() if _is_known(content)}
    left = known or {n: content for n, content in files.items() if not _foreign(content)} or files
    if len(left) != 1:
        raise ECGError(
            f"Found {len(left) or 'no'} files without a WFDB header. Select the one file of an "
            "ECG, or a header (.hea) together with its signal file (.dat or .mat)."
        )
    return next(iter(left.items()))


def _is_known(content: bytes) -> bool:
    return hdf5_format.is_hdf5(content) or any(known(content) for known, _, _ in _FORMATS)


def _format_of(content: bytes, given: Given) -> tuple[_Read, str]:
    if hdf5_format.is_hdf5(content):
        read = partial(hdf5_format.read, exam=given.exam, rate=given.rate, unit=given.unit)
        return read, "HDF5"
    if npy_format.is_npy(content):
        return partial(npy_format.read, exam=given.exam), "NPY"
    found = ((read, name) for known, read, name in _FORMATS if known(content))
    return next(found, (partial(csv_format.read, rate=given.rate), "CSV"))


def _foreign(content: bytes) -> tuple[str, str] | None:
    found = ((w, way) for mark, w, way in _FOREIGN if re.match(mark, content, re.DOTALL))
    return next(found, None)


def _refuse_foreign(content: bytes, name: str, source: str) -> None:
    """Refuse what is no table of numbers by its content or its name."""
    if words := _foreign(content):
        raise ECGError(
            f"{source} is {words[0]}, which cannot be read as an ECG. {words[1]} Formats that are "
            f"read: {READ}."
        )
    if name.lower().endswith((".dat", ".mat")):
        raise ECGError(
            f"{source} is a signal file without its header. Select the header (.hea) as well: "
            "names of leads, units and rate stand there."
        )
