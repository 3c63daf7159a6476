"""A data set described by a TOML file: where its table is, and what its columns hold.

Without `tables`, every WFDB header below `records` is a row: a comment such as `#Age: 63` is the
column "Age", all comments together the column "comments".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protoecg.ecg import ECG
from protoecg.labels import PTBXL, LabelsError, LabelSet, read_labels
from protoecg.readers import read_ecg, read_path
from protoecg.storage.files import read_toml
from training.data.dataset import DataError
from training.data.exams import cut

PTBXL_LABELS = "PTB-XL"
COMMENTS = "comments"
MAX_HEADER_LINES = 500

Columns = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ColumnNames(_Part):
    """Which column holds what; what is not named is not known.

    Parameters
    ----------
    record : path of an ECG below `records`, with or without suffix; needed where there is a table
    exam : number of an ECG in the HDF5 file that `record` names, see `training.data.exams`
    patient : else each ECG counts as a patient of its own
    fold : 1 to 10; else patients are dealt to folds, see `Split`
    """

    record: str = "record"
    exam: str | None = None
    patient: str | None = None
    fold: str | None = None
    age: str | None = None
    sex: str | None = None
    report: str | None = None


class Statements(_Part):
    """How the statements of an ECG are found.

    Parameters
    ----------
    lists : columns with several values in each cell, or with one
    separator : between them
    dictionary : whether the cells of `lists` are dictionaries as Python writes them, by statement
    each : columns of one statement, which an ECG carries where 1, true or yes stands in it
    map : of values (or names of columns) to one or several codes of the label set; a value that
        ends in `*` is of all that begin so, the longest one first. Without any, values are codes
    """

    lists: list[str] = []
    separator: str = ","
    dictionary: bool = False
    each: list[str] = []
    map: dict[str, str | list[str]] = {}


class Split(_Part):
    """How patients are dealt to folds where no column says.

    Parameters
    ----------
    by : "chance" deals all patients at once, as evenly as can be; "hash" goes by each one's number
        or record alone, so that nobody changes folds when others come
    """

    by: Literal["chance", "hash"] = "chance"
    folds: Annotated[int, Field(ge=3, le=100)] = 10
    seed: Annotated[int, Field(ge=0)] = 1


class Description(_Part):
    """A data set, as its TOML file describes it.

    Parameters
    ----------
    name : what to call it; a bundle says by it what it was trained on
    licence : that its ECGs are under
    records : folder of the ECGs, from the TOML file on
    sources : folders in there whose headers are read; all of them if empty
    tables : CSV files, joined by the column `on`; empty where the headers say all
    labels : CSV file of the label set, see `protoecg.labels`; or "PTB-XL"
    male, female : how the column of the sex says it
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    licence: Annotated[str, Field(min_length=1, max_length=120)]
    records: str = "."
    sources: list[str] = []
    tables: list[str] = []
    on: str | None = None
    labels: str = PTBXL_LABELS
    simulated: bool = False
    columns: ColumnNames = ColumnNames()
    statements: Statements
    split: Split = Split()
    male: list[str] = ["male", "Male", "M", "m"]
    female: list[str] = ["female", "Female", "F", "f"]


