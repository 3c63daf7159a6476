"""Tables as spreadsheets hand them over: CSV read as text, and cells that run no formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from protoecg.storage.files import may_never_end

if TYPE_CHECKING:
    import pandas as pd

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
    try:
        found = pd.read_csv(
            table, dtype=str, encoding="utf-8-sig", keep_default_na=False, na_values=missing or {}
        )
    except ValueError:
        raise ValueError("is no CSV in UTF-8 with a heading and rows of as many cells") from None
    # Of rows that all have more, pandas would take the first cells for the names of rows.
    if not isinstance(found.index, pd.RangeIndex):
        raise ValueError(
            "has rows of more cells than its heading; name them there, or take them out"
        )
    return found
