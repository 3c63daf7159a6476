"""Multi-reader multi-case studies: does a treatment change what readers find, and for whom.

compare(table, "auc").random_readers_random_cases.ci
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from review_db.statistics import Array
from review_db.statistics.mrmc import hillis
from review_db.statistics.mrmc.hillis import Analysis
from review_db.statistics.mrmc.measures import MEASURES, measure_function
from review_db.statistics.mrmc.ratings import Ratings, arranged

ANALYSES = {
    "random_readers_random_cases": "readers and cases like these",
    "fixed_readers_random_cases": "these readers, cases like these",
    "random_readers_fixed_cases": "readers like these, these cases",
}


@dataclass(frozen=True)
class ReaderValues:
    """What was measured of a reader, in the order of the treatments, on how many cases."""

    reader: str
    values: tuple[float, ...]
    cases: int


@dataclass(frozen=True)
class Comparison:
    """Treatments compared over readers and cases.

    Parameters
    ----------
    measure, covariance : their names; `threshold` is None where the measure has none
    treatments : in their order; `means` of each over the readers
    readers, cases : how many count
    var_error, cov1, cov2, cov3, var_r, var_tr : see `hillis.Components`
    per_reader : one for each reader that counts
    paired : whether readers rated the same cases under each treatment
    complete : whether every reader rated every case under every treatment
    left_out : how many ratings don't count, see `ratings.Ratings`
    readers_left_out : readers who have nothing under one of the treatments
    """

    measure: str
    threshold: float | None
    covariance: str
    treatments: tuple[str, ...]
    readers: int
    cases: int
    means: tuple[float, ...]
    var_error: float
    cov1: float
    cov2: float
    cov3: float
    var_r: float
    var_tr: float
    random_readers_random_cases: Analysis
    fixed_readers_random_cases: Analysis
    random_readers_fixed_cases: Analysis
    per_reader: tuple[ReaderValues, ...]
    paired: bool
    complete: bool
    left_out: int
    readers_left_out: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; what is not defined is null."""
        return _plain(asdict(self))


def compare(
    table: pd.DataFrame,
    measure: str = "auc",
    *,
    threshold: float | None = None,
    covariance: str = "jackknife",
    treatments: Sequence[str] | None = None,
) -> Comparison:
    """Compare treatments by the method of Obuchowski, Rockette and Hillis.

    Parameters
    ----------
    table : columns `reader`, `case`, `treatment`, `truth` (1 diseased, 0 not) and `rating`, one
        row a rating
    measure : one of `MEASURES`: "auc" of the ratings, "sensitivity" or "specificity" of those at
        the `threshold` or above, or the "mean", such as of correctness (0 or 1), seconds, or a
        preference (1 or -1 against a second treatment of 0)
    covariance : over samples of cases, by "jackknife", or "delong" for the AUC
    treatments : their order, else sorted; differences are the first less the second

    Readers need not have rated the same cases. A reader's cases count that the reader rated under
    every treatment, where there are any; else each treatment has its own.

    Raises
    ------
    ValueError
        If the table is not of this form, or a reader rated fewer than two cases that the measure
        needs.
    """
    return compare_ratings(
        arranged(table, treatments), measure, threshold=threshold, covariance=covariance
    )


def compare_ratings(
    ratings: Ratings,
    measure: str = "auc",
    *,
    threshold: float | None = None,
    covariance: str = "jackknife",
) -> Comparison:
    """Compare treatments as `compare` does, of ratings that are in order.

    Raises
    ------
    ValueError
        If a reader rated fewer than two cases that the measure needs.
    """
    function = measure_function(measure, threshold, covariance)
    _refuse_few(ratings, measure)
    t, r = len(ratings.treatments), len(ratings.readers)
    measured = [function(row, ratings.truth) for rows in ratings.values for row in rows]
    values = np.array([value for value, _ in measured]).reshape(t, r)
    influence = np.array([moved for _, moved in measured])
    parts = hillis.components(values, influence @ influence.T)
    means = values.mean(axis=1)
    analyses = {name: getattr(hillis, name)(parts, means, ratings.treatments) for name in ANALYSES}
    return Comparison(
        measure=measure,
        threshold=threshold,
        covariance=covariance,
        treatments=ratings.treatments,
        readers=r,
        cases=len(ratings.cases),
        means=tuple(means.tolist()),
        var_error=parts.var_error,
        cov1=parts.cov1,
        cov2=parts.cov2,
        cov3=parts.cov3,
        var_r=parts.var_r,
        var_tr=parts.var_tr,
        **analyses,
        per_reader=_per_reader(ratings, values),
        paired=ratings.paired,
        complete=ratings.complete,
        left_out=ratings.left_out,
        readers_left_out=ratings.readers_left_out,
    )


def _refuse_few(ratings: Ratings, measure: str) -> None:
    """Refuse ratings that are too few for a variance over cases."""
    rated = ~np.isnan(ratings.values)
    for truth, words in ((1, "diseased cases"), (0, "cases without disease"), (None, "cases")):
        if truth is not None and truth not in MEASURES[measure].needs:
            continue
        fewest = rated[:, :, (ratings.truth == truth) | (truth is None)].sum(axis=2).min(axis=0)
        if fewest.min() < 2:
            raise ValueError(
                f"Reader {ratings.readers[int(fewest.argmin())]} has {fewest.min()} {words} that "
                f"count, expected two or more of each reader under every treatment."
            )


def _per_reader(ratings: Ratings, values: Array) -> tuple[ReaderValues, ...]:
    cases = (~np.isnan(ratings.values)).any(axis=0).sum(axis=1)
    return tuple(
        ReaderValues(reader, tuple(of_reader.tolist()), int(n))
        for reader, of_reader, n in zip(ratings.readers, values.T, cases, strict=True)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
