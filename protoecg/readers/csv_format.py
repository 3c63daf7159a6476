"""CSV files: one row a sample, one column a lead, perhaps a column with the time."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pandas as pd

from protoecg.ecg import LEADS, RATE_HZ, ECGError, lead_named
from protoecg.readers.npy_format import ORDER_NOTE
from protoecg.readers.recording import Recording, rate_note
from protoecg.readers.units import MICRO_SIGNS, factor, millivolts, plain

MAX_COLUMNS = 64
MAX_ROWS = 400_000
MAX_LINE = 4000
MAX_NAME = 100

_DELIMITERS = ";\t,"
_IN_BRACKETS = re.compile(r"(?P<name>.*?)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]")
_AFTER_NAME = re.compile(
    rf"(?P<name>.*?)[\s_/]+(?P<unit>[mun{MICRO_SIGNS}]v|ms|s|sec)", re.IGNORECASE
)
_TIME_NAMES = {"time", "t", "elapsedtime", "timestamp", "zeit", "seconds", "sec", "s", "ms"}
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
}


@dataclass(frozen=True)
class _Table:
    """Columns, `values` (rows, columns); a name or unit is "" where the file says none."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray


def read(content: bytes, source: str, *, rate: float | None = None) -> Recording:
    """Read a table of samples; `rate` in Hz is needed where no column gives the time.

    Leads are found by their names in the first row, in millivolts unless the name has a unit
    ("I (uV)"). A table without names must have exactly the twelve leads in their order.
    """
    table = _read_table(_text(content, source), source)
    own_rate: float | None
    notes: tuple[str, ...]
    time = next((i for i, name in enumerate(table.names) if _is_time(name)), None)
    own_rate, notes = _rate_of(table, time, source, rate) if time is not None else (None, ())
    if own_rate is None and rate is None:
        raise ECGError(
            f"{source} does not say its sampling rate: it has no column with the time. Give the "
            "rate in Hz, such as 500."
        )
    if own_rate:
        notes += rate_note(rate, own_rate)
    if table.names and not any(table.names):
        found = (*notes, ORDER_NOTE)
        return Recording.from_leads(table.values.T, LEADS, float(rate or 0), source, found)
    factors, unit_notes = _factors(table)
    return Recording.from_leads(
        table.values.T * factors[:, None],
        table.names,
        own_rate or float(rate or 0),
        source,
        (*notes, *unit_notes),
    )


