"""The text of a table to its columns: where the names stand, and which way round it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from protoecg.ecg import LEADS, ECGError
from protoecg.leads.names import has_all_leads, lead_named
from protoecg.readers.channels import worth_reading
from protoecg.readers.recording import names_rate, without_accents
from protoecg.readers.tables import csv_time
from protoecg.readers.tables.csv_cells import (
    cells_of,
    delimiter_of,
    in_words,
    is_number,
    numbers_and_text,
)
from protoecg.readers.units import MICRO_SIGNS, millivolts, plain

MAX_COLUMNS = 64
MAX_ROWS = 400_000
MAX_NAME = 100
# Devices put lines about the patient and the recording before the table.
MAX_ROWS_BEFORE = 100
SOME_LEADS = 3
# I, II and V1 to V6.
FEWEST_COLUMNS = 8
# What a column is called that numbers the samples.
COUNTER = "#"

_IN_BRACKETS = re.compile(r"(?P<name>.*?)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]")
_AFTER_NAME = re.compile(
    rf"(?P<name>.*?)[\s_/]+(?P<unit>[mun{MICRO_SIGNS}]v|[mun{MICRO_SIGNS}]?s|sec)", re.IGNORECASE
)
_TIME_NAMES = {
    *("time", "t", "elapsedtime", "timestamp", "datetime", "date", *csv_time.SECONDS),
    *("zeit", "temps", "tiempo", "tempo", "tijd", "tid", "czas", "aika", "cas", "zaman", "ido"),
    *("\N{CYRILLIC SMALL LETTER VE}ремя", "时间", "時間", "시간"),
}
_UNIT_NAMES = {"unit", "units", "einheit", "unidad", "unite", "unita", "unidade", "eenheid"}


@dataclass(frozen=True)
class Table:
    """The channels of a table, and its time column where it has one.

    Parameters
    ----------
    names, units : of each channel; "" where the file says none
    values : (samples, channels); what is not there is NaN
    time : name, unit and cells of the time column
    rate : Hz, where a line before the table says it
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray
    time: tuple[str, str, list[str]] | None = None
    rate: float | None = None


@dataclass(frozen=True)
class _Layout:
    """Rows of samples from `first` on, and what stands above each column, "" where nothing does."""

    delimiter: str
    cells: tuple[str, ...]
    first: int


