import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from review_db.findings.answers import COLUMNS, answer_table
from review_db.findings.prototypes import (
    agreements,
    controls,
    item_scores,
    rated,
    rating_matrix,
    repeats,
)
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import sign_in


@pytest.fixture(scope="module")
def table(rated_study):
    return answer_table(rated_study, "pilot")


def of(table, **wanted):
    chosen = table
    for column, value in wanted.items():
        chosen = chosen[chosen[column] == value]
    return chosen


def test_the_table_holds_a_row_for_each_answered_stage(table):
    assert list(table.columns) == COLUMNS
    assert not table.duplicated(["reviewer", "position", "stage"]).any()
    assert set(table["kind"]) == {"reading", "prototype", "match", "pair", "statement"}
    assert table["seconds"].isin([3, 8]).all()


def test_what_counts_is_neither_practice_nor_control_nor_repeat(table):
    chosen = rated(table)
    assert set(chosen["role"]) == {"rated"}
    assert not chosen.duplicated(["reviewer", "item"]).any()
    assert chosen["prototype"].nunique() == 12


@pytest.mark.parametrize("by", ["branch", "statement", "prototype", "reviewer"])
@pytest.mark.parametrize("question", ["representativeness", "clarity", "accurate"])
def test_scores_are_those_of_a_few_lines_of_pandas(table, by, question):
    found = item_scores(table, by).set_index(by)
    plain = of(table, kind="prototype", role="rated")
    plain = plain[plain["repeat_of"].isna()]
    for name, rows in plain.groupby(by):
        row = found.loc[name]
        said = rows[question][rows[question] != "cannot_judge"]
        values = said.eq("yes") if question == "accurate" else said.astype(float)
        assert row["n"] == len(rows)
        assert row[f"{question}_n"] == len(values)
        assert row[f"{question}_mean"] == pytest.approx(values.mean(), nan_ok=True)
        assert row[f"{question}_cannot_judge"] == (rows[question] == "cannot_judge").sum()
        if len(values):
            low, high = row[f"{question}_low"], row[f"{question}_high"]
            assert low <= row[f"{question}_mean"] + 1e-9
            assert row[f"{question}_mean"] <= high + 1e-9
        if question != "accurate" and len(values):
            assert row[f"{question}_median"] == np.median(values)
            assert row[f"{question}_sd"] == pytest.approx(np.std(values, ddof=1), nan_ok=True)
            assert [row[f"{question}_{p}"] for p in "12345"] == [
                (values == p).sum() for p in range(1, 6)
            ]


def test_matches_are_scored_by_their_own_questions(table):
    found = item_scores(table, "statement", "match")
    assert {"like_mean", "supports_mean", "place_mean"} <= set(found.columns)
    assert found["like_n"].sum() == len(rated(table, "match"))


def test_controls_score_below_prototypes_where_reviewers_see_through_them(table):
    found = controls(table).set_index(["control", "question"])
    for control in ("random_window", "noise"):
        row = found.loc[control, "clarity"]
        assert (row["rated_n"], row["control_n"]) == (12, 2)
        assert row["difference"] == pytest.approx(row["rated_mean"] - row["control_mean"])
        assert 0 < row["low"] < row["difference"] < row["high"]
        assert row["above"] == 1
    # The reviewers of this test take the statement as it is given.
    assert found.loc["wrong_statement", "clarity"]["low"] < 0.5


def test_reviewers_who_repeat_themselves_agree_with_themselves(table):
    found = repeats(table).set_index(["question", "reviewer"])
    row = found.loc["clarity", ""]
    pairs = table[table["repeat_of"].notna() & (table["kind"] == "prototype")]
    assert row["n"] == len(pairs)
    assert (row["same"], row["difference"]) == (1, 0)
    assert row["value"] == 1
    assert found.loc["clarity"].loc[["R01", "R02", "R03"], "n"].sum() == row["n"]


def test_a_changed_mind_is_seen_in_the_repeats(table):
    second = table["repeat_of"].notna() & (table["kind"] == "prototype")
    other = table.copy()
    other.loc[second, "clarity"] = other.loc[second, "clarity"].map({"3": "4", "4": "5", "5": "1"})
    row = repeats(other).set_index(["question", "reviewer"]).loc["clarity", ""]
    assert row["same"] == 0
    assert row["value"] < 0.5


def test_agreement_rests_on_the_rated_prototypes(table):
    found = {a.statistic: a for a in agreements(table, "clarity")}
    assert set(found) == {"alpha", "weighted_kappa", "fleiss_kappa", "ac2", "icc_2_1", "percent"}
    matrix = rating_matrix(rated(table), "clarity")
    assert matrix.shape == (12, 3)
    assert found["alpha"].items == 12
    assert found["alpha"].low <= found["alpha"].value <= found["alpha"].high
    assert {a.statistic for a in agreements(table, "accurate")} >= {"ac1", "alpha_nominal"}
    one = agreements(table, "clarity", statement=rated(table)["statement"].iloc[0])
    assert one[0].items < 12


@pytest.mark.parametrize("by", ["statement", "reviewer"])
def test_an_unrated_study_has_empty_tables_of_the_same_columns(engine, material, pilot, table, by):
    create_study(engine, replace(pilot, name="empty"), material)
    start_study(engine, "empty")
    nothing = answer_table(engine, "empty")
    assert list(nothing.columns) == COLUMNS
    assert list(item_scores(nothing, by).columns) == list(item_scores(table, by).columns)
    assert controls(nothing)["rated_n"].eq(0).all()
    assert repeats(nothing).empty
    assert all(np.isnan(found.value) for found in agreements(nothing, "clarity"))


def test_scores_by_anything_else_are_refused(table):
    with pytest.raises(ValueError, match="expected one of branch, statement, prototype, reviewer"):
        item_scores(table, "colour")


def test_each_kind_of_database_gives_the_same_table(
    engine, material, pilot, rate_all, two_looks, table
):
    create_study(engine, pilot, material)
    two_looks(engine)
    for n, key in enumerate(start_study(engine, "pilot").values()):
        rate_all(engine, sign_in(engine, key), random.Random(n), stop=5)
    mine = answer_table(engine, "pilot").drop(columns="last_at")
    same = table[table["position"].isin(mine["position"])].drop(columns="last_at")
    keys = ["reviewer", "position", "stage"]
    pd.testing.assert_frame_equal(
        mine.set_index(keys), same.set_index(keys).loc[mine.set_index(keys).index]
    )


def test_a_skipped_item_does_not_count_whatever_was_answered(table):
    mine = table["reviewer"].eq("R02")
    skipped = table.assign(skip=table["skip"].where(~mine, "yes"))
    without = table[~mine]
    pd.testing.assert_frame_equal(item_scores(skipped), item_scores(without))
    assert set(item_scores(skipped, "reviewer")["reviewer"]) == {"R01", "R03"}
    pd.testing.assert_frame_equal(controls(skipped), controls(without))
    pd.testing.assert_frame_equal(repeats(skipped), repeats(without))
    assert agreements(skipped, "clarity") == agreements(without, "clarity")


def test_what_was_skipped_at_the_second_look_is_not_judged_by_the_first(table):
    last = table["stage"].eq(table.groupby(["reviewer", "position"])["stage"].transform("max"))
    assert rated(table.assign(skip=table["skip"].where(~last, "yes"))).empty
