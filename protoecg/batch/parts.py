"""Very many ECGs to a folder of Parquet parts, by several processes.

manifest.json       the bundle, what was given, and which recordings the parts are of
part-00000.parquet  the rows of so many recordings, in the order of their names

A part is written in one step, and which recordings it holds is settled by the manifest: a run that
is killed loses the parts that it was at, and the next one makes them again. The rows are the same
for any number of processes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import sha256
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pydantic.dataclasses

from protoecg.batch.rows import about, attempted, probabilities, read, told
from protoecg.batch.sources import Files, open_files, recordings
from protoecg.batch.table import ABOUT, BatchError, lock
from protoecg.bundle import Bundle, load_bundle
from protoecg.ecg import ECG
from protoecg.explain import explain_all
from protoecg.explanation import Explanation
from protoecg.files import STRICT, Format, FormatError, Head, atomic_write
from protoecg.measure import WORDS, Delineation, Measurements, delineate, measurements
from protoecg.readers.given import Given

MANIFEST = "manifest.json"
LOCK = ".lock"
# Recordings of a part: minutes of one process, which is what a kill costs.
PART = 128
# ECGs that the network sees at once.
AT_ONCE = 16
MEASURED = (*WORDS, "qtc_ms")


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class _About(Head):
    """What is in `manifest.json`.

    Parameters
    ----------
    bundle, revision : whose findings the rows are
    rate, unit, leads, exam : what was given for files that do not say it
    recordings : how many there are
    names_sha256 : of their names, in order
    part : how many recordings a part holds
    """

    bundle: str
    revision: str
    rate: float | None
    recordings: int
    names_sha256: str
    part: int
    # Of batches before these could be given there is none.
    unit: str = ""
    leads: tuple[str, ...] = ()
    exam: str = ""


_MANIFEST = Format("protoecg-batch", 1, _About, 100_000)


@dataclass(frozen=True)
class Task:
    """What every process needs to know to make a part.

    Parameters
    ----------
    ecgs : folder or ZIP archive
    bundle, out : folders
    given : what files do not say themselves
    """

    ecgs: Path
    bundle: Path
    out: Path
    given: Given

    def part(self, number: int) -> Path:
        """Return the file of a part."""
        return self.out / f"part-{number:05d}.parquet"


def run_parts(task: Task, jobs: int) -> Generator[tuple[int, int], None, None]:
    """Write the parts that are missing or hold errors; yield (rows, all) after each.

    Rows with an error are tried again, the others of their part are kept.

    Raises
    ------
    BatchError
        If the folder holds the parts of another batch, or another run writes to it.
    """
    task.out.mkdir(parents=True, exist_ok=True)
    with (task.out / LOCK).open("a", encoding="utf-8") as held:
        lock(held, task.out / LOCK)
        wanted = recordings(open_files(task.ecgs, task.out))
        names = sorted(wanted)
        _claim(task, load_bundle(task.bundle), names)
        _remove_unfinished(task.out)
        shards = [names[start : start + PART] for start in range(0, len(names), PART)]
        open_ones = [n for n in range(len(shards)) if not _is_whole(task.part(n))]
        left = sum(len(shards[n]) for n in open_ones)
        yield len(names) - left, len(names)
        orders = ((n, {name: wanted[name] for name in shards[n]}) for n in open_ones)
        try:
            for number in _made(task, orders, min(jobs, len(open_ones)) or 1):
                left -= len(shards[number])
                yield len(names) - left, len(names)
        except BrokenProcessPool:
            raise BatchError(
                "A process was ended from outside, perhaps for want of memory. What is written "
                "stays; run the same again to go on, with fewer --jobs if it happens again."
            ) from None


def read_parts(out: Path) -> pa.Table:
    """Return the rows of all parts of a folder."""
    return pa.concat_tables([pq.read_table(part) for part in sorted(out.glob("part-*.parquet"))])


def _claim(task: Task, bundle: Bundle, names: Sequence[str]) -> None:
    """Write the manifest, or see that the one that is there is of this very batch."""
    digest = sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()
    settled: dict[str, Any] = {
        "bundle": bundle.name,
        "revision": bundle.revision,
        **asdict(task.given),
        "recordings": len(names),
        "names_sha256": digest,
        "part": PART,
    }
    file = task.out / MANIFEST
    if not file.exists():
        _MANIFEST.write(file, **settled)
        return
    try:
        found = _MANIFEST.read(file)
    except FormatError as error:
        raise BatchError(f"{error}. Name another folder.") from error
    if {name: getattr(found, name) for name in settled} != settled:
        raise BatchError(
            f"{task.out} holds the parts of another batch: another bundle, rate, unit or order of "
            "leads, or files came or went since. Name another folder."
        )


def _remove_unfinished(out: Path) -> None:
    for file in out.glob(".part-*.part"):
        file.unlink(missing_ok=True)


def _is_whole(part: Path) -> bool:
    """Whether a part is there, without errors that are worth another try."""
    if not part.is_file():
        return False
    return not any(pq.read_table(part, columns=["error"])["error"].to_pylist())


Order = tuple[int, Mapping[str, tuple[str, ...]]]


def _made(task: Task, orders: Iterator[Order], jobs: int) -> Iterator[int]:
    """Make parts by several processes; yield the number of each that is done."""
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin) as pool:
        running: set[Future[int]] = set()
        # Few are handed out at once, so that memory stays the same however many there are.
        for order in islice(orders, 2 * jobs):
            running.add(pool.submit(_make, task, *order))
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for order in islice(orders, len(done)):
                running.add(pool.submit(_make, task, *order))
            yield from (future.result() for future in done)


def _begin() -> None:
    """Make a process ready: one thread, and gone when the one that began it is."""
    import torch

    torch.set_num_threads(1)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.join,), daemon=True).start()


def _end_with(wait_for_parent: Any) -> None:
    wait_for_parent()
    os._exit(1)


# Once a process.
@cache
def _opened(task: Task) -> tuple[Bundle, Files]:
    return load_bundle(task.bundle), open_files(task.ecgs, task.out)


def _make(task: Task, number: int, parts: Mapping[str, tuple[str, ...]]) -> int:
    bundle, files = _opened(task)
    file = task.part(number)
    kept = pq.read_table(file).to_pylist() if file.is_file() else []
    rows = {row["file"]: row for row in kept if not row["error"]}
    missing = {name: of_one for name, of_one in parts.items() if name not in rows}
    rows |= {row["file"]: row for row in _rows(missing, files, bundle, task.given)}
    table = pa.Table.from_pylist([rows[name] for name in parts], schema=_schema(bundle))
    with atomic_write(file) as whole:
        pq.write_table(table, whole, compression="zstd")
    return number


def _schema(bundle: Bundle) -> pa.Schema:
    texts = [pa.field(name, pa.string()) for name in ABOUT]
    matches = pa.field("matches", pa.list_(pa.string()))
    numbers = [pa.field(name, pa.float64()) for name in (*MEASURED, *bundle.statements)]
    return pa.schema([*texts, matches, *numbers])


def _rows(
    parts: Mapping[str, tuple[str, ...]], files: Files, bundle: Bundle, given: Given
) -> Iterator[dict[str, Any]]:
    """Yield a row for each recording; the network sees several at once."""
    names = iter(parts)
    while some := list(islice(names, AT_ONCE)):
        ecgs = {name: attempted(partial(read, parts[name], files, given)) for name in some}
        failed = {name: said for name, said in ecgs.items() if isinstance(said, str)}
        good = {name: ecg for name, ecg in ecgs.items() if isinstance(ecg, ECG)}
        found = failed | _explained(good, bundle)
        yield from (_row(name, bundle, found[name]) for name in some)


Explained = tuple[Explanation, Measurements]


def _explained(ecgs: Mapping[str, ECG], bundle: Bundle) -> dict[str, Explained | str]:
    """Explain ECGs at once; where that fails, one by one, so that one costs no other."""
    together = attempted(lambda: _at_once(list(ecgs.values()), bundle))
    if not isinstance(together, str):
        return dict(zip(ecgs, together, strict=True))
    return {name: attempted(partial(_alone, ecg, bundle)) for name, ecg in ecgs.items()}


def _alone(ecg: ECG, bundle: Bundle) -> Explained:
    return _at_once([ecg], bundle)[0]


def _at_once(ecgs: Sequence[ECG], bundle: Bundle) -> list[Explained]:
    if not ecgs:
        return []
    waves: list[Delineation] = [delineate(ecg) for ecg in ecgs]
    explained = explain_all(ecgs, bundle, waves)
    return list(zip(explained, map(measurements, waves), strict=True))


def _row(name: str, bundle: Bundle, found: Explained | str) -> dict[str, Any]:
    if not isinstance(found, tuple):
        return {**about(name, bundle), "error": found}
    explanation, measured = found
    return {
        **about(name, bundle),
        **told(explanation),
        "matches": _matches(explanation),
        **{field: getattr(measured, field) for field in MEASURED},
        **probabilities(explanation),
    }


def _matches(explanation: Explanation) -> list[str]:
    """Name the prototype that speaks most for each likely finding, and how similar it is."""
    leading = (
        (finding, finding.speaking[0])
        for finding in explanation.findings
        if finding.present and finding.speaking and finding.speaking[0].contribution > 0
    )
    return [f"{f.code} {match.prototype.name} {match.similarity:.3f}" for f, match in leading]
