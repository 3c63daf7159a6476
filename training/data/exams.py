"""One ECG of an HDF5 file of gigabytes, cut out as a file of its own for the readers."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import h5py

from protoecg.ecg import ECGError
from protoecg.storage.files import may_never_end

TRACINGS, IDS = "tracings", "exam_id"


def cut(file: Path, exam: str) -> bytes:
    """Return an HDF5 file with the one of the `tracings` (n, samples, leads) that has an `exam_id`.

    Raises
    ------
    ECGError
        If the file is none of these, or has no such exam.
    """
    if may_never_end(file):
        raise ECGError(f"{file.name} is no file.")
    try:
        with h5py.File(file, "r") as held:
            ids, tracings = [str(number) for number in held[IDS][()].tolist()], held[TRACINGS]
            table = tracings[ids.index(exam)] if exam in ids else None
    except (KeyError, ValueError, RuntimeError) as error:
        raise ECGError(f"{file.name} has no `{TRACINGS}` with an `{IDS}` each: {error}.") from error
    if table is None:
        raise ECGError(f"{file.name} holds no exam {exam[:20]}.")
    written = BytesIO()
    with h5py.File(written, "w") as alone:
        alone[TRACINGS], alone[IDS] = table[None], [int(exam)]
    return written.getvalue()