def _text(content: bytes, source: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text or not text.strip():
        raise ECGError(
            f"{source} is {'empty' if not content.strip() else 'no file of a known format'}. "
            "Expected a WFDB record (.hea with .dat or .mat), a CSV table or an NPY array."
        )
    return text


def _read_table(text: str, source: str) -> _Table:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_ROWS:
        raise ECGError(
            f"{source} has more than {MAX_ROWS:,} rows. Export a shorter part of the recording; "
            "ten seconds are enough."
        )
    lines = [line for line in text.split("\n") if _is_row(line)]
    first = _first_row(lines)
    line = lines[first] if lines else ""
    delimiter = max(_DELIMITERS, key=line.count)
    cells = _cells(line, delimiter)
    if not len(LEADS) <= len(cells) <= MAX_COLUMNS:
        raise ECGError(
            f"{source} has {_in_words(len(cells))} in its row {first + 1}, expected a column for "
            "each of the twelve leads, separated by comma, semicolon or tab, with their names in "
            "the first row."
        )
    if all(_is_number(cell) for cell in cells):
        return _table_without_names(lines[first:], delimiter, len(cells), source)
    names, units = zip(*map(_name_and_unit, cells), strict=True)
    body = lines[first + 1 :]
    if body and (row := _units_row(body[0], delimiter, len(cells))):
        units, body = tuple(u or r for u, r in zip(units, row, strict=True)), body[1:]
    keep = [i for i, name in enumerate(names) if lead_named(name) or _is_time(name)]
    values = _numbers(body, delimiter, len(cells), keep, source)
    return _Table(tuple(names[i] for i in keep), tuple(units[i] for i in keep), values)


def _is_row(line: str) -> bool:
    # A row of tabs alone is a sample that is missing in every lead.
    written = line.strip() or line.count("\t") >= len(LEADS) - 1
    return bool(written) and not line.startswith("#")


def _first_row(lines: list[str]) -> int:
    """Index of the row of lead names; devices put lines about the patient before it."""
    for index, line in enumerate(lines[:100]):
        cells = _cells(line, max(_DELIMITERS, key=line.count))
        if len({lead_named(_name_and_unit(cell)[0]) for cell in cells} - {None}) == len(LEADS):
            return index
    return 0


def _table_without_names(lines: list[str], delimiter: str, columns: int, source: str) -> _Table:
    if columns != len(LEADS):
        raise ECGError(
            f"{source} names no leads and has {columns} columns. Write the names of the leads into "
            "the first row, or give exactly the twelve leads I, II, III, aVR, aVL, aVF, V1 to V6."
        )
    values = _numbers(lines, delimiter, columns, list(range(columns)), source)
    return _Table(("",) * columns, ("",) * columns, values)


def _cells(line: str, delimiter: str) -> list[str]:
    if len(line) > MAX_LINE:
        return []
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    cells = [cell.strip().strip("'").strip() for cell in row]
    return cells[:-1] if cells and not cells[-1] else cells


def _name_and_unit(cell: str) -> tuple[str, str]:
    # The time that a search for the unit takes grows with the square of the length.
    if len(cell) > MAX_NAME:
        return cell, ""
    match = _IN_BRACKETS.fullmatch(cell) or _AFTER_NAME.fullmatch(cell)
    return (match["name"].strip(), match["unit"].strip()) if match else (cell, "")


def _units_row(line: str, delimiter: str, columns: int) -> tuple[str, ...]:
    cells = _cells(line, delimiter)
    if len(cells) != columns or not all(map(_is_unit, cells)):
        return ()
    return tuple(map(plain, cells))


def _is_unit(cell: str) -> bool:
    return not plain(cell) or plain(cell) in _SECONDS or millivolts(cell) is not None


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _numbers(
    lines: list[str], delimiter: str, columns: int, keep: list[int], source: str
) -> np.ndarray:
    """Values of the columns to keep: (rows, len(keep)); what is not there is NaN."""
    rows = [_row(line, delimiter, columns) for line in lines]
    if None in rows:
        number = rows.index(None)
        found = _columns(lines[number], delimiter)
        raise ECGError(
            f"Sample {number + 1} of {source} has {_in_words(found)}, expected {columns}. If "
            "numbers are written with a decimal comma, separate the columns by semicolons."
        )
    decimal = "," if delimiter != "," and any("," in line for line in lines[:1000]) else "."
    try:
        table = pd.read_csv(
            BytesIO("\n".join(map(str, rows)).encode()),
            sep=delimiter,
            decimal=decimal,
            header=None,
            names=list(range(columns)),
            usecols=keep,
            dtype=np.float64,
            skipinitialspace=True,
            skip_blank_lines=False,
        )
    except (ValueError, OverflowError) as error:
        raise ECGError(f"{_where_text_is(lines, delimiter, keep)} in {source}.") from error
    return table.to_numpy()


def _row(line: str, delimiter: str, columns: int) -> str | None:
    """Return a row without the separator that some programs put at its end; None if ragged."""
    found = _columns(line, delimiter)
    if found == columns + 1 and line.rstrip(" ").endswith(delimiter):
        return line.rstrip(" ").removesuffix(delimiter)
    return line if found == columns else None


def _columns(line: str, delimiter: str) -> int:
    if '"' in line:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    return line.count(delimiter) + 1


def _in_words(columns: int) -> str:
    return f"{columns} column" if columns == 1 else f"{columns} columns"


def _where_text_is(lines: list[str], delimiter: str, keep: list[int]) -> str:
    for number, line in enumerate(lines, 1):
        cells = _cells(line, delimiter)
        for text in (cells[i] for i in keep if i < len(cells)):
            if text and not _is_number(text):
                return f"Found {text[:40]!r} at sample {number}, expected a number,"
    return "Found text where numbers are expected"


def _is_time(name: str) -> bool:
    return re.sub(r"[\s_]", "", name.lower()) in _TIME_NAMES


def _rate_of(
    table: _Table, column: int, source: str, given: float | None
) -> tuple[float, tuple[str, ...]]:
    """Return the rate in Hz by the time column, and what was assumed about it."""
    time = table.values[:, column]
    if len(time) < 2 or not np.isfinite(time).all():
        raise ECGError(f"The time column of {source} has gaps. Export the ECG without gaps.")
    step = (time[-1] - time[0]) / (len(time) - 1)
    even = time[0] + step * np.arange(len(time))
    if step <= 0 or np.abs(time - even).max() > 1.5 * step:
        raise ECGError(
            f"The time column of {source} does not grow evenly: samples are missing or repeated. "
            "Export the ECG without gaps."
        )
    unit = plain(table.units[column]) or table.names[column].lower()
    if unit in _SECONDS:
        return _whole(1 / (step * _SECONDS[unit])), ()
    return _rate_of_unknown_unit(step, source, given)


def _rate_of_unknown_unit(
    step: float, source: str, given: float | None
) -> tuple[float, tuple[str, ...]]:
    # What the reader says is worth more than a guess: the column may count samples.
    if given:
        return given, (f"The time column names no unit: the given {given:g} Hz are used.",)
    if step == 1:
        raise ECGError(
            f"The time column of {source} names no unit and grows by 1: these are samples or "
            "milliseconds. Give the rate in Hz, such as 500, or name the unit in the first row, "
            "such as 'time (ms)'."
        )
    for word, seconds in (("seconds", 1.0), ("milliseconds", 1e-3)):
        rate = _whole(1 / (step * seconds))
        if RATE_HZ[0] <= rate <= RATE_HZ[1]:
            note = f"The time column names no unit: {word} are assumed, {rate:g} Hz."
            return rate, (note,)
    raise ECGError(
        f"The time column of {source} grows by {step:g} a sample, neither seconds nor milliseconds "
        "of an ECG. Name its unit in the first row, such as 'time (s)'."
    )


def _whole(rate: float) -> float:
    """Rate without the rounding of printed times."""
    return float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate


def _factors(table: _Table) -> tuple[np.ndarray, tuple[str, ...]]:
    """Factor to millivolts for each column, and what was assumed about it."""
    found = [
        factor(unit, name) if unit and lead_named(name) else (1.0, ())
        for name, unit in zip(table.names, table.units, strict=True)
    ]
    return np.array([f for f, _ in found]), tuple(note for _, notes in found for note in notes)
