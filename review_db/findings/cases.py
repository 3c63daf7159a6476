"""What a study found about cases: which explanation is preferred, and what explanations change.

The functions take the table of `answers.answer_table`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from review_db.findings.prototypes import is_skipped, numbers, rated
from review_db.statistics.bootstrap import mean_interval

# How far "better" leans to the right-hand explanation.
_LEAN = {"1": -2.0, "2": -1.0, "3": 0.0, "4": 1.0, "5": 2.0}
# Of 100 such answers, how many the words of the confidence scale call right.
_SURE = {"1": 0.1, "2": 0.3, "3": 0.5, "4": 0.7, "5": 0.9}
# Beyond, all signs of the ranks are too many to try each.
_EXACT_CASES = 14
_PREFERENCE = (
    *("cases", "n", "preference", "low", "high", "p"),
    *("prefers_a", "prefers_b", "acceptable_a", "acceptable_b"),
)
_CHANGE = ("n", "readers", "cases", "without", "with", "difference", "low", "high", "p")


def preferences(table: pd.DataFrame) -> pd.DataFrame:
    """Say which of two explanations was preferred: a row for all reviewers ("") and for each.

    Columns: `reviewer`, `cases`, `n`; `preference` (mean, -2 for a to 2 for b) with `low` and
    `high` (bootstrap over cases); `p` (Wilcoxon signed rank over the cases' means, exact up to
    `_EXACT_CASES` cases or without ties); `prefers_a`, `prefers_b` (shares); `acceptable_a`,
    `acceptable_b` (shares).
    """
    pairs = rated(table, "pair")
    swapped = pairs["swapped"].astype(bool)
    lean = pairs["better"].map(_LEAN).astype(float)
    left, right = (numbers(pairs[key], key) for key in ("left_acceptable", "right_acceptable"))
    pairs = pairs.assign(
        toward_b=lean.where(~swapped, -lean),
        a=left.where(~swapped, right),
        b=right.where(~swapped, left),
    )
    rows = [
        {"reviewer": reviewer} | _preference(pairs if not reviewer else one)
        for reviewer, one in [("", pairs), *pairs.groupby("reviewer")]
        if len(one)
    ]
    return pd.DataFrame(rows, columns=["reviewer", *_PREFERENCE])


def readings(table: pd.DataFrame) -> pd.DataFrame:
    """Compare reading with the explanation to reading without it, one row a measure.

    `measure` is "correct" (the leading statement is named), "overlap" (of all statements named
    and true, the share that is both), "brier" (squared error of the confidence; lower is better)
    or "seconds" (of each look by itself). Columns: `measure`, `n` (readings), `readers`, `cases`,
    `without`, `with`, `difference`, `low`, `high` (bootstrap over cases) and `p` (Wilcoxon signed
    rank over the cases' mean differences, as in `preferences`). Both hold for these readers.
    """
    both = _both_looks(table)
    rows = [
        {"measure": measure} | _change(both, measure)
        for measure in ("correct", "overlap", "brier", "seconds")
    ]
    return pd.DataFrame(rows, columns=["measure", *_CHANGE])


def _preference(pairs: pd.DataFrame) -> dict[str, float]:
    judged = pairs.dropna(subset=["toward_b"])
    toward_b = judged["toward_b"]
    low, high = mean_interval(toward_b.to_numpy(), judged["item"].to_numpy())
    return {
        "cases": judged["item"].nunique(),
        "n": len(judged),
        "preference": toward_b.mean(),
        "low": low,
        "high": high,
        "p": signed_rank(toward_b.groupby(judged["item"]).mean().to_numpy()),
        "prefers_a": (toward_b < 0).mean(),
        "prefers_b": (toward_b > 0).mean(),
        "acceptable_a": pairs["a"].mean(),
        "acceptable_b": pairs["b"].mean(),
    }


def signed_rank(differences: np.ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed rank test, 1 where nothing differs.

    Zeros are left out, as Wilcoxon did. Exact where there are no ties, or few enough cases to try
    every sign.
    """
    differing = differences[differences != 0]
    if not len(differing):
        return 1.0
    ties = len(np.unique(np.abs(differing))) < len(differing)
    if not ties:
        return float(stats.wilcoxon(differing, method="exact").pvalue)
    # Tries every sign if these are no more than the resamples asked for, else draws them.
    method = stats.PermutationMethod(
        n_resamples=2**_EXACT_CASES, rng=np.random.default_rng(0), batch=2**10
    )
    return float(stats.wilcoxon(differing, method=method).pvalue)


def _both_looks(table: pd.DataFrame) -> pd.DataFrame:
    looks = table[(table["kind"] == "reading") & (table["role"] == "rated") & ~is_skipped(table)]
    looks = looks.dropna(subset=["diagnosis", "confidence"])
    named = [_codes(text) for text in looks["diagnosis"]]
    true = [_codes(text) for text in looks["truth"]]
    correct = pd.Series(
        [float(s in said) for s, said in zip(looks["statement"], named, strict=True)],
        index=looks.index,
        dtype=float,
    )
    looks = looks.assign(
        correct=correct,
        overlap=[len(a & b) / len(a | b) for a, b in zip(named, true, strict=True)],
        brier=(looks["confidence"].map(_SURE).astype(float) - correct) ** 2,
    )
    measures = ["correct", "overlap", "brier", "seconds"]
    wide = looks.pivot(index=["item", "reviewer"], columns="stage", values=measures)
    wide = wide.reindex(columns=pd.MultiIndex.from_product([measures, [1, 2]]))
    return wide.dropna().astype(float)


def _codes(text: str) -> set[str]:
    return {code.strip() for code in text.split(";") if code.strip()}


def _change(both: pd.DataFrame, measure: str) -> dict[str, float]:
    without, with_ = both[measure, 1], both[measure, 2]
    change = with_ - without
    cases = both.index.get_level_values("item")
    low, high = mean_interval(change.to_numpy(), cases.to_numpy())
    return {
        "n": len(both),
        "readers": both.index.get_level_values("reviewer").nunique(),
        "cases": cases.nunique(),
        "without": without.mean(),
        "with": with_.mean(),
        "difference": change.mean(),
        "low": low,
        "high": high,
        "p": signed_rank(change.groupby(level="item").mean().to_numpy()),
    }
