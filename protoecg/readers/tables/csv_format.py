"""CSV files: a column or a row a lead, perhaps with the time of each sample."""

from __future__ import annotations

import numpy as np

from protoecg.ecg import LEADS, ECGError, lead_named
from protoecg.readers.arrays.npy_format import ORDER_NOTE
from protoecg.readers.formats import READ
from protoecg.readers.recording import Recording, rate_note
from protoecg.readers.tables import csv_time
from protoecg.readers.tables.csv_table import Table, read_table
from protoecg.readers.units import factor


def read(content: bytes, source: str, *, rate: float | None = None) -> Recording:
    """Read a table of samples; `rate` in Hz is needed where neither time nor a line gives it.

    Leads are found by their names in the first row, in a comment or at the beginning of each row,
    in millivolts unless the name or a row below it has a unit ("I (uV)"). A table without names
    must have exactly the twelve leads in their order.
    """
    table = read_table(_text(content, source), source)
    own_rate, notes = _rate_of(table, source, rate)
    if not any(table.names):
        return Recording.from_leads(table.values.T, LEADS, own_rate, source, (*notes, ORDER_NOTE))
    found = [
        factor(unit, str(lead_named(name))) if unit else (1.0, ())
        for name, unit in zip(table.names, table.units, strict=True)
    ]
    factors = np.array([to_mv for to_mv, _ in found])
    notes += tuple(note for _, assumed in found for note in assumed)
    values = table.values.T * factors[:, None]
    return Recording.from_leads(values, table.names, own_rate, source, notes)


def _rate_of(table: Table, source: str, given: float | None) -> tuple[float, tuple[str, ...]]:
    """Return the rate in Hz, and what was assumed about it."""
    own, notes = table.rate, tuple[str, ...]()
    if table.time is not None:
        name, unit, cells = table.time
        own, notes = csv_time.rate_of(cells, name, unit, source, given)
    if own:
        return own, (*notes, *rate_note(given, own))
    if given:
        return given, ()
    raise ECGError(
        f"{source} does not say its sampling rate: it has no column with the time. Give the rate "
        "in Hz, such as 500."
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
            f"Expected {READ}."
        )
    return text
