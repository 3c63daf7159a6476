"""Bytes to ECG: WFDB, CSV and NPY, recognised by what is in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from protoecg.ecg import ECG, ECGError
from protoecg.readers import csv_format, npy_format, wfdb_format

MAX_BYTES = 20_000_000

# Formats that hospitals hand out and that are not read, with the way out of each.
_FOREIGN = (
    (rb"%PDF", "a PDF", "A printed ECG has no samples in it; export the recording as WFDB or CSV."),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture", "Export the recording itself as WFDB or CSV."),
    (rb"PK\x03\x04", "an Excel or zip file", "Save the sheet as CSV, or unpack the archive first."),
    (rb"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (rb"\x89HDF", "an HDF5 file", "Export the recording as WFDB, CSV or NPY."),
    (rb"\s*<\?xml|\xef\xbb\xbf<\?xml", "an XML file", "Export the recording as WFDB or CSV."),
    (rb".{128}DICM", "a DICOM file", "Export the recording as WFDB or CSV."),
    (rb"0 {7}", "an EDF file", "Convert it to WFDB or CSV."),
)


def read_ecg(files: Mapping[str, bytes], *, rate: float | None = None) -> ECG:
    """Read one 12-lead ECG from uploaded files.

    Parameters
    ----------
    files : each file's name and content: one CSV or NPY file, or a WFDB header (`.hea`) with its
        signal files (`.dat`, `.mat`); other files beside a header are not looked at
    rate : sampling rate in Hz for files that do not say it themselves

    Raises
    ------
    ECGError
        With a sentence for clinicians, if the files are no readable 12-lead ECG.
    """
    files = {_base_name(name): content for name, content in files.items()}
    _refuse_size(sum(map(len, files.values())))
    headers = [name for name, content in files.items() if wfdb_format.is_header(content)]
    if len(headers) > 1:
        raise ECGError(
            f"Found {len(headers)} ECGs ({', '.join(headers)}). Select the files of one recording."
        )
    if headers:
        return wfdb_format.read(files, headers[0], rate=rate)
    return _read_single(*_the_only(files), rate=rate)


def read_path(path: Path, *, rate: float | None = None) -> ECG:
    """Read one 12-lead ECG from disk.

    A WFDB record is named by its header, its signal file or without a suffix; its other files
    are taken from the same folder. `rate` and errors as in `read_ecg`.
    """
    path = Path(path)
    header = path if path.suffix == ".hea" else path.with_suffix(".hea")
    if path.suffix in {".hea", ".dat", ".mat"} and header.is_file():
        return read_ecg(_record_files(header), rate=rate)
    beside = path.with_name(path.name + ".hea")
    if not path.is_file() and beside.is_file():
        return read_ecg(_record_files(beside), rate=rate)
    return read_ecg({path.name: _content(path)}, rate=rate)


def _record_files(header: Path) -> dict[str, bytes]:
    content = _content(header)
    files = {header.name: content}
    for name in wfdb_format.signal_files(content):
        if (partner := header.with_name(name)).is_file():
            files[name] = _content(partner)
    return files


def _content(path: Path) -> bytes:
    try:
        _refuse_size(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise ECGError(
            f"Cannot read {path}: {error.strerror or error}. Give a .hea, .csv or .npy file."
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
    if len(files) != 1:
        raise ECGError(
            f"Found {len(files) or 'no'} files without a WFDB header. Select one CSV or NPY file, "
            "or a header (.hea) together with its signal file (.dat or .mat)."
        )
    return next(iter(files.items()))


def _read_single(name: str, content: bytes, *, rate: float | None) -> ECG:
    if npy_format.is_npy(content):
        return npy_format.read(content, name, rate=rate)
    for pattern, what, way_out in _FOREIGN:
        if re.match(pattern, content, re.DOTALL):
            raise ECGError(f"{name} is {what}, which cannot be read as an ECG. {way_out}")
    if name.lower().endswith((".dat", ".mat")):
        raise ECGError(
            f"The signal file {name} was given without its header. Select the header (.hea) "
            "as well: names of leads, units and rate stand there."
        )
    return csv_format.read(content, name, rate=rate)
