"""Rows of text to cells and numbers, whatever parts them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pandas as pd

from protoecg.ecg import ECGError

MAX_LINE = 4000

_DELIMITERS = ";\t,|"


def delimiter_of(line: str) -> str:
    """Return what parts the cells of a row: white space where there is nothing else."""
    best = max(_DELIMITERS, key=line.count)
    return best if best in line else r"\s+"


def cells_of(line: str, delimiter: str) -> tuple[str, ...]:
    """Return the cells of a row, without quotes, and without an empty one at its end."""
    if len(line) > MAX_LINE:
        return ()
    if delimiter == r"\s+":
        return tuple(line.split())
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return ()
    cells = tuple(cell.strip().strip("'").strip() for cell in row)
    return cells[:-1] if cells and not cells[-1] else cells


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a decimal point or comma."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def numbers_and_text(
    lines: list[str],
    delimiter: str,
    columns: int,
    leads: Sequence[int],
    text: Sequence[int],
    source: str,
) -> pd.DataFrame:
    """Read the columns to keep: numbers of the leads, text of the others; NaN where none is."""
    rows = [_row(line, delimiter, columns) for line in lines]
    if None in rows:
        number = rows.index(None)
        found = _count(lines[number], delimiter)
        raise ECGError(
            f"Sample {number + 1} of {source} has {in_words(found)}, expected {columns}. If "
            "numbers are written with a decimal comma, separate the columns by semicolons."
        )
    commas = any("," in line for line in lines[:1000])
    quoted = any('",' in line and re.search(r'"-?\d+,\d', line) for line in lines[:1000])
    try:
        return pd.read_csv(
            BytesIO("\n".join(map(str, rows)).encode()),
            sep=delimiter,
            decimal="," if quoted or (delimiter != "," and commas) else ".",
            header=None,
            names=list(range(columns)),
            usecols=[*leads, *text],
            dtype={**dict.fromkeys(leads, np.float64), **dict.fromkeys(text, str)},
            skipinitialspace=True,
            skip_blank_lines=False,
        )
    except (ValueError, OverflowError):
        raise ECGError(f"{_where_text_is(lines, delimiter, leads)} in {source}.") from None


def _row(line: str, delimiter: str, columns: int) -> str | None:
    """Return a row without the separator that some programs put at its end; None if ragged."""
    if delimiter == r"\s+":
        return line.strip() if _count(line, delimiter) == columns else None
    found = _count(line, delimiter)
    if found == columns + 1 and line.rstrip(" ").endswith(delimiter):
        return line.rstrip(" ").removesuffix(delimiter)
    return line if found == columns else None


def _count(line: str, delimiter: str) -> int:
    if delimiter == r"\s+":
        return len(line.split())
    if '"' in line:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    return line.count(delimiter) + 1


def in_words(columns: int) -> str:
    """Return "1 column", "12 columns"."""
    return f"{columns} column" if columns == 1 else f"{columns} columns"


def _where_text_is(lines: list[str], delimiter: str, keep: Sequence[int]) -> str:
    # The text itself is not quoted: it may name the patient.
    for number, line in enumerate(lines, 1):
        cells = cells_of(line, delimiter)
        for column in (i for i in keep if i < len(cells)):
            if cells[column] and not is_number(cells[column]):
                return f"Found text at sample {number}, column {column + 1}, expected a number,"
    return "Found text where numbers are expected"
