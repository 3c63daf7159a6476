import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from review_db.statistics.agreement import (
    STATISTICS,
    agreement,
    cohen_kappa,
    counts,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    icc_2_1,
    krippendorff_alpha,
    nominal_distance,
    ordinal_distance,
    percent_agreement,
    weighted_kappa,
)

FIVE = np.arange(1.0, 6.0)
_ = np.nan

# Krippendorff 2011, part C: four observers, twelve units, missing values. Gwet's handbook (2014)
# computes its coefficients from the same table.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T

# Fleiss 1971, table 1: how many of six psychiatrists gave each of five diagnoses to 30 patients.
FLEISS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""

# Shrout and Fleiss 1979, table 2: six targets, four judges.
SHROUT = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def ratings(row):
    """Spell out a row of counts as the ratings that it counts."""
    return [category for category, n in enumerate(row, start=1) for _ in range(n)]


def pairs(table):
    """Spell out a contingency table of two raters as one row a subject."""
    return np.array(
        [
            (i + 1.0, j + 1.0)
            for i, row in enumerate(table)
            for j, n in enumerate(row)
            for _ in range(n)
        ]
    )


def test_alpha_is_that_of_krippendorffs_example():
    assert krippendorff_alpha(KRIPPENDORFF, FIVE, nominal_distance) == pytest.approx(
        0.743, abs=5e-4
    )
    assert krippendorff_alpha(KRIPPENDORFF, FIVE) == pytest.approx(0.815, abs=5e-4)


def test_alpha_with_the_interval_distance_is_that_of_krippendorffs_example():
    squared = np.subtract.outer(FIVE, FIVE) ** 2
    assert krippendorff_alpha(KRIPPENDORFF, FIVE, lambda _: squared) == pytest.approx(
        0.849, abs=5e-4
    )


def test_fleiss_kappa_is_that_of_fleiss_patients():
    rows = [[int(digit) for digit in row] for row in FLEISS.split()]
    table = np.array([ratings(row) for row in rows], float)
    assert np.sum(rows, axis=0).tolist() == [26, 26, 30, 55, 43]
    assert fleiss_kappa(table, FIVE) == pytest.approx(0.430, abs=5e-4)


def test_gwets_coefficients_are_those_of_his_example():
    assert gwet_ac1(KRIPPENDORFF, FIVE) == pytest.approx(0.77544, abs=5e-6)
    assert fleiss_kappa(KRIPPENDORFF, FIVE) == pytest.approx(0.76117, abs=5e-6)
    assert percent_agreement(KRIPPENDORFF, FIVE) == pytest.approx(0.81818, abs=5e-6)


def test_icc_is_that_of_shrout_and_fleiss():
    assert icc_2_1(SHROUT, np.arange(1.0, 11.0)) == pytest.approx(0.29, abs=5e-3)


def test_kappa_is_that_of_couples_answers():
    # Hout, Duncan and Sobel 1987, 91 couples, in Agresti, Categorical Data Analysis.
    couples = pairs([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]])
    linear = 1 - np.abs(np.subtract.outer(range(4), range(4))) / 3
    assert cohen_kappa(couples, FIVE[:4]) == pytest.approx(0.1293, abs=5e-5)
    assert weighted_kappa(couples, FIVE[:4], linear) == pytest.approx(0.2374, abs=5e-5)


def test_weighted_kappa_of_two_is_one_minus_the_ratio_of_squared_differences():
    first, second = pairs([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]]).T
    apart = np.mean((first - second) ** 2)
    by_chance = np.mean(np.subtract.outer(first, second) ** 2)
    assert weighted_kappa(np.column_stack([first, second]), FIVE[:4]) == pytest.approx(
        1 - apart / by_chance
    )


def test_weighted_kappa_of_more_is_the_mean_over_pairs():
    of_two = [weighted_kappa(KRIPPENDORFF[:, [a, b]], FIVE) for a in range(4) for b in range(a)]
    assert weighted_kappa(KRIPPENDORFF, FIVE) == pytest.approx(np.mean(of_two))


def test_ac2_is_its_definition_spelled_out():
    def weight(a, b):
        return 1 - ((a - b) / 4) ** 2

    rows = [row[~np.isnan(row)] for row in KRIPPENDORFF]
    agreed = np.mean(
        [
            np.mean([weight(a, b) for i, a in enumerate(row) for j, b in enumerate(row) if i != j])
            for row in rows
            if len(row) > 1
        ]
    )
    shares = [np.mean([np.mean(row == point) for row in rows]) for point in FIVE]
    weights = sum(weight(a, b) for a in FIVE for b in FIVE)
    chance = weights * sum(p * (1 - p) for p in shares) / (5 * 4)
    assert gwet_ac2(KRIPPENDORFF, FIVE) == pytest.approx((agreed - chance) / (1 - chance))


def test_high_agreement_on_a_rare_finding_is_seen_by_ac1_and_missed_by_kappa():
    # The paradox that Gwet 2008 starts from.
    rare = pairs([[118, 5], [2, 0]])
    assert cohen_kappa(rare, FIVE[:2]) == pytest.approx(-0.0234, abs=5e-4)
    assert gwet_ac1(rare, FIVE[:2]) == pytest.approx(0.9408, abs=5e-4)


