"""One ECG of an HDF5 file of gigabytes, cut out as a file of its own for the readers."""

from __future__ import annotations

from io import BytesIO
from math import prod
from pathlib import Path

import h5py
import numpy as np

from protoecg.ecg import ECGError
from protoecg.readers.arrays.hdf5_format import refuse_strange
from protoecg.storage.files import may_never_end

TRACINGS, IDS = "tracings", "exam_id"
# More than any hospital has in a file; the numbers of all are read for each.
MOST_EXAMS = 3_000_000


def cut(file: Path, exam: str) -> bytes:
    """Return an HDF5 file with the one of the `tracings` (n, samples, leads) that has an `exam_id`.

    Raises
    ------
    ECGError
        If the file is none of these, keeps them in other files, unpacks to more than an ECG has,
        or has no such exam.
    """
    if may_never_end(file):
        raise ECGError(f"{file.name} is no file.")
    try:
        with h5py.File(file, "r") as held:
            ids, tracings = _dataset(held, IDS, "iu"), _dataset(held, TRACINGS, "fiu")
            table = _one(tracings, _place(ids, exam, file.name), file.name)
    except ECGError:
        raise
    # What the library says of a damaged file has no number of the system's.
    except (KeyError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ECGError(f"{file.name} has no `{TRACINGS}` with an `{IDS}` each: {error}.") from error
    written = BytesIO()
    with h5py.File(written, "w") as alone:
        alone[TRACINGS], alone[IDS] = table[None], [int(exam)]
    return written.getvalue()


def _dataset(file: h5py.File, name: str, kinds: str) -> h5py.Dataset:
    link = file.get(name, getlink=True)
    if link is not None and not isinstance(link, h5py.HardLink):
        raise ValueError(f"{name!r} refers to another place")
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in kinds:
        raise ValueError(f"{name!r} holds no numbers")
    return found


def _place(ids: h5py.Dataset, exam: str, source: str) -> int:
    if ids.ndim != 1 or len(ids) > MOST_EXAMS:
        raise ValueError(f"{IDS!r} is {ids.shape}, expected one of at most {MOST_EXAMS:,} exams")
    refuse_strange(ids, len(ids), source)
    places = np.flatnonzero(ids[()] == (int(exam) if exam.isdecimal() else None))
    if not places.size:
        raise ECGError(f"{source} holds no exam {exam[:20]}.")
    return int(places[0])


def _one(tracings: h5py.Dataset, at: int, source: str) -> np.ndarray:
    if tracings.ndim != 3:
        raise ValueError(f"{TRACINGS!r} is {tracings.shape}, expected exams, samples and leads")
    refuse_strange(tracings, prod(tracings.shape[1:]), source)
    return np.asarray(tracings[at])
