"""The time column of a table: numbers, clock times or dates, to the sampling rate."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd

from protoecg.ecg import RATE_HZ, ECGError
from protoecg.readers.given import Given, IncompleteFileError
from protoecg.readers.guesses import guessed_rate
from protoecg.readers.units import plain

SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds"), 1e-9),
}
# Of a column that names no unit; an ECG's step is a possible one in just one of them.
_GUESSES = (("seconds", 1.0), ("milliseconds", 1e-3), ("microseconds", 1e-6))
_CLOCK = re.compile(r"\[?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2}(?:[.,]\d{1,9})?)(?:\s[\d./-]{6,10})?\]?")


def is_unit(text: str) -> bool:
    """Whether a cell is a unit of time, or the pattern of one such as `hh:mm:ss.mmm`."""
    unit = plain(text)
    return unit in SECONDS or re.fullmatch(r"[hmsfdy:./\- ]{4,}", unit) is not None


def rate_of(
    cells: Sequence[str], name: str, unit: str, source: str, given: float | None
) -> tuple[float, tuple[str, ...]]:
    """Return the rate in Hz that a column of times gives, and what was assumed about it.

    Parameters
    ----------
    cells : the column as it is written
    name, unit : its heading, and its unit where the file says one
    source : the file, for the sentences of errors
    given : the rate that a person gave; worth more than a guess of the column's unit

    Raises
    ------
    IncompleteFileError
        If nothing says what they count.
    ECGError
        If the times have gaps.
    """
    numbers, seconds = _numbers(cells)
    step = _even_step(numbers, source)
    known = seconds or SECONDS.get(plain(unit)) or SECONDS.get(name.lower())
    if known:
        return _whole(_rate(step * known)), ()
    return _rate_of_unknown_unit(step, len(cells), source, given)


def _numbers(cells: Sequence[str]) -> tuple[np.ndarray, float | None]:
    """Return the times, NaN where there is none, and how many seconds one is, where known."""
    column = pd.Series(cells, dtype=str).str.strip()
    plain_numbers = pd.to_numeric(column.str.replace(",", "."), errors="coerce").to_numpy(float)
    if np.isfinite(plain_numbers).any():
        return plain_numbers, None
    parts = column.str.extract(_CLOCK.pattern)
    if parts[1].notna().any():
        hours, minutes = (pd.to_numeric(parts[i]).fillna(0) for i in (0, 1))
        seconds = pd.to_numeric(parts[2].str.replace(",", "."))
        return _over_midnight((hours * 3600 + minutes * 60 + seconds).to_numpy(float)), 1.0
    dates = _dates(column)
    return (np.full(len(cells), np.nan) if dates is None else dates), 1.0


def _dates(cells: Sequence[str]) -> np.ndarray | None:
    """Return ISO 8601 times in seconds, or None where they are none."""
    try:
        times = pd.to_datetime(pd.Series(cells, dtype=str), format="ISO8601", utc=True)
    except (ValueError, OverflowError):
        return None
    since = (times - times.iloc[0]) / pd.Timedelta(seconds=1)
    return since.to_numpy(float)


def _over_midnight(seconds: np.ndarray) -> np.ndarray:
    """Let times of day that begin anew at midnight go on growing."""
    falls = np.diff(seconds, prepend=seconds[:1]) < -43_200
    return seconds + 86_400 * np.cumsum(falls)


def _even_step(times: np.ndarray, source: str) -> float:
    if len(times) < 2 or not np.isfinite(times).all():
        raise ECGError(f"The time column of {source} has gaps. Export the ECG without gaps.")
    step = float(times[-1] - times[0]) / (len(times) - 1)
    even = times[0] + step * np.arange(len(times))
    if step <= 0 or np.abs(times - even).max() > 1.5 * step:
        raise ECGError(
            f"The time column of {source} does not grow evenly: samples are missing or repeated. "
            "Export the ECG without gaps."
        )
    return step


def _rate_of_unknown_unit(
    step: float, samples: int, source: str, given: float | None
) -> tuple[float, tuple[str, ...]]:
    # What the reader says is worth more than a guess: the column may count samples.
    if given:
        return given, (f"The time column names no unit: the given {given:g} Hz are used.",)
    if abs(step - 1) < 0.01:
        raise IncompleteFileError(
            f"The time column of {source} names no unit and grows by 1: these are samples or "
            "milliseconds. Give the rate in Hz, such as 500 (--rate 500), or name the unit in the "
            "first row, such as 'time (ms)'.",
            Given(rate=guessed_rate(samples)),
        )
    for word, seconds in _GUESSES:
        rate = _whole(_rate(step * seconds))
        if RATE_HZ[0] <= rate <= RATE_HZ[1]:
            note = f"The time column names no unit: {word} are assumed, {rate:g} Hz."
            return rate, (note,)
    raise IncompleteFileError(
        f"The time column of {source} grows by {step:g} a sample, neither seconds nor milliseconds "
        "of an ECG. Name its unit in the first row, such as 'time (s)', or give the rate in Hz "
        "(--rate 500).",
        Given(rate=guessed_rate(samples)),
    )


def _rate(step_s: float) -> float:
    """Return the rate in Hz of a step that may be too small for a number."""
    return 1 / step_s if step_s > sys.float_info.min else math.inf


def _whole(rate: float) -> float:
    """Rate without the rounding of printed times."""
    whole = float(np.rint(rate))
    return whole if abs(rate - whole) < 1e-3 * rate else rate
