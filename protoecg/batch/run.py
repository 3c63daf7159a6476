"""A run over the recordings of a batch, which goes on where another one ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

from protoecg.batch.rows import about, attempted, probabilities, read, text_columns
from protoecg.batch.sources import Files, recordings
from protoecg.batch.table import (
    cell,
    columns_of,
    csv_line,
    failed_recording,
    is_parquet,
    lock,
    read_rows,
    recordings_done,
    rows_of,
)
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import explain
from protoecg.explanation import Explanation
from protoecg.measure import Delineation, delineate
from protoecg.readers.given import NOTHING, Given
from protoecg.storage.files import atomic_write, write_bytes

OnExplained = Callable[[str, ECG, Explanation, Delineation], None]


def _unread(name: str, ecg: ECG) -> None:
    """Nobody looks at the ECGs on the way."""


def ignored(name: str, ecg: ECG, found: Explanation, waves: Delineation) -> None:
    """Nobody takes the explanations on the way."""


def run(
    files: Files,
    bundle: Bundle,
    out: Path,
    *,
    given: Given = NOTHING,
    on_read: Callable[[str, ECG], None] = _unread,
    on_explained: OnExplained = ignored,
) -> Generator[tuple[int, int], None, None]:
    """Write a row for each recording that the table has none of; yield (rows, all) after each.

    To try again those that have an error, `forget_failures` first.

    The table is CSV: `ABOUT`, then the probability of each statement of the bundle. `likely` and
    `possible` name those that are, their codes separated by spaces. A recording that cannot be
    read has its `error` alone. Where `out` is a Parquet file, the rows go to `rows_of(out)`, and
    it is written once all are there: a run that is killed leaves none, or that of before.

    Parameters
    ----------
    given : what files do not say themselves
    on_read : called with each recording's name and its ECG
    on_explained : called with these, the explanation and the delineation, before the row is written

    Raises
    ------
    BatchError
        If the table is there, but was not written by this bundle, or another run writes it.
    """
    columns = columns_of(bundle)
    wanted = recordings(files)
    rows = rows_of(out)
    with rows.open("a", encoding="utf-8", newline="") as file:
        lock(file, rows)
        done = recordings_done(rows, columns, bundle)
        if not rows.stat().st_size:
            file.write(csv_line(columns))
        had = sum(cell(name) in done for name in wanted)
        yield had, len(wanted)
        for name, parts in wanted.items():
            if cell(name) in done:
                continue
            row = _row(name, parts, files, bundle, given, on_read, on_explained)
            file.write(csv_line([row.get(column, "") for column in columns]))
            file.flush()
            had += 1
            yield had, len(wanted)
        if is_parquet(out):
            with atomic_write(out) as whole:
                read_rows(rows.read_bytes()).to_parquet(whole, engine="pyarrow", index=False)


def forget_failures(files: Files, bundle: Bundle, out: Path) -> None:
    """Take the rows of recordings that failed off a table, so that a run tries them again.

    All others stay as they are; if it is killed, the table is that of before.

    Raises
    ------
    BatchError
        If the table was not written by this bundle, or a run writes it.
    """
    rows = rows_of(out)
    if not rows.is_file():
        return
    with rows.open("a", encoding="utf-8") as file:
        lock(file, rows)
        recordings_done(rows, columns_of(bundle), bundle)
        names = set(map(cell, recordings(files)))
        lines = rows.read_bytes().splitlines(keepends=True)
        kept = [
            line for n, line in enumerate(lines) if n == 0 or failed_recording(line) not in names
        ]
        if len(kept) == len(lines):
            return
        # Windows replaces no open file, and has no lock that would be let go of.
        if sys.platform == "win32":
            file.close()
        write_bytes(rows, b"".join(kept))


def _row(
    name: str,
    parts: tuple[str, ...],
    files: Files,
    bundle: Bundle,
    given: Given,
    on_read: Callable[[str, ECG], None],
    on_explained: OnExplained,
) -> Mapping[str, str]:
    def explained() -> Explanation:
        ecg = read(parts, files, given)
        on_read(name, ecg)
        waves = delineate(ecg)
        found = explain(ecg, bundle, waves)
        on_explained(name, ecg, found, waves)
        return found

    found = attempted(explained)
    if isinstance(found, str):
        return {**about(name, bundle), "error": found}
    numbers = {code: f"{p:.6f}" for code, p in probabilities(found).items()}
    return {**about(name, bundle), **text_columns(found), **numbers}
