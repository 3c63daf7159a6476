"""What a study found about prototypes and matches: scores, controls, repeats, agreement.

All functions take the table that `answers.answer_table` gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from review_db.findings.answers import PLACE
from review_db.questions.catalogue import KINDS, STUDY_QUESTIONS, STUDY_SCALES
from review_db.statistics.agreement import Agreement, agreement
from review_db.statistics.bootstrap import mean_interval

# What a row of `item_scores` is about, and of whom the interval draws: who is alike within.
GROUPS = {
    "branch": (["branch"], "prototype"),
    "statement": (["branch", "statement"], "prototype"),
    "prototype": (["branch", "statement", "prototype"], "reviewer"),
    "reviewer": (["reviewer"], "prototype"),
}
CONTROLS = ("wrong_statement", "random_window", "noise")
ORDINAL = ("alpha", "weighted_kappa", "fleiss_kappa", "ac2", "icc_2_1", "percent")
NOMINAL = ("alpha_nominal", "kappa", "fleiss_kappa", "ac1", "percent")
_YES_NO = {"yes": 1.0, "no": 0.0}


def rated(table: pd.DataFrame, kind: str = "prototype") -> pd.DataFrame:
    """Return the first looks at items that count, as they were judged when all was shown.

    Items that were skipped in the end don't count, whatever was answered before.
    """
    chosen = table[(table["kind"] == kind) & (table["role"] == "rated") & table["repeat_of"].isna()]
    return _last_stage(chosen)


def item_scores(
    table: pd.DataFrame, by: str = "statement", kind: str = "prototype"
) -> pd.DataFrame:
    """Return the scores of prototypes or matches by branch, statement, prototype or reviewer.

    Columns: those of `GROUPS[by]`; `n` (ratings); of each question q: `q_n`, `q_mean` (the share
    of yes for "accurate"), `q_low`, `q_high` (bootstrap over prototypes; over reviewers for a
    single prototype), `q_sd`, `q_q1`, `q_median`, `q_q3`, and how often each of its options was
    chosen, such as `q_1` or `q_cannot_judge`.

    Raises
    ------
    ValueError
        If `by` is none of `GROUPS`.
    """
    if by not in GROUPS:
        raise ValueError(f"Scores by {by!r} are not known, expected one of {', '.join(GROUPS)}.")
    keys, cluster = GROUPS[by]
    rows = [
        dict(zip(keys, names, strict=True)) | _scores(group, kind, cluster)
        for names, group in rated(table, kind).groupby(keys)
    ]
    columns = [*keys, *_scores(table.iloc[:0], kind, cluster)]
    return pd.DataFrame(rows, columns=columns)


def controls(table: pd.DataFrame) -> pd.DataFrame:
    """Compare rated prototypes with each kind of control item, one row each kind and question.

    Columns: `control`, `question`, `rated_n`, `control_n`, `rated_mean`, `control_mean`,
    `difference` (rated less control; shares for "accurate"), `low`, `high` (bootstrap over items),
    and `above`, the probability that a rated item scores higher than a control item.
    """
    real, rows = rated(table), []
    shown = table[(table["kind"] == "prototype") & table["repeat_of"].isna()]
    for control in CONTROLS:
        fake = _last_stage(shown[shown["role"] == control])
        for question in ("accurate", "representativeness", "clarity"):
            rows.append(
                {"control": control, "question": question}
                | _difference(_of_items(real, question), _of_items(fake, question))
            )
    return pd.DataFrame(rows)


def repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Say how far reviewers agree with themselves, one row a question and reviewer ("" for all).

    Columns: `question`, `reviewer`, `n` (pairs), `same` (share), `difference` (second less first,
    mean), `statistic`, `value`, `low`, `high`.
    """
    again = _last_stage(table[table["repeat_of"].notna()])
    pairs = again.merge(
        _last_stage(table[table["repeat_of"].isna()]),
        left_on=["study", "reviewer", "repeat_of"],
        right_on=PLACE,
        suffixes=("_second", "_first"),
    )
    rows = []
    for question in ("accurate", *STUDY_SCALES):
        if question == "better":
            continue
        both = np.column_stack(
            [numbers(pairs[f"{question}_{look}"], question) for look in ("first", "second")]
        )
        for reviewer in ("", *sorted(pairs["reviewer"].unique())):
            chosen = both[(pairs["reviewer"] == reviewer) | (reviewer == "")]
            if len(chosen := chosen[~np.isnan(chosen).any(axis=1)]):
                rows.append({"question": question, "reviewer": reviewer} | _pairs(chosen, question))
    return pd.DataFrame(rows, columns=["question", "reviewer", *_PAIRS])


