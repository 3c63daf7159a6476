"""ECGs that a list names, or that lie in object storage, through fsspec.

A list is a text file with a path on each line, or a Parquet file with a column `path`: of a WFDB
record its header. Paths are addresses that fsspec knows, such as `s3://bucket/ecg.hea`, absolute,
or relative to the list.
"""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from posixpath import dirname, join

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from protoecg.batch.table import BatchError
from protoecg.ecg import ECGError
from protoecg.readers import MAX_BYTES, wfdb_header

COLUMN = "path"


def is_list(ecgs: str) -> bool:
    """Whether this names a list of paths."""
    return ecgs.lower().endswith((".txt", ".parquet"))


def is_address(ecgs: str) -> bool:
    """Whether fsspec knows how to get there, such as `s3://`."""
    return "://" in ecgs


def paths_listed(ecgs: str) -> tuple[str, ...]:
    """Return the paths of a list, each once.

    Raises
    ------
    BatchError
        If it cannot be read, is no list, or names nothing.
    """
    content = _opened(ecgs)
    if ecgs.lower().endswith(".txt"):
        lines = content.decode("utf-8", "surrogateescape").splitlines()
    else:
        lines = _column(content, ecgs)
    paths = tuple(sorted({line.strip() for line in lines if line.strip()}))
    if not paths:
        raise BatchError(f"{ecgs} names no files. Write the path of an ECG on each line.")
    return paths


def _column(content: bytes, ecgs: str) -> list[str]:
    try:
        return [str(path) for path in pq.read_table(BytesIO(content))[COLUMN].to_pylist() if path]
    except (KeyError, OSError, pa.ArrowException):
        raise BatchError(f"{ecgs} is no Parquet file with a column `{COLUMN}`.") from None


def _opened(address: str) -> bytes:
    try:
        with fsspec.open(address, "rb") as file:
            return bytes(file.read())
    except (OSError, ImportError, ValueError) as error:
        raise BatchError(f"{address} cannot be read: {error}") from error


def read_listed(path: str, ecgs: str) -> dict[str, bytes]:
    """Return the files of a recording that a list names, with those that its header names.

    Raises
    ------
    OSError
        If the path's own file is not there, or cannot be read.
    """
    whole = path if is_address(path) else join(dirname(ecgs), path)
    files = {path: _read(whole)}
    if not path.lower().endswith(".hea"):
        return files
    # A header that is none, or is alone, gets its error from the reader.
    with suppress(ECGError, FileNotFoundError):
        for name in wfdb_header.signal_files(files[path]):
            files[join(dirname(path), name)] = _read(join(dirname(whole), name))
    return files


def names_at(address: str) -> tuple[str, ...]:
    """Return all files below an address, relative to it.

    Raises
    ------
    BatchError
        If it cannot be reached.
    """
    try:
        storage, root = fsspec.core.url_to_fs(address)
        found = storage.find(root)
    except (OSError, ImportError, ValueError) as error:
        raise BatchError(f"{address} cannot be read: {error}") from error
    return tuple(name.removeprefix(root).lstrip("/") for name in found)


def read_at(address: str, name: str) -> bytes:
    """Return a file below an address."""
    return _read(join(address, name))


def _read(address: str) -> bytes:
    with fsspec.open(address, "rb") as file:
        return bytes(file.read(MAX_BYTES + 1))