def read_table(text: str, source: str) -> Table:
    """Read a table with a column or a row a lead.

    Raises
    ------
    ECGError
        If it has no column for each lead, or text where numbers are expected.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_ROWS:
        raise ECGError(
            f"{source} has more than {MAX_ROWS:,} rows. Export a shorter part of the recording; "
            "ten seconds are enough."
        )
    lines = [line for line in text.split("\n") if _is_row(line)]
    if (turned := _rows_are_leads(lines, source)) is not None:
        return turned
    layout = _layout(lines, source)
    body = [line for line in lines[layout.first :] if not _is_comment(line)]
    table, above = _table(layout, body, source), lines[: layout.first]
    unit = _unit_before(above)
    units = tuple(own or unit for own in table.units)
    return replace(table, rate=_rate_before(above), units=units)


def _is_row(line: str) -> bool:
    # A row of tabs alone is a sample that is missing in every lead.
    return bool(line.strip()) or line.count("\t") >= len(LEADS) - 1


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("#", "%"))


def _layout(lines: list[str], source: str) -> _Layout:
    """Find the names of the leads, in a comment too, or the first row that is all numbers."""
    for index, line in enumerate(lines[:MAX_ROWS_BEFORE]):
        delimiter = delimiter_of(line)
        cells = cells_of(line.lstrip("#% ") if _is_comment(line) else line, delimiter)
        if _names_leads(cells, line):
            return _Layout(_body_delimiter(lines, index, delimiter), cells, index + 1)
    rows = [(i, line) for i, line in enumerate(lines[:MAX_ROWS_BEFORE]) if not _is_comment(line)]
    for index, line in rows:
        delimiter = delimiter_of(line)
        cells = cells_of(line, delimiter)
        if len(cells) >= FEWEST_COLUMNS and all(is_number(cell) for cell in cells if cell):
            return _unnamed(lines, index, delimiter, cells)
    number, line = rows[0] if rows else (0, "")
    columns = len(cells_of(line, delimiter_of(line)))
    raise ECGError(
        f"{source} has {in_words(columns)} in its row {number + 1}, "
        "expected a column for each of the twelve leads (or for I, II and V1 to V6), separated by "
        "comma, semicolon or tab, with their names in the first row."
    )


def _body_delimiter(lines: list[str], index: int, delimiter: str) -> str:
    # A comment may part its names otherwise than the rows below part their numbers.
    below = lines[index + 1 : index + 2]
    return delimiter_of(below[0]) if _is_comment(lines[index]) and below else delimiter


def _names_leads(cells: Sequence[str], line: str) -> bool:
    """Whether a row is the heading; one that names only some leads is one, unless a comment."""
    names = [_name_and_unit(cell)[0] for cell in cells]
    # 1, 2 and 3 are names of leads in one place, and numbers in all others.
    words = {lead_named(name) for name in names if not is_number(name)} - {None}
    return has_all_leads(names) or (len(words) >= SOME_LEADS and not _is_comment(line))


def _unnamed(lines: list[str], index: int, delimiter: str, cells: tuple[str, ...]) -> _Layout:
    """Return the layout of a table that names no leads, but perhaps its time."""
    nameless = [""] * len(cells[1:])
    if _counts(cells):
        return _Layout(delimiter, ("" if cells[0] else COUNTER, *nameless), index + 1)
    above = cells_of(lines[index - 1], delimiter) if index else ()
    if len(above) == len(cells):
        times = (cell if _is_time(_name_and_unit(cell)[0]) else "" for cell in above)
        return _Layout(delimiter, tuple(times), index)
    counted = _is_counter(lines[index : index + 50], delimiter, len(cells))
    return _Layout(delimiter, (COUNTER if counted else "", *nameless), index)


def _is_counter(lines: list[str], delimiter: str, columns: int) -> bool:
    """Whether the first column, one more than the leads, numbers the samples."""
    if columns not in (len(LEADS) + 1, FEWEST_COLUMNS + 1):
        return False
    first = [cells_of(line, delimiter)[0] for line in lines]
    return all(map(is_number, first)) and _numbers_in_steps([c.replace(",", ".") for c in first])


def _numbers_in_steps(cells: Sequence[str]) -> bool:
    steps = np.diff(np.array(cells, dtype=np.float64))
    return bool(len(steps) and steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-3))


def _table(layout: _Layout, body: list[str], source: str) -> Table:
    names, units = zip(*map(_name_and_unit, layout.cells), strict=True)
    if body and (row := _units_row(body[0], layout.delimiter, len(names))):
        units, body = tuple(u or r for u, r in zip(units, row, strict=True)), body[1:]
    time = next((i for i, name in enumerate(names) if _is_time(name)), None)
    columns = [i for i in _channels(names, body, layout.delimiter) if i != time]
    text = () if time is None else (time,)
    frame = numbers_and_text(body, layout.delimiter, len(names), columns, text, source)
    return Table(
        tuple(names[i] for i in columns),
        tuple(units[i] for i in columns),
        frame[columns].to_numpy(np.float64),
        None if time is None else (names[time], units[time], frame[time].tolist()),
    )


def _channels(names: Sequence[str], body: list[str], delimiter: str) -> list[int]:
    """Return which columns may be leads: those named so, and where these lack all with numbers."""
    if has_all_leads(names):
        return worth_reading(names)
    first = cells_of(body[0], delimiter) if body else ()
    return [
        i
        for i, cell in enumerate(first[: len(names)])
        if names[i] != COUNTER and (not cell or is_number(cell))
    ]


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells are column numbers, as pandas writes over a table without names."""
    numbered = list(cells[1:] if not cells[0] else cells)
    return any(numbered == [str(i + first) for i in range(len(numbered))] for first in (0, 1))


