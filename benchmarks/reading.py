"""What the process of its own costs in which a file of a stranger is read.

Each file is read in turn in this process and in one of its own; both hold the same ten seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
import pandas as pd

from protoecg import isolation, readers
from protoecg.ecg import ECG, LEADS
from protoecg.readers import Recording
from protoecg.simulate import simulate

RATE = 500
WARM = 3


def measure(repeats: int) -> pd.DataFrame:
    """Read each file so often both ways; returns `file`, `here_ms`, `apart_ms` and `cost_ms`."""
    rows = []
    for name, files in _files(simulate(["AFIB"], seed=7, rate=RATE).ecg).items():
        for repeat in range(WARM + repeats):
            here = _timed(readers.read_recording, files)
            apart = _timed(isolation.read_recording, files)
            if repeat >= WARM:
                rows.append((name, here, apart, apart - here))
    return pd.DataFrame(rows, columns=["file", "here_ms", "apart_ms", "cost_ms"])


def _timed(read: Callable[..., Recording], files: Mapping[str, bytes]) -> float:
    began = time.perf_counter()
    read(files, rate=RATE)
    return 1000 * (time.perf_counter() - began)


def _files(ecg: ECG) -> dict[str, dict[str, bytes]]:
    array = BytesIO()
    np.save(array, ecg.signal)
    table = pd.DataFrame(ecg.signal.T, columns=list(LEADS)).to_csv(index=False).encode()
    lines = [f"ecg 12 {RATE} {ecg.signal.shape[1]}"]
    lines += [f"ecg.dat 16 1000 16 0 0 0 0 {lead}" for lead in LEADS]
    samples = np.round(ecg.signal.T * 1000).astype("<i2").tobytes()
    return {
        "NPY": {"ecg.npy": array.getvalue()},
        "CSV": {"ecg.csv": table},
        "WFDB": {"ecg.hea": "\n".join(lines).encode(), "ecg.dat": samples},
    }
