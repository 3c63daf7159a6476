"""MATLAB 5 to 7 files (CPSC 2018 and others): one array of leads, through SciPy."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from scipy.io import loadmat

from protoecg.ecg import ECGError
from protoecg.readers.arrays.npy_format import FEWEST_LEADS, from_arrays, is_of_a_lead
from protoecg.readers.channels import Channels

MAX_UNPACKED = 60_000_000
_HEADER, _COMPRESSED = 128, 15


def is_mat(content: bytes) -> bool:
    """Whether a file's content is a MATLAB file of version 5 to 7."""
    return content.startswith(b"MATLAB 5.0 MAT-file")


def read(content: bytes, source: str) -> Channels:
    """Read the array of leads among the variables, or the fields of a structure.

    Names, units and rate are found beside it as in an NPZ file; see `npy_format.from_arrays`.
    """
    _refuse_bomb(content, source)
    variables = loadmat(BytesIO(content))
    arrays = {
        name: array
        for name, value in variables.items()
        if not name.startswith("__")
        for name, array in _arrays(name, value)
    }
    return from_arrays(arrays, source)


def _arrays(name: str, value: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a variable, or the fields of a structure, as arrays of numbers or of words."""
    if value.dtype.names and value.size == 1:
        for field in value.dtype.names:
            yield from _arrays(field, np.asarray(value.flat[0][field]))
    elif value.dtype.kind == "O":
        words = [cell.item() for cell in value.flat if np.asarray(cell).dtype.kind == "U"]
        if len(words) == value.size:
            yield name, np.array(words)
    elif value.dtype.kind == "U" or value.size == 1:
        yield name, value.ravel()
    elif value.dtype.kind in "fiu" and (is_of_a_lead(name, value) or _is_table(value)):
        yield name, value


def _is_table(value: np.ndarray) -> bool:
    return value.ndim > 1 and min(value.squeeze().shape) >= FEWEST_LEADS


def _refuse_bomb(content: bytes, source: str) -> None:
    """Unpack without keeping anything, as a few bytes can be packed to stand for gigabytes."""
    at, unpacked = _HEADER, 0
    order = "<" if content[126:128] == b"IM" else ">"
    while at + 8 <= len(content):
        kind, size = np.frombuffer(content, f"{order}u4", count=2, offset=at).tolist()
        if kind == _COMPRESSED:
            packed = content[at + 8 : at + 8 + size]
            unpacked += len(zlib.decompressobj().decompress(packed, MAX_UNPACKED - unpacked + 1))
        if unpacked > MAX_UNPACKED:
            raise ECGError(
                f"{source} unpacks to more than {MAX_UNPACKED / 1e6:.0f} MB. Save the ECG alone, "
                "or a shorter part of it; ten seconds are enough."
            )
        at += 8 + size
