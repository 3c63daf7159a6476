"""What is wrong with a described data set, before hours are spent on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from protoecg.ecg import ECGError
from training.data.convert import table
from training.data.dataset import DataError
from training.data.description import Described

# ECGs that are read, drawn by chance; all of a small data set.
READ = 300
# Fewer patients with a statement give no prototypes worth it, and no threshold.
RARE = 10
SHOWN = 8


@dataclass(frozen=True)
class Report:
    """What a check found: errors stop training, warnings may spoil it; `facts` are neither."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    facts: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the report, a line each."""
        yield from self.facts
        yield from (f"warning: {sentence}" for sentence in self.warnings)
        yield from (f"error: {sentence}" for sentence in self.errors)


def check(file: Path, read: int = READ) -> Report:
    """Check a description, its table and label set, and `read` of its ECGs.

    Raises
    ------
    DataError
        If the description cannot be used at all.
    """
    described = Described(file)
    ecgs = table(described)
    errors = [*_repeated(described), *_unreadable(described, read)]
    warnings = [*_leaking(ecgs), *_unlabelled(described), *_unmapped(described)]
    facts, rare = _counts(described, ecgs)
    return Report(tuple(errors), (*warnings, *rare), facts)


def _repeated(described: Described) -> Iterator[str]:
    records = described.names
    if twice := sorted(set(records[records.duplicated()])):
        yield f"{len(twice)} records stand in the table more than once: {_some(twice)}."


def _unreadable(described: Described, read: int) -> Iterator[str]:
    records = described.names.drop_duplicates()
    chosen = np.random.default_rng(0).permutation(len(records))[:read]
    failed: dict[str, str] = {}
    same: dict[str, list[str]] = {}
    for row, record in records.iloc[np.sort(chosen)].items():
        try:
            signal = described.read(cast("int", row)).signal
        except (ECGError, OSError) as error:
            failed[record] = str(error)
            continue
        same.setdefault(sha256(signal.tobytes()).hexdigest(), []).append(record)
    if failed:
        first, why = next(iter(failed.items()))
        yield f"{len(failed)} of {len(chosen)} ECGs cannot be read, such as {first}: {why}"
    if copies := [names for names in same.values() if len(names) > 1]:
        yield f"{len(copies)} ECGs are there under several names: {_some(copies[0])}."


def _leaking(ecgs: pd.DataFrame) -> Iterator[str]:
    folds = ecgs.groupby("patient_id")["strat_fold"].nunique()
    if leaking := int((folds > 1).sum()):
        yield f"{leaking} patients have ECGs in more than one fold, so that folds are not apart."
    if len(folds) == len(ecgs):
        yield "no patient has two ECGs: name the column of patients, if there is one."


def _unlabelled(described: Described) -> Iterator[str]:
    if bare := sum(not codes for codes in described.codes()):
        yield f"{bare} of {len(described.table)} ECGs carry no statement of the label set."


def _unmapped(described: Described) -> Iterator[str]:
    values = Counter(value for of_one in described.values() for value in of_one)
    lost = Counter({v: n for v, n in values.items() if not described.stands_for(v)})
    if lost:
        listed = "; ".join(f"{value[:60]!r} ({n})" for value, n in lost.most_common(SHOWN))
        yield f"{len(lost)} values stand for no statement and are left out: {listed}."


def _counts(described: Described, ecgs: pd.DataFrame) -> tuple[tuple[str, ...], list[str]]:
    codes, patients = described.codes(), ecgs["patient_id"].to_numpy()
    carriers: dict[str, set[int]] = {code: set() for code in described.labels}
    for patient, of_one in zip(patients, codes, strict=True):
        for code in of_one:
            carriers[code].add(int(patient))
    counts = Counter(code for of_one in codes for code in of_one)
    rare = [code for code in described.labels if 0 < len(carriers[code]) < RARE]
    absent = [code for code in described.labels if not carriers[code]]
    folds = ", ".join(f"{fold}: {n}" for fold, n in sorted(Counter(ecgs["strat_fold"]).items()))
    facts = (
        f"{described.about.name}: {len(ecgs)} ECGs of {len(set(patients))} patients",
        f"folds: {folds}",
        *(f"{n:7}  {described.labels.named(code)}" for code, n in counts.most_common()),
    )
    warnings = []
    if rare:
        warnings.append(f"fewer than {RARE} patients each carry {_some(rare)}.")
    if absent:
        warnings.append(f"nobody carries {_some(absent)}.")
    if missing := int(ecgs["age"].isna().sum()):
        warnings.append(f"{missing} ECGs are without an age.")
    if missing := int(pd.isna(ecgs["sex"]).sum()):
        warnings.append(f"{missing} ECGs are without a sex: see `male` and `female`.")
    return facts, warnings


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def refuse(report: Report) -> None:
    """Raise `DataError` if a check found errors."""
    if report.errors:
        raise DataError(f"{len(report.errors)} errors: mend them before you train.")
