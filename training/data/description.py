"""A data set described by a TOML file: where its table is, and what its columns hold.

Without `tables`, every WFDB header below `records` is a row: a comment such as `#Age: 63` is the
column "Age", all comments together the column "comments".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from hashlib import sha256
from pathlib import Path

import pandas as pd

from protoecg.ecg import ECG, ECGError
from protoecg.labels import MAX_BYTES as MAX_LABELS
from protoecg.labels import PTBXL, LabelsError, LabelSet, read_labels
from protoecg.readers import read_ecg, read_path
from protoecg.readers.given import Given
from protoecg.storage.files import FormatError, read_limited
from protoecg.storage.spreadsheet import read_csv
from training.data.dataset import DataError, dictionary, is_inside
from training.data.description_file import PTBXL_LABELS, read_description
from training.data.exams import cut

COMMENTS = "comments"
MAX_HEADER_LINES = 500


class Described:
    """A description with the files that it names: its table, and each ECG's statements.

    Raises
    ------
    DataError
        If the description, its label set or its table cannot be read, or do not fit together.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.about = read_description(file)
        self.labels = self._labels()
        self.root = file.parent / self.about.records
        self._given = self._what_files_lack()
        self.table = self._table()
        self._refuse_missing_columns()
        self._refuse_outside()

    @property
    def checksum(self) -> str:
        """SHA-256 of what the description says and names, in hex."""
        content = self.file.read_text() + self.labels.to_csv() + self.table.to_csv(index=False)
        return sha256(content.encode()).hexdigest()

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
        """Return the codes that a value stands for: none where it is not mapped."""
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
            return read_path(file, **self._given.options)
        return read_ecg({file.name: cut(file, exams.iloc[row])}, **self._given.options)

    def column(self, name: str | None) -> pd.Series | None:
        """Return a column as text; None where the description names none."""
        return None if name is None else self.table[name]

    def _listed(self, cell: str) -> Iterator[str]:
        wanted = self.about.statements
        if wanted.dictionary:
            parts = dictionary(cell or "{}")
            if parts is None:
                raise DataError(f"{self.file}: {cell[:60]!r} is no dictionary.")
            yield from map(str, parts)
            return
        for part in cell.split(wanted.separator or None):
            if value := part.strip().strip(".").strip():
                yield value

    def _what_files_lack(self) -> Given:
        try:
            return Given.of(**self.about.given.model_dump())
        except ECGError as error:
            raise DataError(f"{self.file} cannot be used: given: {error}") from error

    def _labels(self) -> LabelSet:
        if self.about.labels == PTBXL_LABELS:
            return PTBXL
        path = self.file.parent / self.about.labels
        try:
            return read_labels(read_limited(path, MAX_LABELS), str(path))
        except LabelsError as error:
            raise DataError(str(error)) from error
        except FormatError as error:
            raise DataError(f"{error}. Name a CSV of labels.") from error
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

    def _refuse_outside(self) -> None:
        records = self.table[self.about.columns.record]
        if outside := [each for each in records if each and not is_inside(each)]:
            raise DataError(
                f"{self.file} names the record {outside[0][:60]!r}, expected paths below "
                f"{self.root}."
            )


def _csv(path: Path) -> pd.DataFrame:
    try:
        return read_csv(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"{path} {error}.") from error


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
        named = {name.strip(" <>"): value.strip() for name, colon, value in fields if colon}
        record = header.relative_to(root).with_suffix("").as_posix()
        rows.append({**named, "record": record, COMMENTS: "\n".join(comments)})
    return pd.DataFrame(rows).fillna("")
