"""By how much a curation raised the mean rating, for reviewers who did not decide.

To replace what was rated lowest raises the mean by itself, as low ratings are low by chance as
well: whoever decided says nothing of whether the newcomers are better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from protoecg.prototypes.curation import Curation
from protoecg.prototypes.prototype import Prototype
from review_db.statistics.intervals import Estimate
from review_db.statistics.means import Mean, difference_of, mean_of

LIMITS, APART = (1.0, 5.0), (-4.0, 4.0)


@dataclass(frozen=True)
class Rise:
    """Mean representativeness by reviewers who did not decide.

    Parameters
    ----------
    reviewers : who have rated a newcomer, and nothing by which a prototype was retired
    retired, newcomers, stayed : means of what was retired, came, and stayed
    over_retired, over_stayed : newcomers less these, by who rated both
    """

    reviewers: tuple[str, ...]
    retired: Mean
    newcomers: Mean
    stayed: Mean
    over_retired: Estimate
    over_stayed: Estimate


def rise(curation: Curation, prototypes: Sequence[Prototype], answers: pd.DataFrame) -> Rise | None:
    """Return what reviewers who did not decide say of a curation; None where there are none.

    Parameters
    ----------
    curation : the last one of the bundle
    prototypes : of the bundle that it made
    answers : as `review_db.findings.opinions.opinions` returns them
    """
    names = {change.new for change in curation.changes}
    new = {p.identity for p in prototypes if p.name in names}
    stayed = {p.identity for p in prototypes} - new
    deciders = {code for change in curation.changes for code in change.reviewers}
    asked = (answers["question"] == "representativeness") & ~answers["reviewer"].isin(deciders)
    asked &= answers["value"].isin([str(point) for point in range(1, 6)])
    others = answers[asked].assign(value=answers["value"][asked].astype(float))
    reviewers = sorted(set(others[others["window"].isin(new)]["reviewer"]))
    if not reviewers:
        return None
    gone = {change.identity for change in curation.changes}
    retired, came, kept = (_table(others, part, reviewers) for part in (gone, new, stayed))
    return Rise(
        reviewers=tuple(reviewers),
        retired=mean_of(retired, LIMITS),
        newcomers=mean_of(came, LIMITS),
        stayed=mean_of(kept, LIMITS),
        over_retired=difference_of(came, retired, APART),
        over_stayed=difference_of(came, kept, APART),
    )


def _table(answers: pd.DataFrame, windows: Iterable[str], reviewers: Sequence[str]) -> np.ndarray:
    """Return the points of windows (rows) by reviewers (columns), NaN where nobody rated."""
    own = answers[answers["window"].isin(windows)]
    table = own.pivot(index="window", columns="reviewer", values="value")
    return table.reindex(columns=list(reviewers)).to_numpy(dtype=float)