TABLES = arrays(
    float,
    st.tuples(st.integers(4, 12), st.integers(2, 5)),
    elements=st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0, np.nan]),
)


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=25, deadline=None)
@given(TABLES, st.randoms())
def test_no_statistic_depends_on_the_order_of_items_or_raters(name, table, chance):
    rows, columns = list(range(table.shape[0])), list(range(table.shape[1]))
    chance.shuffle(rows)
    chance.shuffle(columns)
    shuffled = STATISTICS[name](table[rows][:, columns], FIVE)
    assert shuffled == pytest.approx(STATISTICS[name](table, FIVE), nan_ok=True)


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([*FIVE]), min_size=2, max_size=9), st.integers(2, 4))
def test_reviewers_who_always_agree_get_one(name, given_, raters):
    assume(len(set(given_)) > 1)
    table = np.repeat(np.array(given_)[:, None], raters, axis=1)
    assert STATISTICS[name](table, FIVE) == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(TABLES)
def test_ordinal_alpha_depends_on_the_order_of_the_points_alone(table):
    stretched = np.exp(table)
    assert krippendorff_alpha(stretched, np.exp(FIVE)) == pytest.approx(
        krippendorff_alpha(table, FIVE), nan_ok=True
    )


@pytest.mark.parametrize("name", STATISTICS)
def test_ratings_at_random_agree_no_more_than_by_chance(name):
    table = np.random.default_rng(3).choice(FIVE, size=(4000, 3))
    chance = 0.2 if name == "percent" else 0.0
    assert STATISTICS[name](table, FIVE) == pytest.approx(chance, abs=0.04)


def test_the_ordinal_distance_counts_the_ratings_between():
    # From Krippendorff 2011: totals 9, 13, 10, 5, 3.
    apart = ordinal_distance(np.array([9.0, 13, 10, 5, 3]))
    assert apart[0, 1] == pytest.approx(11**2)
    assert apart[0, 2] == pytest.approx(22.5**2)
    assert apart[3, 4] == pytest.approx(4**2)


def test_an_estimate_says_what_it_rests_on():
    found = agreement(KRIPPENDORFF, FIVE, "alpha")
    assert (found.items, found.raters, found.ratings) == (11, 4, 40)
    assert found.prevalence == pytest.approx(np.array([9, 13, 10, 5, 3]) / 40)
    assert found.these[0] < found.value < found.these[1] <= 1
    assert found.new[0] < found.value < found.new[1] <= 1
    assert (found.undefined, found.computed) == (0, 11 + 4 + 40 + 4)


@pytest.mark.parametrize("name", STATISTICS)
def test_an_estimate_is_the_statistic_of_the_whole_table(name):
    found = agreement(KRIPPENDORFF, FIVE, name)
    assert found.value == pytest.approx(STATISTICS[name](KRIPPENDORFF[:11], FIVE))


def test_the_same_ratings_give_the_same_interval():
    assert agreement(KRIPPENDORFF, FIVE) == agreement(KRIPPENDORFF, FIVE)


def test_two_reviewers_say_nothing_of_new_ones():
    found = agreement(KRIPPENDORFF[:, :2], FIVE)
    assert np.isfinite(found.these).all()
    assert np.isnan(found.new).all()


def test_answers_that_are_all_alike_are_no_proof_of_agreement():
    """Five alike ratings of two reviewers once gave 100 % (100 to 100)."""
    found = agreement(np.full((5, 2), 4.0), FIVE, "percent")
    assert found.value == 1
    assert found.these == pytest.approx((0.566, 1), abs=0.001)
    assert np.isnan(agreement(np.full((5, 2), 4.0), FIVE, "ac2").these).all()


def test_a_statistic_that_hangs_on_one_item_has_no_interval_and_says_so():
    table = np.full((8, 3), 4.0)
    table[0, 0] = 2
    found = agreement(table, FIVE, "weighted_kappa")
    assert found.undefined > 0
    assert np.isnan(found.these).all()


def test_a_reviewer_who_left_early_does_not_spoil_the_icc():
    """Of complete rows alone, three items would decide."""
    chance = np.random.default_rng(2)
    table = chance.normal(0, 1, (60, 1)) + chance.normal(0, 1, (60, 4))
    table = np.clip(np.rint(3 + table), 1, 5)
    table[3:, 3] = np.nan
    found = agreement(table, FIVE, "icc_2_1")
    assert found.items == 60
    assert found.value == pytest.approx(icc_2_1(table[:, :3], FIVE), abs=0.03)


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize(
    "table", [np.empty((0, 3)), np.full((4, 2), np.nan), np.array([[1.0, _], [_, 2]])]
)
def test_without_two_ratings_of_an_item_there_is_no_agreement(name, table):
    found = agreement(table, FIVE, name)
    assert np.isnan([found.value, *found.these, *found.new]).all()
    assert found.items == 0


def test_one_category_for_all_leaves_alpha_and_kappa_undefined():
    table = np.full((6, 3), 4.0)
    assert np.isnan(krippendorff_alpha(table, FIVE))
    assert np.isnan(fleiss_kappa(table, FIVE))
    assert gwet_ac2(table, FIVE) == 1


def test_a_rating_off_the_scale_is_refused():
    with pytest.raises(ValueError, match=r"hold \[7.0\], expected one of \[1.0, 2.0"):
        counts(np.array([[7.0, 1]]), FIVE)
    with pytest.raises(ValueError, match="no statistic 'beta', expected one of alpha"):
        agreement(KRIPPENDORFF, FIVE, "beta")
