"""ECGs as the app keeps them: WFDB records of format 16, a microvolt a unit, as PTB-XL's are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from protoecg.ecg import LEADS
from protoecg.storage.files import write_bytes

UNITS_PER_MV = 1000
MAX_COUNT = 32_767


def write_record(path: Path, signal: np.ndarray, rate: float = 100) -> None:
    """Write a signal, (12, n) mV, as PTB-XL's records are; the samples come last."""
    # WFDB's format 16, written here: the library's writer takes ten times as long as the rest.
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = np.clip(np.rint(UNITS_PER_MV * signal), -MAX_COUNT, MAX_COUNT).astype("<i2")
    lines = [f"{path.name} {len(LEADS)} {rate:g} {counts.shape[1]}"]
    for lead, values in zip(LEADS, counts, strict=True):
        checksum = int(values.sum(dtype=np.int64)) % 65536
        lines.append(
            f"{path.name}.dat 16 {UNITS_PER_MV}.0(0)/mV 16 0 {values[0]} {checksum} 0 "
            f"{lead.upper()}"
        )
    path.with_name(f"{path.name}.hea").write_text("\n".join(lines) + "\n", encoding="ascii")
    write_bytes(path.with_name(f"{path.name}.dat"), counts.T.tobytes(), sync=False)