class Described:
    """A description with the files that it names: its table, and each ECG's statements.

    Raises
    ------
    DataError
        If the description, its label set or its table cannot be read, or do not fit together.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.about = _read(file)
        self.labels = self._labels()
        self.root = file.parent / self.about.records
        self.table = self._table()
        self._refuse_missing_columns()

    @property
    def checksum(self) -> str:
        """SHA-256 of what the description says and names, in hex."""
        said = self.file.read_text() + self.labels.to_csv() + self.table.to_csv(index=False)
        return sha256(said.encode()).hexdigest()

    def values(self) -> list[set[str]]:
        """Return what each ECG is labelled with, in the data set's own words."""
        wanted = self.about.statements
        rows: list[set[str]] = [set() for _ in range(len(self.table))]
        for column in wanted.lists:
            for found, cell in zip(rows, self.table[column], strict=True):
                found |= set(self._listed(cell))
        for column in wanted.each:
            for found, cell in zip(rows, self.table[column], strict=True):
                if cell.strip().lower() in {"1", "1.0", "true", "yes"}:
                    found.add(column)
        return rows

    def stands_for(self, value: str) -> tuple[str, ...]:
        """Return the codes that a value stands for: none where nothing is said of it."""
        given = self.about.statements.map
        if not given:
            return (value,) if value in self.labels else ()
        starts = (start for start in given if start.endswith("*") and value.startswith(start[:-1]))
        found = value if value in given else max(starts, key=len, default=None)
        return _several(given[found]) if found else ()

    def codes(self) -> list[tuple[str, ...]]:
        """Return the statements of each ECG, in the order of the label set."""
        found = [
            {code for value in values for code in self.stands_for(value)}
            for values in self.values()
        ]
        return [tuple(code for code in self.labels if code in of) for of in found]

    @property
    def names(self) -> pd.Series:
        """What each ECG is called: its record, and its exam where the record holds several."""
        records, exams = self.table[self.about.columns.record], self.column(self.about.columns.exam)
        return records if exams is None else records + ":" + exams

    def read(self, row: int) -> ECG:
        """Read an ECG.

        Raises
        ------
        ECGError, OSError
            If it cannot be read.
        """
        file = self.root / self.table[self.about.columns.record].iloc[row]
        exams = self.column(self.about.columns.exam)
        if exams is None:
            return read_path(file)
        return read_ecg({file.name: cut(file, exams.iloc[row])})

    def column(self, name: str | None) -> pd.Series | None:
        """Return a column as text; None where the description names none."""
        return None if name is None else self.table[name]

    def _listed(self, cell: str) -> Iterator[str]:
        wanted = self.about.statements
        if wanted.dictionary:
            try:
                parts: Any = ast.literal_eval(cell or "{}")
            except (ValueError, SyntaxError):
                raise DataError(f"{self.file}: {cell[:60]!r} is no dictionary.") from None
            yield from map(str, parts)
            return
        for part in cell.split(wanted.separator or None):
            if value := part.strip().strip(".").strip():
                yield value

    def _labels(self) -> LabelSet:
        if self.about.labels == PTBXL_LABELS:
            return PTBXL
        path = self.file.parent / self.about.labels
        try:
            return read_labels(path.read_bytes(), str(path))
        except LabelsError as error:
            raise DataError(str(error)) from error
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error

    def _table(self) -> pd.DataFrame:
        if not self.about.tables:
            return _from_headers(self.root, self.about.sources)
        tables = [_csv(self.file.parent / name) for name in self.about.tables]
        if len(tables) > 1 and not (self.about.on and all(self.about.on in t for t in tables)):
            raise DataError(f"{self.file}: `on` must name a column that all tables have.")
        return reduce(lambda a, b: a.merge(b, on=self.about.on, suffixes=("", "_")), tables)

    def _refuse_missing_columns(self) -> None:
        wanted = self.about.statements
        named = [*self.about.columns.model_dump().values(), *wanted.lists, *wanted.each]
        if missing := sorted({name for name in named if name} - set(self.table)):
            raise DataError(
                f"{self.file} names the columns {', '.join(missing)}, which are not in its table; "
                f"there are {', '.join(map(str, list(self.table)[:30]))}."
            )
        named_codes = {code for codes in wanted.map.values() for code in _several(codes)}
        if unknown := sorted(named_codes - set(self.labels)):
            raise DataError(
                f"{self.file} maps to {', '.join(unknown[:10])}, which the label set doesn't have."
            )
        if not (wanted.lists or wanted.each):
            raise DataError(f"{self.file} names no columns of statements (`lists` or `each`).")


def _read(file: Path) -> Description:
    try:
        return Description.model_validate(read_toml(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{file} cannot be used: {where}: {first['msg']}.") from error
    except ValueError as error:
        raise DataError(f"{file} is no TOML: {error}.") from error


def _csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no CSV in UTF-8: {error}.") from error


def _several(codes: str | list[str]) -> tuple[str, ...]:
    return (codes,) if isinstance(codes, str) else tuple(codes)


def _from_headers(root: Path, sources: list[str]) -> pd.DataFrame:
    """Return a row for each WFDB header below a folder: its record, its comments, their fields."""
    headers: list[Path] = []
    for folder in [root / source for source in sources] or [root]:
        found = sorted(folder.rglob("*.hea"), key=lambda path: (len(path.name), path.as_posix()))
        if not found:
            raise DataError(
                f"There is no WFDB header below {folder}: name its folder in `records`, or the "
                "folders in there that you have in `sources`."
            )
        headers += found
    rows = []
    for header in headers:
        lines = header.read_text(encoding="utf-8", errors="replace").splitlines()[:MAX_HEADER_LINES]
        comments = [line.lstrip("# ").strip() for line in lines if line.startswith("#")]
        fields = (comment.partition(":") for comment in comments)
        told = {name.strip(" <>"): value.strip() for name, colon, value in fields if colon}
        record = header.relative_to(root).with_suffix("").as_posix()
        rows.append({**told, "record": record, COMMENTS: "\n".join(comments)})
    return pd.DataFrame(rows).fillna("")
