from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from review_db.findings.answers import answer_table
from review_db.findings.cases import preferences, readings, signed_rank
from review_db.studies.lifecycle import create_study, start_study


@pytest.fixture(scope="module")
def table(rated_study):
    return answer_table(rated_study, "pilot")


def test_a_preference_is_for_a_bundle_and_not_for_a_side(table):
    found = preferences(table).set_index("reviewer")
    everyone = found.loc[""]
    assert (everyone["prefers_b"], everyone["prefers_a"]) == (1, 0)
    assert (everyone["acceptable_b"], everyone["acceptable_a"]) == (1, 0)
    assert 1 <= everyone["low"] <= everyone["preference"] <= everyone["high"] <= 2
    assert everyone["p"] == pytest.approx(2 / 2**8)
    assert found.loc["R01", "cases"] == 8


def test_reading_with_the_explanation_is_compared_with_reading_without(table):
    found = readings(table).set_index("measure")
    correct = found.loc["correct"]
    assert correct["with"] == pytest.approx(0.5)
    assert correct["difference"] == pytest.approx(correct["with"] - correct["without"])
    assert found.loc["overlap", "with"] == pytest.approx((1 + 1 / 3) / 2)
    assert found.loc["brier", "with"] == pytest.approx((0.1**2 + 0.9**2) / 2)
    assert (correct["readers"], correct["cases"], correct["n"]) == (3, 8, 24)
    assert found.loc["seconds", "without"] + found.loc["seconds", "with"] == pytest.approx(11)


def test_half_a_reading_is_not_compared(table):
    first_only = table[(table["kind"] != "reading") | (table["stage"] == 1)]
    assert readings(first_only)["n"].eq(0).all()


def test_what_a_reader_skipped_is_neither_compared_nor_preferred(table):
    skipped = table.assign(skip=table["skip"].where(table["reviewer"] != "R01", "yes"))
    assert readings(skipped)["readers"].eq(2).all()
    assert set(preferences(skipped)["reviewer"]) == {"", "R02", "R03"}


def test_in_an_unrated_study_nothing_is_preferred_nor_compared(engine, material, pilot):
    create_study(engine, replace(pilot, name="empty"), material)
    start_study(engine, "empty")
    nothing = answer_table(engine, "empty")
    assert preferences(nothing).empty
    assert readings(nothing)["n"].eq(0).all()


def test_the_signed_rank_test_is_that_of_darwins_plants():
    # Cross- and self-fertilised maize, Darwin 1876, in eighths of an inch (Fisher 1935): T = 24.
    maize = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)
    assert signed_rank(maize) == pytest.approx(0.0413, abs=5e-5)
    assert signed_rank(-maize) == signed_rank(maize)


def test_ties_are_taken_into_account_exactly():
    tied = np.array([1, 1, 1, 2, 2, -1, 2, 1.0])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1).T
    ranks = stats.rankdata(np.abs(tied))
    sums = np.abs((signs * ranks).sum(axis=1))
    exact = (sums >= abs((np.sign(tied) * ranks).sum()) - 1e-9).mean()
    assert signed_rank(tied) == pytest.approx(exact)


def test_nothing_but_zeros_differs_in_nothing():
    assert signed_rank(np.zeros(5)) == 1
    assert signed_rank(np.array([])) == 1
