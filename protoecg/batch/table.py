"""The table of a batch: CSV rows that a run can go on with, held by one run at a time."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Collection
from io import StringIO
from pathlib import Path
from typing import TextIO

import pandas as pd

from protoecg.bundle import Bundle
from protoecg.storage.spreadsheet import harmless, plain

ABOUT = (
    "file",
    "error",
    "bundle",
    "revision",
    "abstains",
    "quality",
    "notes",
    "likely",
    "possible",
    "unnamed",
)


class BatchError(ValueError):
    """A batch that cannot be done or gone on with; the message says what to do."""


def rows_of(out: Path) -> Path:
    """Return where the rows of a table are written: beside a Parquet file, which is made last."""
    return out.with_suffix(".csv") if is_parquet(out) else out


def is_parquet(out: Path) -> bool:
    """Whether a table is to be written as Parquet."""
    return out.suffix.lower() == ".parquet"


def columns_of(bundle: Bundle) -> tuple[str, ...]:
    """Return the names of the columns: `ABOUT`, then the statements that a bundle decides."""
    return (*ABOUT, *bundle.statements)


def read_rows(written: bytes) -> pd.DataFrame:
    """Return what a run has written so far: text as it was found, probabilities as numbers.

    Needs at least the line with the columns' names.
    """
    # The run that writes may be in the middle of a row.
    whole = written[: written.rfind(b"\n") + 1].decode()
    numbers = next(csv.reader(StringIO(whole, newline="")), [])[len(ABOUT) :]
    table = pd.read_csv(
        StringIO(whole, newline=""),
        dtype=dict.fromkeys(ABOUT, str) | dict.fromkeys(numbers, float),
        keep_default_na=False,
        na_values=dict.fromkeys(numbers, ""),
    )
    return table.assign(**{name: table[name].map(plain) for name in ABOUT})


def lock(file: TextIO, rows: Path) -> None:
    """Hold the table as long as the file is open: a run that is killed lets go of it.

    Raises
    ------
    BatchError
        If another run holds it.
    """
    # Windows has no such lock, so two runs are not told apart there.
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Else `forget_failures` of another run replaced it before it was held.
        mine = os.path.samestat(os.fstat(file.fileno()), rows.stat())
    except BlockingIOError:
        mine = False
    if not mine:
        raise BatchError(
            f"Another run is writing to {rows}. Wait until it ends, or name another file."
        )


def recordings_done(out: Path, columns: tuple[str, ...], bundle: Bundle) -> set[str]:
    """Return the recordings that have a row, once a row that was cut short is taken off.

    Raises
    ------
    BatchError
        If the table was not written by this bundle.
    """
    written = out.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    rows = list(csv.DictReader(StringIO(whole.decode("utf-8", "replace"), newline="")))
    heading = csv_line(columns)
    # Else the line that is cut short may be all of somebody's file.
    same = whole.decode("utf-8", "replace").startswith(heading) or (
        not whole and heading.encode().startswith(written)
    )
    if not same or any(row["revision"] != cell(bundle.revision) for row in rows):
        raise BatchError(f"{out} holds something else than rows of this bundle. Name another file.")
    if len(whole) < len(written):
        os.truncate(out, len(whole))
    return {row["file"] for row in rows}


def failed_recording(line: bytes) -> str | None:
    """Return the recording of a row with an error."""
    row = dict(zip(ABOUT, next(csv.reader([line.decode("utf-8", "replace")]), ()), strict=False))
    return row["file"] if row.get("error") else None


def csv_line(cells: Collection[str]) -> str:
    """Return a row as it is written, with its line end."""
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(map(cell, cells))
    return text.getvalue()


def cell(text: str) -> str:
    """Return a text as it stands in a cell: on one line, and no formula."""
    # A row is one line, whatever a file is called: a run that was killed is mended by lines.
    return harmless("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))
