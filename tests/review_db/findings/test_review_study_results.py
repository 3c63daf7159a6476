import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from review_db.findings.answers import COLUMNS, answer_table
from review_db.findings.controls import controls, repeats
from review_db.findings.estimate_rows import NEW, THESE, estimate_rows
from review_db.findings.prototypes import agreement_by_statement, agreements, rated, rating_matrix
from review_db.findings.scores import item_scores
from review_db.findings.summaries import summaries
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
    found = {getattr(group, by): group for group in item_scores(table, by)}
    plain = of(table, kind="prototype", role="rated")
    plain = plain[plain["repeat_of"].isna()]
    for name, rows in plain.groupby(by):
        group = found[name]
        scores = group.questions[question]
        given = rows[question][rows[question] != "cannot_judge"]
        values = given.eq("yes") if question == "accurate" else given.astype(float)
        assert group.n == len(rows)
        assert scores.mean.ratings == len(values)
        assert scores.mean.value == pytest.approx(values.mean(), nan_ok=True)
        assert scores.chosen["cannot_judge"] == (rows[question] == "cannot_judge").sum()
        for low, high in (scores.mean.these, scores.mean.new):
            assert np.isnan(low) or low <= scores.mean.value + 1e-9 <= high + 2e-9
        if question != "accurate" and len(values):
            assert scores.median == np.median(values)
            assert scores.sd == pytest.approx(np.std(values, ddof=1), nan_ok=True)
            assert [scores.chosen[p] for p in "12345"] == [(values == p).sum() for p in range(1, 6)]


def test_a_prototype_tells_of_new_reviewers_and_a_reviewer_of_new_prototypes(table):
    for group in item_scores(table, "reviewer"):
        mean = group.questions["clarity"].mean
        assert np.isnan(mean.new).all() and not np.isnan(mean.these).any()
    for group in item_scores(table, "prototype"):
        assert np.isnan(group.questions["clarity"].mean.these).all()


def test_matches_are_scored_by_their_own_questions(table):
    found = item_scores(table, "statement", "match")
    assert set(found[0].questions) == {"like", "supports", "place"}
    assert sum(g.questions["like"].mean.ratings for g in found) == len(rated(table, "match"))


def test_controls_score_below_prototypes_where_reviewers_see_through_them(table):
    found = {(one.control, one.question): one for one in controls(table)}
    for control in ("random_window", "noise"):
        one = found[control, "clarity"]
        assert (one.rated_n, one.control_n) == (12, 2)
        assert one.difference.value == pytest.approx(one.rated_mean - one.control_mean)
        assert one.difference.new[0] < one.difference.value < one.difference.new[1]
        assert one.above == 1
    # The reviewers of this test take the statement as it is given.
    assert found["wrong_statement", "clarity"].difference.value < 1


def test_reviewers_who_repeat_themselves_agree_with_themselves(table):
    found = {(one.question, one.reviewer): one for one in repeats(table)}
    all_of_them = found["clarity", ""]
    pairs = table[table["repeat_of"].notna() & (table["kind"] == "prototype")]
    assert all_of_them.n == len(pairs)
    assert (all_of_them.same, all_of_them.difference) == (1, 0)
    assert all_of_them.estimate.value == 1
    assert sum(found["clarity", name].n for name in ("R01", "R02", "R03")) == all_of_them.n


def test_a_changed_mind_is_seen_in_the_repeats(table):
    second = table["repeat_of"].notna() & (table["kind"] == "prototype")
    other = table.copy()
    other.loc[second, "clarity"] = other.loc[second, "clarity"].map({"3": "4", "4": "5", "5": "1"})
    found = {(one.question, one.reviewer): one for one in repeats(other)}["clarity", ""]
    assert found.same == 0
    assert found.estimate.value < 0.5


def test_reviewers_who_differ_do_not_agree_with_themselves_by_that(table):
    """Pooled, reviewers who answer by chance around means of their own had a kappa of 0.805."""
    chance, other = np.random.default_rng(1), table.copy()
    around = {"R01": "12", "R02": "34", "R03": "45"}
    clear = other["kind"].eq("prototype")
    other.loc[clear, "clarity"] = [
        str(chance.choice(list(around[reviewer]))) for reviewer in other.loc[clear, "reviewer"]
    ]
    found = {(one.question, one.reviewer): one for one in repeats(other)}
    own = [found["clarity", name].estimate.value for name in around]
    assert found["clarity", ""].estimate.value == pytest.approx(np.nanmean(own))
    assert abs(found["clarity", ""].estimate.value) < 0.6


def test_a_pair_that_comes_again_with_its_sides_changed_is_compared_by_explanation(table):
    pairs = table["kind"] == "pair"
    b_is_left = table["swapped"].astype(bool)
    always_b = table.assign(
        better=table["better"].where(~pairs, b_is_left.map({True: "1", False: "5"}))
    )
    found = {(one.question, one.reviewer): one for one in repeats(always_b)}["better", ""]
    assert (found.same, found.difference) == (1, 0)
    assert found.n == (pairs & table["repeat_of"].notna()).sum() > 0
    always_left = table.assign(better=table["better"].where(~pairs, "1"))
    found = {(one.question, one.reviewer): one for one in repeats(always_left)}["better", ""]
    assert found.same < 1


