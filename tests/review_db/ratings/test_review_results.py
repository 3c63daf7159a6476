import random

import numpy as np
import pandas as pd
import pytest

from review_db import Item, open_database, save_answer
from review_db.ratings.export import export
from review_db.ratings.results import prototype_summary, rated_bundles, rating_table, scores

VERSION = {"bundle": "demo", "fingerprint": "f1"}
ITEMS = [
    Item("demo", "f1", f"{branch}-{statement}-{n}", branch, statement)
    for branch, statement in [("rhythm", "AFIB"), ("rhythm", "SR"), ("morphology", "PVC")]
    for n in range(2)
]


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """Reviewers who left questions open, changed answers and took some back."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('rated')}/ratings.db")
    chance = random.Random(1)

    def save(reviewer, item, question, value):
        save_answer(engine, reviewer=reviewer, item=item, question=question, value=value)

    for item in ITEMS:
        for reviewer in ("R1", "R2", "R3"):
            for scale in ("representativeness", "clarity"):
                for value in chance.choices([None, 1, 2, 3, 4, 5], k=chance.randint(0, 2)):
                    save(reviewer, item, scale, value)
            save(reviewer, item, "accurate", chance.choice(["yes", "no", None]))
            save(reviewer, item, "best", chance.choice([True, False]))
            save(reviewer, item, "bad", chance.choice([True, False]))
    save("R4", ITEMS[0], "comment", "words alone are no score")
    save("R1", Item("demo", "f0", "rhythm-AFIB-0", "rhythm", "AFIB"), "clarity", 1)
    yield engine
    engine.dispose()


@pytest.fixture
def exported(rated, tmp_path):
    export(rated, tmp_path)
    table = pd.read_csv(tmp_path / "ratings_wide.csv", dtype={"accurate": "string"})
    return table[table["fingerprint"] == "f1"]


@pytest.mark.parametrize("by", ["branch", "statement", "prototype"])
def test_the_scores_are_those_of_the_exported_csv(rated, exported, by):
    found = scores(rated, **VERSION, by=by).set_index(by)
    answered = exported.dropna(subset=["accurate", "representativeness", "clarity"], how="all")
    assert set(found.index) == set(answered[by])
    for group, rows in answered.groupby(by):
        row = found.loc[group]
        assert row["n"] == len(rows)
        assert row["reviewers"] == len(set(rows["reviewer"]))
        assert row["prototypes"] == len(set(rows["prototype"]))
        accurate = [answer == "yes" for answer in rows["accurate"].dropna()]
        assert row["accurate_n"] == len(accurate)
        assert row["accurate_share"] == pytest.approx(
            np.mean(accurate) if accurate else np.nan, nan_ok=True
        )
        for scale in ("representativeness", "clarity"):
            values = rows[scale].dropna().to_numpy()
            assert row[f"{scale}_n"] == len(values)
            assert [row[f"{scale}_{p}"] for p in range(1, 6)] == [
                (values == p).sum() for p in range(1, 6)
            ]
            if len(values):
                assert row[f"{scale}_mean"] == pytest.approx(sum(values) / len(values))
                assert [row[f"{scale}_{q}"] for q in ("q1", "median", "q3")] == pytest.approx(
                    np.percentile(values, [25, 50, 75])
                )
            if len(values) > 1:
                assert row[f"{scale}_sd"] == pytest.approx(np.std(values, ddof=1))


def test_the_summary_of_prototypes_is_that_of_the_exported_csv(rated, exported):
    found = prototype_summary(rated, **VERSION)
    for prototype, rows in exported.groupby("prototype"):
        row = found.loc[prototype]
        assert row["reviewers"] == len(rows)
        assert row["best"] == (rows["best"] == "yes").sum()
        assert row["bad"] == (rows["bad"] == "yes").sum()
        assert row["clarity"] == pytest.approx(rows["clarity"].mean(), nan_ok=True)
        assert row["representativeness"] == pytest.approx(
            rows["representativeness"].mean(), nan_ok=True
        )


def test_a_single_rating_has_no_spread(engine):
    save_answer(engine, reviewer="R1", item=ITEMS[0], question="clarity", value=4)
    (row,) = scores(engine, **VERSION).to_dict("records")
    assert (row["clarity_mean"], row["clarity_q1"], row["clarity_4"]) == (4, 4, 1)
    assert np.isnan(row["clarity_sd"])
    assert row["representativeness_n"] == 0


@pytest.mark.parametrize("by", ["branch", "statement", "prototype"])
def test_an_unrated_bundle_has_empty_tables_of_the_same_columns(rated, by):
    nothing = scores(rated, bundle="none", fingerprint="f1", by=by)
    assert len(nothing) == 0
    assert list(nothing.columns) == list(scores(rated, **VERSION, by=by).columns)
    assert len(prototype_summary(rated, bundle="none", fingerprint="f1")) == 0


def test_each_version_of_a_bundle_is_scored_by_itself(rated):
    old = rating_table(rated, bundle="demo", fingerprint="f0")
    assert old["clarity"].tolist() == [1.0]
    versions = [(rated_.bundle, rated_.fingerprint) for rated_ in rated_bundles(rated)]
    assert versions == [("demo", "f0"), ("demo", "f1")]


def test_scores_by_anything_else_are_refused(engine):
    with pytest.raises(ValueError, match="expected one of branch, statement, prototype"):
        scores(engine, **VERSION, by="reviewer")