def agreements(table: pd.DataFrame, question: str, statement: str | None = None) -> list[Agreement]:
    """Compute all statistics of agreement on a question about prototypes or matches.

    Items are those that count, at their first look; of one statement, if it is given.
    """
    chosen = rated(table, kind_of(question))
    chosen = chosen if statement is None else chosen[chosen["statement"] == statement]
    ratings = rating_matrix(chosen, question)
    names = NOMINAL if question == "accurate" else ORDINAL
    return [agreement(ratings, _points(question), name) for name in names]


def agreement_by_statement(table: pd.DataFrame, question: str, statistic: str) -> pd.DataFrame:
    """Return one statistic of agreement for each statement with two items or more.

    Columns: `statement`, `value`, `low`, `high`, `n` (items with two ratings or more).
    """
    rows = []
    for statement, chosen in rated(table, kind_of(question)).groupby("statement"):
        found = agreement(rating_matrix(chosen, question), _points(question), statistic)
        if found.items > 1:
            rows.append((statement, found.value, found.low, found.high, found.items))
    return pd.DataFrame(rows, columns=["statement", "value", "low", "high", "n"])


def kind_of(question: str) -> str:
    """Return the kind of item that a question about prototypes or matches is asked of."""
    return "match" if question in KINDS["match"].required else "prototype"


def rating_matrix(chosen: pd.DataFrame, question: str) -> np.ndarray:
    """Return the ratings as (items, reviewers), NaN where missing or not to be judged."""
    values = chosen.assign(rating=numbers(chosen[question], question))
    wide = values.pivot(index="item", columns="reviewer", values="rating")
    return wide.to_numpy(float)


def numbers(answers: pd.Series, question: str) -> pd.Series:
    """Return answers as numbers: points as they are, yes 1, no 0, NaN for all others."""
    if question in STUDY_SCALES:
        return pd.to_numeric(answers, errors="coerce").astype(float)
    return answers.map(_YES_NO).astype(float)


_PAIRS = ("n", "same", "difference", "statistic", "value", "low", "high")


def _last_stage(table: pd.DataFrame) -> pd.DataFrame:
    last = table.groupby(PLACE)["stage"].transform("max") == table["stage"]
    return table.loc[last & ~is_skipped(table)]


def is_skipped(table: pd.DataFrame) -> pd.Series:
    """Say of each look whether it was skipped."""
    return table["skip"].eq("yes")


def _points(question: str) -> Sequence[float]:
    return [float(p) for p in STUDY_QUESTIONS[question].points] or [0.0, 1.0]


def _scores(group: pd.DataFrame, kind: str, cluster: str) -> dict[str, float]:
    found: dict[str, float] = {"n": len(group)}
    for question in KINDS[kind].required:
        options = STUDY_QUESTIONS[question].options
        values = numbers(group[question], question)
        found |= {f"{question}_{k}": v for k, v in _spread(values, group[cluster]).items()}
        found |= {f"{question}_{o}": int((group[question] == o).sum()) for o in options}
    return found


def _spread(values: pd.Series, clusters: pd.Series) -> dict[str, float]:
    given = values.dropna()
    low, high = mean_interval(given.to_numpy(), clusters[given.index].to_numpy())
    return {
        "n": len(given),
        "mean": given.mean(),
        "low": low,
        "high": high,
        "sd": given.std(),
        "q1": given.quantile(0.25),
        "median": given.median(),
        "q3": given.quantile(0.75),
    }


def _of_items(chosen: pd.DataFrame, question: str) -> np.ndarray:
    values = numbers(chosen[question], question).groupby(chosen["item"]).mean()
    return values.dropna().to_numpy()


def _difference(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    found: dict[str, float] = {"rated_n": len(real), "control_n": len(fake)}
    if not len(real) or not len(fake):
        return found
    drawn = np.random.default_rng(0)
    spread = [
        drawn.choice(real, len(real)).mean() - drawn.choice(fake, len(fake)).mean()
        for _ in range(1000)
    ]
    low, high = np.quantile(spread, [0.025, 0.975])
    above = stats.mannwhitneyu(real, fake).statistic / (len(real) * len(fake))
    return found | {
        "rated_mean": real.mean(),
        "control_mean": fake.mean(),
        "difference": real.mean() - fake.mean(),
        "low": low,
        "high": high,
        "above": above,
    }


def _pairs(both: np.ndarray, question: str) -> dict[str, object]:
    name = "kappa" if question == "accurate" else "weighted_kappa"
    found = agreement(both, _points(question), name)
    return {
        "n": len(both),
        "same": (both[:, 0] == both[:, 1]).mean(),
        "difference": (both[:, 1] - both[:, 0]).mean(),
        "statistic": name,
        "value": found.value,
        "low": found.low,
        "high": found.high,
    }
