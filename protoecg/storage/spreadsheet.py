"""Tables as spreadsheets hand them over: CSV read as text, and cells that run no formula."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from protoecg.storage.files import may_never_end

if TYPE_CHECKING:
    import pandas as pd

# Each takes pandas as much time as thousands of rows.
MOST_COLUMNS = 10_000
_NO_TABLE = "is no CSV in UTF-8 with a heading and rows of as many cells"
_FORMULA_STARTS = tuple("=+-@\t\r\n'＝＋－＠")


def harmless(text: str) -> str:
    """Put an apostrophe in front of text that begins like a formula, or with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def plain(text: str) -> str:
    """Return the text that `harmless` was given."""
    return text.removeprefix("'")


def read_csv(
    table: Path | BytesIO, missing: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Return the cells of a CSV (UTF-8, with a heading) as text.

    Parameters
    ----------
    missing : of a column, the texts that stand for no value; none, by default

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If it is no such table; the message goes on after its name, and is meant for who wrote it.
    """
    import pandas as pd

    if isinstance(table, Path) and may_never_end(table):
        raise ValueError("is no file")
    if _columns(table) > MOST_COLUMNS:
        raise ValueError(f"has more than {MOST_COLUMNS:,} columns")
    try:
        found = pd.read_csv(
            table, dtype=str, encoding="utf-8-sig", keep_default_na=False, na_values=missing or {}
        )
    except ValueError:
        raise ValueError(_NO_TABLE) from None
    # Of rows that all have more, pandas would take the first cells for the names of rows.
    if not isinstance(found.index, pd.RangeIndex):
        raise ValueError(
            "has rows of more cells than its heading; name them there, or take them out"
        )
    return found


def _columns(table: Path | BytesIO) -> int:
    opened = table.open("rb") if isinstance(table, Path) else BytesIO(table.getvalue())
    with TextIOWrapper(opened, encoding="utf-8-sig", newline="") as text:
        try:
            return len(next(csv.reader(text), []))
        except (csv.Error, UnicodeDecodeError):
            raise ValueError(_NO_TABLE) from None
