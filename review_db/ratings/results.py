"""What the reviewers found: scores of prototypes, statements and branches, with their spread."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Engine, func, select

from review_db.questions.catalogue import QUESTIONS, SCALES
from review_db.ratings.windows import standing
from review_db.store.database import reading
from review_db.store.schema import current_rating

# What a row of `scores` is about, and what else is known of it.
GROUPS = {
    "branch": ["branch"],
    "statement": ["branch", "statement"],
    "prototype": ["branch", "statement", "prototype"],
}
_RATED = ["reviewer", "branch", "statement", "prototype"]


@dataclass(frozen=True)
class RatedBundle:
    """A version of a bundle that has ratings, and how many answers stand."""

    bundle: str
    fingerprint: str
    answers: int


def rated_bundles(engine: Engine) -> list[RatedBundle]:
    """List the versions of bundles that were rated, the one rated last first."""
    now = current_rating.c
    query = (
        select(now.bundle, now.fingerprint, func.count())
        .group_by(now.bundle, now.fingerprint)
        .order_by(func.max(now.id).desc())
    )
    with reading(engine) as connection:
        return [RatedBundle(*row) for row in connection.execute(query)]


def rating_table(engine: Engine, *, bundle: str, fingerprint: str) -> pd.DataFrame:
    """Return the standing answers, one row for each reviewer and prototype.

    Columns: `reviewer`, `branch`, `statement`, `prototype`, and one for each question: the scales
    as numbers 1 to 5, `accurate` as 1 for yes and 0 for no, the others as text; NaN (None for
    text) where there is no answer.
    """
    with reading(engine) as connection:
        answers = standing(connection, bundle, fingerprint)
    rows = answers.assign(prototype=answers["own_prototype"])[[*_RATED, "question", "value"]]
    table = rows.pivot(index=_RATED, columns="question", values="value")
    table = table.reindex(columns=list(QUESTIONS)).reset_index().rename_axis(columns=None)
    for scale in SCALES:
        table[scale] = pd.to_numeric(table[scale]).astype("float64")
    table["accurate"] = table["accurate"].map({"yes": 1.0, "no": 0.0}).astype("float64")
    return table


def scores(engine: Engine, *, bundle: str, fingerprint: str, by: str = "statement") -> pd.DataFrame:
    """Return the scores of each branch, statement or prototype (`by`), one row each.

    Columns: those of `GROUPS[by]`; `n` (ratings: pairs of reviewer and prototype with an answer
    to accuracy or a scale), `reviewers` and `prototypes` (how many different ones); for each
    scale s: `s_n`, `s_mean`, `s_sd` (of a sample; NaN for a single one), `s_q1`, `s_median`,
    `s_q3` (interpolated linearly) and the counts `s_1` to `s_5`; `accurate_n` and
    `accurate_share`.

    Raises
    ------
    ValueError
        If `by` is none of these three.
    """
    if by not in GROUPS:
        raise ValueError(f"Scores by {by!r} are not known, expected one of {', '.join(GROUPS)}.")
    table = rating_table(engine, bundle=bundle, fingerprint=fingerprint)
    table = table.dropna(subset=["accurate", *SCALES], how="all")
    keys = [table[name] for name in GROUPS[by]]
    groups = table.groupby(keys)
    parts = {
        "n": groups.size(),
        "reviewers": groups["reviewer"].nunique(),
        "prototypes": groups["prototype"].nunique(),
    }
    for scale in SCALES:
        parts |= _spread(table[scale], keys)
    parts |= {"accurate_n": groups["accurate"].count(), "accurate_share": groups["accurate"].mean()}
    return pd.DataFrame(parts).reset_index()


def prototype_summary(engine: Engine, *, bundle: str, fingerprint: str) -> pd.DataFrame:
    """Say what the reviewers found so far: one row for each rated prototype, by its name.

    Columns: `reviewers` (how many answered anything), `representativeness` and `clarity` (mean),
    `accurate` (share of yes), `best` and `bad` (by how many reviewers).
    """
    groups = rating_table(engine, bundle=bundle, fingerprint=fingerprint).groupby("prototype")
    return pd.DataFrame(
        {
            "reviewers": groups["reviewer"].nunique(),
            **{question: groups[question].mean() for question in (*SCALES, "accurate")},
            **{mark: groups[mark].count() for mark in ("best", "bad")},
        }
    )


def _spread(values: pd.Series, keys: list[pd.Series]) -> dict[str, pd.Series]:
    groups, scale = values.groupby(keys), str(values.name)
    return {
        f"{scale}_n": groups.count(),
        f"{scale}_mean": groups.mean(),
        f"{scale}_sd": groups.std(),
        f"{scale}_q1": groups.quantile(0.25),
        f"{scale}_median": groups.median(),
        f"{scale}_q3": groups.quantile(0.75),
        **{
            f"{scale}_{point}": (values == int(point)).groupby(keys).sum()
            for point in QUESTIONS[scale].options
        },
    }
