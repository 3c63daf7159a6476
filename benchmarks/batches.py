"""How many ECGs a second `protoecg batch` explains, by several processes and by one.

Each row has what the command writes: findings, matches, measurements, notes. The ECGs are
simulated, 100 Hz, in WFDB records in one ZIP archive; a few hundred different ones, over and over.
"""

from __future__ import annotations

import os
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from protoecg.batch.parts import PART, Task, run_parts
from protoecg.batch.processes import by_processes
from protoecg.ecg import ECG, LEADS
from protoecg.readers.given import NOTHING
from protoecg.simulate import CODES, simulate

RATE = 100
DIFFERENT = 128


@dataclass(frozen=True)
class Run:
    """What a run took.

    Parameters
    ----------
    ecgs_per_s : once each process had made its first part, so without its start
    whole_s : from the command to the last part, starts and all
    cpu_ms : of an ECG, the processor's time of all processes, which other work beside it bears less
        upon; without their start
    first_mb, last_mb : memory of all processes, after their first parts and before the last
    """

    ecgs_per_s: float
    whole_s: float
    cpu_ms: float
    first_mb: float
    last_mb: float


def measure(bundle: Path, ecgs: int, jobs: int) -> tuple[Run, Run]:
    """Explain an archive by one process, and by `jobs`: 2 parts of each process at least."""
    if ecgs < 2 * jobs * PART:
        raise SystemExit(f"Give --ecgs {2 * jobs * PART} or more: two parts for each process.")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "ecgs.zip")
        _pack(archive, ecgs)
        alone = _run(Task(str(archive), bundle, Path(folder, "alone"), NOTHING), 1)
        return alone, _run(Task(str(archive), bundle, Path(folder, "together"), NOTHING), jobs)


def _run(task: Task, jobs: int) -> Run:
    began = time.perf_counter()
    seen = []
    for rows, _ in run_parts(task, by_processes(jobs)):
        tree = list(_tree(os.getpid()))
        usage = sum(map(_cpu_s, tree)), sum(map(_resident_mb, tree))
        seen.append((time.perf_counter(), rows, *usage))
    # Beside what there was before the first part, one for each process's first.
    first, last = seen[jobs], seen[-1]
    ecgs = last[1] - first[1]
    return Run(
        ecgs_per_s=ecgs / (last[0] - first[0]),
        whole_s=last[0] - began,
        cpu_ms=1000 * (last[2] - first[2]) / ecgs,
        first_mb=first[3],
        last_mb=last[3],
    )


def _tree(process: int) -> Iterator[int]:
    """Yield a process and all that it began, and those in turn."""
    yield process
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(task).split():
            yield from _tree(int(child))


def _cpu_s(process: int) -> float:
    """Return the processor's time of a process, and of those that it began and that ended."""
    fields = _read(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(process: int) -> float:
    _, _, size = _read(Path(f"/proc/{process}/status")).partition("VmRSS:")
    return int(size.split()[0]) / 1024 if size else 0.0


def _read(file: Path) -> str:
    # A process that reads a recording may have ended meanwhile.
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _pack(archive: Path, ecgs: int) -> None:
    codes = islice(cycle(CODES), DIFFERENT)
    records = [_record(simulate([c], seed=n, rate=RATE).ecg) for n, c in enumerate(codes)]
    with zipfile.ZipFile(archive, "w") as packed:
        for n in range(ecgs):
            header, samples = records[n % DIFFERENT]
            packed.writestr(f"{n // 1000:03d}/ecg{n:06d}.hea", header.replace("ecg", f"ecg{n:06d}"))
            packed.writestr(f"{n // 1000:03d}/ecg{n:06d}.dat", samples)


def _record(ecg: ECG) -> tuple[str, bytes]:
    lines = [f"ecg 12 {RATE} {ecg.signal.shape[1]}"]
    lines += [f"ecg.dat 16 1000 16 0 0 0 0 {lead}" for lead in LEADS]
    return "\n".join(lines) + "\n", np.round(ecg.signal.T * 1000).astype("<i2").tobytes()
