"""ECGs that a list names, or that lie in object storage, through fsspec.

A list is a text file with a path on each line, or a Parquet file with a column `path`: of a WFDB
record its header. Paths are addresses that fsspec knows, such as `s3://bucket/ecg.hea`, absolute,
or relative to the list.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from posixpath import dirname, join

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from protoecg.batch.table import BatchError
from protoecg.ecg import ECGError
from protoecg.readers import MAX_BYTES, wfdb_header
from protoecg.storage.files import may_never_end

COLUMN = "path"
MAX_LIST_BYTES = 500_000_000
MAX_UNPACKED = 2_000_000_000
MOST_PATHS = 20_000_000
LONGEST_PATH = 4_096


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
    if len(content) > MAX_LIST_BYTES:
        raise BatchError(f"{ecgs} is larger than any list. Make several lists of it.")
    if ecgs.lower().endswith(".txt"):
        lines = content.decode("utf-8", "surrogateescape").splitlines()
    else:
        lines = _column(content, ecgs)
    paths = tuple(sorted({line.strip() for line in lines if line.strip()}))
    if not paths:
        raise BatchError(f"{ecgs} names no files. Write the path of an ECG on each line.")
    if max(map(len, paths)) > LONGEST_PATH:
        raise BatchError(f"{ecgs} names a path of more than {LONGEST_PATH:,} characters.")
    return paths


def _column(content: bytes, ecgs: str) -> list[str]:
    """Return the texts of the column, each once."""
    try:
        # Read as a dictionary, a text that stands in many rows takes its room once.
        file = pq.ParquetFile(BytesIO(content), read_dictionary=[COLUMN])
        kind = file.schema_arrow.field(COLUMN).type
        if not pa.types.is_dictionary(kind) or not pa.types.is_string(kind.value_type):
            raise KeyError(COLUMN)
        if file.metadata.num_rows > MOST_PATHS or _unpacked(file) > MAX_UNPACKED:
            raise BatchError(f"{ecgs} is larger than any list. Make several lists of it.")
        return [path for path in file.read([COLUMN])[COLUMN].unique().to_pylist() if path]
    except (KeyError, OSError, pa.ArrowException):
        raise BatchError(f"{ecgs} is no Parquet file with a column `{COLUMN}` of texts.") from None


def _unpacked(file: pq.ParquetFile) -> int:
    """Return how many bytes the column of paths says that it unpacks to."""
    groups = [file.metadata.row_group(n) for n in range(file.num_row_groups)]
    columns = (group.column(n) for group in groups for n in range(group.num_columns))
    return sum(c.total_uncompressed_size for c in columns if c.path_in_schema == COLUMN)


def _opened(address: str) -> bytes:
    try:
        return _read(address, MAX_LIST_BYTES)
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


def _read(address: str, max_bytes: int = MAX_BYTES) -> bytes:
    if not is_address(address) and may_never_end(Path(address)):
        raise OSError(errno.EINVAL, "it is no file")
    with fsspec.open(address, "rb") as file:
        return bytes(file.read(max_bytes + 1))