def test_scores_before_the_reveal_stand_beside_those_after_it(table):
    prototypes = table["kind"] == "prototype"
    second = table[prototypes].assign(stage=2, clarity="1")
    rows = estimate_rows(pd.concat([table, second]).sort_values(["reviewer", "position", "stage"]))
    before = estimate_rows(table)
    keys = {"measure": "clarity", "of": "prototype: branch rhythm", "holds_for": NEW}
    (first,), (last,) = (
        of(rows, section=name, **keys)["value"] for name in ("first looks", "scores")
    )
    assert first == of(before, section="scores", **keys)["value"].item()
    assert last == 1
    assert not (before["section"] == "first looks").any()


def test_a_summary_counts_who_named_a_prototype(table):
    chosen = table["kind"] == "statement"
    votes = summaries(table)
    assert set(votes["statement"]) == set(table.loc[chosen, "statement"])
    named = table[chosen].groupby(["statement", "best_prototype"])["reviewer"].nunique()
    best = votes.set_index(["statement", "prototype"])["best"]
    assert best[best > 0].to_dict() == named.to_dict()
    statement = votes["statement"].iloc[0]
    mine = table["statement"].eq(statement) & chosen & table["reviewer"].eq("R01")
    both = "; ".join(votes.loc[votes["statement"] == statement, "prototype"].head(2))
    votes = summaries(table.assign(bad_prototypes=table["bad_prototypes"].where(~mine, both)))
    assert votes.loc[votes["statement"] == statement, "bad"].head(2).tolist() == [1, 1]


def test_agreement_rests_on_the_rated_prototypes(table):
    found = {a.statistic: a for a in agreements(table, "clarity")}
    assert set(found) == {"alpha", "weighted_kappa", "fleiss_kappa", "ac2", "icc_2_1", "percent"}
    matrix = rating_matrix(rated(table), "clarity")
    assert matrix.shape == (12, 3)
    assert found["alpha"].items == 12
    for low, high in (found["alpha"].these, found["alpha"].new):
        assert low <= found["alpha"].value <= high
    assert {a.statistic for a in agreements(table, "accurate")} >= {"ac1", "alpha_nominal"}
    one = agreements(table, "clarity", statement=rated(table)["statement"].iloc[0])
    assert one[0].items < 12


@pytest.mark.parametrize("by", ["statement", "reviewer"])
def test_an_unrated_study_has_no_figures(engine, material, pilot, by):
    create_study(engine, replace(pilot, name="empty"), material)
    start_study(engine, "empty")
    nothing = answer_table(engine, "empty")
    assert list(nothing.columns) == COLUMNS
    assert item_scores(nothing, by) == controls(nothing) == repeats(nothing) == []
    assert estimate_rows(nothing).empty
    assert all(np.isnan(found.value) for found in agreements(nothing, "clarity"))


def test_scores_by_anything_else_are_refused(table):
    with pytest.raises(ValueError, match="expected one of branch, statement, prototype, reviewer"):
        item_scores(table, "colour")


def test_each_kind_of_database_gives_the_same_table(
    engine, material, pilot, rate_all, two_stages, table
):
    create_study(engine, pilot, material)
    two_stages(engine)
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
    assert str(item_scores(skipped)) == str(item_scores(without))
    assert {group.reviewer for group in item_scores(skipped, "reviewer")} == {"R01", "R03"}
    pd.testing.assert_frame_equal(estimate_rows(skipped), estimate_rows(without))
    assert agreements(skipped, "clarity") == agreements(without, "clarity")


def test_what_was_skipped_at_the_second_look_is_not_judged_by_the_first(table):
    last = table["stage"].eq(table.groupby(["reviewer", "position"])["stage"].transform("max"))
    assert rated(table.assign(skip=table["skip"].where(~last, "yes"))).empty


def test_every_figure_is_in_one_table_for_these_reviewers_and_for_new_ones(table):
    rows = estimate_rows(table)
    assert set(rows["section"]) == {
        *("scores", "summaries", "controls", "repeats", "agreement", "preferences", "readings")
    }
    assert set(rows["holds_for"]) == {THESE, NEW, ""}
    one = of(
        rows, section="agreement", measure="clarity", statistic="alpha", of="all of kind prototype"
    )
    assert one["holds_for"].tolist() == [THESE, NEW]
    alpha = agreements(table, "clarity")[0]
    assert tuple(one.iloc[1][["low", "high"]]) == pytest.approx(alpha.new)
    assert of(rows, section="readings", measure="correct", holds_for=NEW)["p"].notna().all()


def test_agreement_by_statement_is_of_its_own_items(table):
    found = agreement_by_statement(table, "clarity", "percent")
    assert {one.statement for one in found} <= set(rated(table)["statement"])
    assert all(one.agreement.items > 1 for one in found)
