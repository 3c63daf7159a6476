"""CSV files: a column or a row a lead, perhaps with the time of each sample."""

from __future__ import annotations

from protoecg.ecg import ECGError
from protoecg.readers.channels import Channel, Channels
from protoecg.readers.formats import READ
from protoecg.readers.tables import csv_time
from protoecg.readers.tables.csv_table import read_table

# Of text in UTF-16 that no mark tells: every other byte is zero where letters are Latin.
_LOOKED_AT = 40


def read(content: bytes, source: str, *, rate: float | None = None) -> Channels:
    """Read a table of samples; `rate` in Hz is worth more than a guess of the unit of its times.

    Leads are found by their names in the first row, in a comment or at the beginning of each row,
    in millivolts unless the name or a row below it has a unit ("I (uV)").
    """
    table = read_table(_text(content, source), source)
    own_rate, notes = table.rate, tuple[str, ...]()
    if table.time is not None:
        name, unit, cells = table.time
        own_rate, notes = csv_time.rate_of(cells, name, unit, source, rate)
    columns = zip(table.names, table.values.T, table.units, strict=True)
    channels = [Channel(name, values, own_rate, unit) for name, values, unit in columns]
    return Channels(channels, source, notes)


def _text(content: bytes, source: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    elif len(content) > 1 and not any(content[1:_LOOKED_AT:2]):
        text = content.decode("utf-16-le", errors="replace")
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
    # What typesetting programs write for a minus.
    return text.replace("\N{MINUS SIGN}", "-")
