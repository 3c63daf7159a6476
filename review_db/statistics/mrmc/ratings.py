"""A table of ratings as an array, checked, with what had to be left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import pandas as pd

from protoecg.storage.spreadsheet import read_csv
from review_db.statistics import Array

COLUMNS = ("reader", "case", "treatment", "truth", "rating")
MOST_TREATMENTS = 20
# A quarter of a gigabyte.
MOST_CELLS = 2**25
# Treatments times readers: each goes with each other in a table of covariances.
MOST_PAIRED = 2_000


@dataclass(frozen=True)
class Ratings:
    """Ratings by treatment, reader and case.

    Parameters
    ----------
    treatments, readers, cases : their names, in the order of the axes
    values : (treatments, readers, cases), NaN where a case was not rated
    truth : (cases,), 1 diseased, 0 not
    paired : whether readers rated the same cases under each treatment
    left_out : how many ratings don't count, as the same reader didn't rate the same case under
        every treatment
    readers_left_out : those without any rating under one of the treatments
    """

    treatments: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    values: Array
    truth: Array
    paired: bool
    left_out: int
    readers_left_out: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every reader rated every case under every treatment."""
        return not np.isnan(self.values).any()


def read_ratings(file: Path) -> pd.DataFrame:
    """Read a CSV (UTF-8) with the columns `COLUMNS` and any others; a rating may be empty or NA.

    Raises
    ------
    ValueError
        If it cannot be read; `arranged` checks what it holds.
    """
    try:
        return read_csv(file, {"rating": ["", "NA", "NaN"]})
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ValueError(f"{file} {error}.") from error


def arranged(table: pd.DataFrame, treatments: Sequence[str] | None = None) -> Ratings:
    """Return the ratings of a table with the columns `COLUMNS`, one row a rating.

    `treatments` gives their order, else they are sorted. A rating that is missing is none. Where
    any reader rated any case under every treatment, the study is paired, and of each reader those
    cases alone count.

    Raises
    ------
    ValueError
        If a column is missing or holds something else, a rating comes twice, a case has two
        truths, or fewer than two treatments or no reader is left.
    """
    rows = _checked(table)
    rows = rows.dropna(subset=["rating"])
    names = tuple(treatments) if treatments is not None else _sorted(rows["treatment"])
    if set(names) - set(rows["treatment"]) or len(set(names)) < len(names):
        raise ValueError(
            f"The treatments {', '.join(names)} are not each one of those rated: "
            f"{', '.join(_sorted(rows['treatment']))}."
        )
    rows = rows[rows["treatment"].isin(names)]
    if not 2 <= len(names) <= MOST_TREATMENTS:
        raise ValueError(
            f"The ratings are of {len(names)} treatments, expected 2 to {MOST_TREATMENTS} to "
            "compare."
        )
    truth = rows.drop_duplicates("case").set_index("case")["truth"]
    readers, cases = _sorted(rows["reader"]), _sorted(rows["case"])
    columns = len(names) * len(readers)
    if columns > MOST_PAIRED or columns * len(cases) > MOST_CELLS:
        raise ValueError(
            f"{len(readers)} readers and {len(cases)} cases are more than can be compared here."
        )
    values = np.full((len(names), len(readers), len(cases)), np.nan)
    at = tuple(
        pd.Index(order).get_indexer(rows[column])
        for order, column in ((names, "treatment"), (readers, "reader"), (cases, "case"))
    )
    values[at] = rows["rating"]
    return of_array(values, truth.reindex(cases).to_numpy(float), (names, readers, cases))


def of_array(
    values: Array, truth: Array, names: tuple[tuple[str, ...], ...] | None = None
) -> Ratings:
    """Return ratings of an array, (treatments, readers, cases), without those that don't count.

    Raises
    ------
    ValueError
        If no reader has ratings under every treatment.
    """
    treatments, readers, cases = names or (tuple(map(str, range(n))) for n in values.shape)
    everywhere = ~np.isnan(values).any(axis=0)
    paired = bool(everywhere.any())
    counted = np.where(everywhere, values, np.nan) if paired else values
    stays = np.asarray(~np.isnan(counted).all(axis=2).any(axis=0))
    if not stays.any():
        raise ValueError(
            "No reader rated cases under every treatment, so that treatments can't be told from "
            "readers."
        )
    used = np.asarray(~np.isnan(counted[:, stays]).all(axis=(0, 1)))
    kept = counted[:, stays][:, :, used]
    return Ratings(
        treatments=treatments,
        readers=tuple(compress(readers, stays)),
        cases=tuple(compress(cases, used)),
        values=kept,
        truth=truth[used],
        paired=paired,
        left_out=int((~np.isnan(values)).sum() - (~np.isnan(kept)).sum()),
        readers_left_out=tuple(compress(readers, ~stays)),
    )


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise ValueError(
            f"The columns {', '.join(missing)} are missing, expected {', '.join(COLUMNS)}."
        )
    named = table[["reader", "case", "treatment"]]
    if (named.isna() | named.eq("")).any(axis=None):
        raise ValueError("A row has no reader, case or treatment. Name all three in every row.")
    rows = named.astype(str).assign(
        truth=_numbers(table["truth"], "truth"), rating=_numbers(table["rating"], "rating")
    )
    if not rows["truth"].isin([0, 1]).all():
        raise ValueError("The column truth holds something else than 0 and 1 (diseased).")
    if np.isinf(rows["rating"]).any():
        raise ValueError("The column rating holds an infinite number.")
    again = rows.duplicated(["reader", "case", "treatment"])
    if again.any():
        one = rows[again].iloc[0]
        raise ValueError(
            f"Reader {one['reader']} rated case {one['case']} under treatment "
            f"{one['treatment']} twice. Leave one rating of each."
        )
    truths = rows.groupby("case")["truth"].nunique()
    if (truths > 1).any():
        raise ValueError(
            f"Case {truths.idxmax()} is diseased in one row and not in another. Give each case "
            "one truth."
        )
    return rows


def _numbers(values: pd.Series, name: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    strange = values[numbers.isna() & values.notna()]
    if len(strange):
        raise ValueError(f"The column {name} holds {str(strange.iloc[0])!r:.40}, expected numbers.")
    return numbers


def _sorted(names: pd.Series) -> tuple[str, ...]:
    """Return the names once each: by number where all are, else by letter."""
    found = sorted(set(names))
    numbers = pd.to_numeric(pd.Series(found, dtype=object), errors="coerce")
    if numbers.notna().all():
        found = [found[n] for n in np.argsort(numbers.to_numpy(float), kind="stable")]
    return tuple(found)
