"""What every data set is once it is read: a table with a row an ECG, and its label set."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd

from protoecg.labels import LabelSet

TABLE, LABELS = "ptbxl_database.csv", "labels.csv"


class DataError(ValueError):
    """A data set that cannot be used; the message says what is missing and where to get it."""


@dataclass(frozen=True)
class Dataset:
    """ECGs of a data set in PTB-XL's layout.

    Parameters
    ----------
    root : its folder
    name : what to call it
    simulated : whether its ECGs are
    licence : that its ECGs are under
    label_set : of its codes
    table : one row an ECG: `record`, `patient`, `fold`, `age`, `sex`, `codes` (a tuple), `scp`
        (those that PTB-XL knows, by its codes), `findings` (those that say more than that the ECG
        is normal or in sinus rhythm), and what
        is known of these: `likelihoods` (a mapping, percent, of those that have one), `validated`
        (by a human; None if not known), `noise` (a tuple of remarks), `report` (in words),
        `recorder` (its make); the last two are empty if not known
    """

    root: Path
    name: str
    simulated: bool
    licence: str
    label_set: LabelSet
    table: pd.DataFrame

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements that occur, in the order of the label set."""
        present = {code for codes in self.table["codes"] for code in codes}
        return tuple(code for code in self.label_set if code in present)

    @property
    def checksum(self) -> str:
        """SHA-256 of which ECG is in which fold with which statements, in hex."""
        rows = self.table[["record", "fold", "codes"]].to_csv(index=False)
        return sha256(rows.encode()).hexdigest()

    def folds(self, folds: Sequence[int]) -> Dataset:
        """Return the ECGs of some folds only.

        Raises
        ------
        DataError
            If there is none of one of them.
        """
        if missing := set(folds) - set(self.table["fold"]):
            raise DataError(f"{self.root} has no ECG of fold {', '.join(map(str, missing))}.")
        table = self.table[self.table["fold"].isin(folds)].reset_index(drop=True)
        return replace(self, table=table)

    def labels(self, statements: Sequence[str]) -> np.ndarray:
        """Return (n, len(statements)) float32, 1 where the statement is present."""
        rows = [[code in codes for code in statements] for codes in map(set, self.table["codes"])]
        return np.array(rows, dtype=np.float32)


def is_inside(record: str) -> bool:
    """Say whether a table names a file in its own folder, and not one elsewhere on the machine."""
    path = PurePath(record)
    return (
        bool(record.strip())
        and record.isprintable()
        and not (path.is_absolute() or ".." in path.parts)
    )


def dictionary(cell: str) -> dict[Any, Any] | None:
    """Return the dictionary that a cell holds as Python writes it; None if it holds none."""
    try:
        found = ast.literal_eval(cell)
    # What is nested too deep, and numbers of too many digits, in any version of Python.
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def folds_of(about: Mapping[str, Any], dataset: Dataset, use: str) -> set[int]:
    """Return the folds of a data set that a bundle was made with, by its manifest.

    Parameters
    ----------
    use : "train_folds" or "validation_folds"
    """
    return set(stated_folds(about, use)) if about.get("data") == dataset.name else set()


def stated_folds(about: Mapping[str, Any], use: str) -> list[int]:
    """Return the folds that a bundle's manifest names for a use, see `folds_of`.

    Raises
    ------
    DataError
        If it does not say them.
    """
    config = about.get("config")
    folds = config.get(use) if isinstance(config, Mapping) else None
    if not isinstance(folds, list) or not all(type(fold) is int for fold in folds):
        raise DataError(
            f"The bundle does not say its {use}: its bundle.json was changed. Get it again."
        )
    return folds
