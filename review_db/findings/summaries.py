"""Which prototypes of a statement reviewers found the best, bad, or one too many."""

from __future__ import annotations

import pandas as pd

from review_db.findings.prototypes import rated
from review_db.questions.catalogue import BETWEEN

VOTES = {"best": "best_prototype", "bad": "bad_prototypes", "redundant": "redundant_prototypes"}
COLUMNS = ("statement", "prototype", "reviewers", *VOTES)


def summaries(table: pd.DataFrame) -> pd.DataFrame:
    """Count the votes of a study's summaries, one row for each prototype of their statements.

    Columns: `COLUMNS`; `reviewers` who summed up the statement, and how many of them named the
    prototype. Prototypes are those that were rated, or named.
    """
    rows = []
    for statement, answers in rated(table, "statement").groupby("statement"):
        named = {vote: _named(answers[question]) for vote, question in VOTES.items()}
        of_it = rated(table).query("statement == @statement")["prototype"].dropna()
        for prototype in sorted({*of_it, *(name for names in named.values() for name in names)}):
            votes = {vote: names.count(prototype) for vote, names in named.items()}
            rows.append({"statement": statement, "prototype": prototype, **votes})
            rows[-1]["reviewers"] = answers["reviewer"].nunique()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _named(answers: pd.Series) -> list[str]:
    """Return all names in the answers, as often as each is in them."""
    return [name.strip() for text in answers.dropna() for name in text.split(BETWEEN)]
