"""Files as they are handed over: CSV that no spreadsheet runs, each written in one step."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from protoecg.storage.files import write_bytes
from protoecg.storage.spreadsheet import harmless
from review_db.store.failures import RatingsError


def as_csv(frame: pd.DataFrame, columns: Sequence[str]) -> bytes:
    """Return these columns as CSV: UTF-8, times in UTC, no cell that would run as a formula.

    A cell that begins like a formula, or with an apostrophe, gets an apostrophe in front.
    """
    cells = frame[list(columns)].map(_cell)
    # With the line end of RFC 4180 the writer quotes cells that hold either of its characters.
    return cells.to_csv(index=False, lineterminator="\r\n").encode("utf-8")


def as_zip(files: Mapping[str, bytes]) -> bytes:
    """Return the files as one ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def write_files(folder: Path | str, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, made if missing; each replaces one of its name in one step.

    Raises
    ------
    RatingsError
        If the folder cannot be written to.
    """
    folder = Path(folder)
    try:
        for name, content in files.items():
            write_bytes(folder / name, content)
    except OSError as error:
        raise RatingsError(
            f"The export cannot be written to {folder}: {error.strerror}. Name a folder that may "
            "be written to."
        ) from error
    return [folder / name for name in files]


def _cell(value: object) -> object:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(timespec="microseconds")
    return harmless(value) if isinstance(value, str) else value