def _rate_before(lines: Iterable[str]) -> float | None:
    """Return the rate in Hz that a line before the table gives, such as `Sampling rate,500`."""
    for line in lines:
        words = re.split(r"[:=;,\t]", line.lstrip("#% "), maxsplit=1)
        number = re.match(r"\s*(\d{2,5}(?:\.\d+)?)(?![\d.])", words[-1])
        if len(words) == 2 and names_rate(_name_and_unit(words[0].strip())[0]) and number:
            return float(number[1])
    return None


def _unit_before(lines: Iterable[str]) -> str:
    """Return the unit that a line before the table gives all leads, such as `Unit,uV`."""
    for line in lines:
        words = re.split(r"[:=;,\t]", line.lstrip("#% "))
        if without_accents(words[0]) in _UNIT_NAMES and len(words) > 1 and millivolts(words[1]):
            return words[1].strip()
    return ""


def _rows_are_leads(lines: list[str], source: str) -> Table | None:
    """Read a table that has a row a lead, each begun by its name; None where it has none such."""
    rows = [line.lstrip("#% ") for line in lines[: MAX_COLUMNS + MAX_ROWS_BEFORE]]
    delimiters = [delimiter_of(row) for row in rows]
    heads = [
        _name_and_unit(_parts(row, d, 1)[0].strip(" '\""))
        for row, d in zip(rows, delimiters, strict=True)
    ]
    if not has_all_leads(name for name, _ in heads):
        return _nameless_rows(lines, source)
    leads = worth_reading([name for name, _ in heads])
    samples = [_row_of_numbers(_parts(rows[i], delimiters[i])[1:], source) for i in leads]
    if len({len(values) for values in samples}) > 1:
        raise ECGError(f"The rows of {source} differ in length; export all leads at one length.")
    names, units = zip(*(heads[i] for i in leads), strict=True)
    return Table(names, units, np.array(samples).T)


def _nameless_rows(lines: Sequence[str], source: str) -> Table | None:
    """Read rows of numbers: as many as leads, and each far longer than a row of samples."""
    rows = [line for line in lines if not _is_comment(line)]
    if len(rows) not in (len(LEADS), FEWEST_COLUMNS) or any(
        len(_parts(line, delimiter_of(line), MAX_COLUMNS)) <= MAX_COLUMNS for line in rows
    ):
        return None
    samples = [_row_of_numbers(_parts(line, delimiter_of(line)), source) for line in rows]
    return Table(("",) * len(rows), ("",) * len(rows), np.array(samples).T)


def _parts(row: str, delimiter: str, most: int = -1) -> list[str]:
    return row.split(None if delimiter == r"\s+" else delimiter, most)


def _row_of_numbers(cells: Sequence[str], source: str) -> np.ndarray:
    numbers = [cell.strip(" '\"").replace(",", ".") for cell in cells]
    while numbers and not numbers[-1]:
        numbers.pop()
    try:
        return np.array([float(number or "nan") for number in numbers])
    except ValueError:
        raise ECGError(
            f"Found text in {source} where the numbers of a lead are expected."
        ) from None


def _name_and_unit(cell: str) -> tuple[str, str]:
    # The time that a search for the unit takes grows with the square of the length.
    if len(cell) > MAX_NAME:
        return cell, ""
    match = _IN_BRACKETS.fullmatch(cell) or _AFTER_NAME.fullmatch(cell)
    return (match["name"].strip(), match["unit"].strip()) if match else (cell, "")


def _units_row(line: str, delimiter: str, columns: int) -> tuple[str, ...]:
    cells = cells_of(line, delimiter)
    if len(cells) != columns or not all(map(_is_unit, cells)):
        return ()
    return tuple(map(plain, cells))


def _is_unit(cell: str) -> bool:
    return not plain(cell) or csv_time.is_unit(cell) or millivolts(cell) is not None


def _is_time(name: str) -> bool:
    plain_name = without_accents(name)
    return plain_name in _TIME_NAMES or plain_name.endswith("time")
