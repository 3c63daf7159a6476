"""Very many ECGs to a folder of Parquet parts, by several processes or a cluster.

_manifest.json      the bundle, what was given, and which recordings the parts are of
part-00000.parquet  rows of some recordings, in the order of their names

A part is written in one step, and which recordings it holds is settled by the manifest: a run that
is killed loses the parts that it was at, and the next one makes them again. The rows are the same
whoever makes them, and however many do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pydantic.dataclasses

from protoecg.batch.part import Recordings, schema
from protoecg.batch.sources import open_recordings
from protoecg.batch.table import BatchError, lock
from protoecg.bundle import Bundle, load_bundle
from protoecg.readers.given import Given
from protoecg.storage.files import STRICT, Format, FormatError, Head, atomic_write

# Who reads a folder of Parquet passes over what begins so.
MANIFEST = "_manifest.json"
LOCK = ".lock"
# Recordings of a part: seconds of one process, which is what a kill costs.
PART = 128


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class _About(Head):
    """What is in `_manifest.json`.

    Parameters
    ----------
    bundle, revision : whose findings the rows are
    rate, unit, leads, exam : what was given for files that do not say it
    recordings : how many there are
    names_sha256 : of their names, in order
    part : how many recordings a part holds
    columns : of the parts
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
    columns: tuple[str, ...] = ()


_MANIFEST = Format("protoecg-batch", 1, _About, 100_000)


@dataclass(frozen=True)
class Task:
    """What there is to explain, and where its parts go.

    Parameters
    ----------
    ecgs : folder, archive, list of paths or address, as `protoecg.batch.sources` reads them
    bundle, out : folders
    given : what files do not say themselves
    """

    ecgs: str
    bundle: Path
    out: Path
    given: Given

    def part(self, number: int) -> Path:
        """Return the file of a part."""
        return self.out / f"part-{number:05d}.parquet"


@dataclass(frozen=True)
class Order:
    """What is missing of a part: recordings to explain, by name."""

    number: int
    recordings: Recordings


# Who explains: the rows of each order, by its number, in any order of time.
Workers = Callable[[Task, Iterator[Order], int], Iterable[tuple[int, pa.Table]]]


def run_parts(task: Task, workers: Workers) -> Generator[tuple[int, int], None, None]:
    """Write the parts that are missing or hold errors; yield (rows, all) after each.

    Rows with an error are tried again, the others of their part are kept.

    Parameters
    ----------
    workers : `processes.by_processes(n)` or `on_ray.by_ray(address)`; they get the number of
        orders

    Raises
    ------
    BatchError
        If the folder holds the parts of another batch, another run writes to it, or the workers
        are lost.
    """
    task.out.mkdir(parents=True, exist_ok=True)
    with (task.out / LOCK).open("a", encoding="utf-8") as held:
        lock(held, task.out / LOCK)
        wanted = open_recordings(task.ecgs, task.out)
        names = sorted(wanted)
        _claim(task, load_bundle(task.bundle), names)
        _remove_unfinished(task.out)
        shards = [names[start : start + PART] for start in range(0, len(names), PART)]
        open_ones = [n for n in range(len(shards)) if not _is_whole(task.part(n))]
        left = sum(len(shards[n]) for n in open_ones)
        yield len(names) - left, len(names)
        orders = (_order(task, n, shards[n], wanted) for n in open_ones)
        for number, made in workers(task, orders, len(open_ones)):
            _write(task.part(number), shards[number], made)
            left -= len(shards[number])
            yield len(names) - left, len(names)


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
        "columns": tuple(schema(bundle).names),
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
            "leads, files that came or went since, or a version with other columns. Name another "
            "folder."
        )


def _remove_unfinished(out: Path) -> None:
    for file in out.glob(".part-*.part"):
        file.unlink(missing_ok=True)


def _is_whole(part: Path) -> bool:
    """Whether a part is there, without errors that are worth another try."""
    if not part.is_file():
        return False
    return not any(pq.read_table(part, columns=["error"])["error"].to_pylist())


def _order(task: Task, number: int, shard: Sequence[str], wanted: Recordings) -> Order:
    kept = {row["file"] for row in _kept(task.part(number))}
    return Order(number, {name: wanted[name] for name in shard if name not in kept})


def _kept(part: Path) -> list[dict[str, Any]]:
    """Return the rows of a part that hold no error."""
    rows = pq.read_table(part).to_pylist() if part.is_file() else []
    return [row for row in rows if not row["error"]]


def _write(part: Path, shard: Sequence[str], made: pa.Table) -> None:
    """Write a part: the rows that were made, beside those that it has already."""
    rows = {row["file"]: row for row in (*_kept(part), *made.to_pylist())}
    table = pa.Table.from_pylist([rows[name] for name in shard], schema=made.schema)
    with atomic_write(part) as whole:
        pq.write_table(table, whole, compression="zstd")
