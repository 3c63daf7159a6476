import numpy as np
import pytest

from review_db.statistics.agreement import agreement
from review_db.statistics.means import mean_of
from review_db.statistics.power import POINTS, Spread, simulate, smallest, spread_of, widths


def test_the_width_is_that_of_the_normal_approximation():
    spread = Spread(mean=3, prototypes=0.5, reviewers=0, residual=0.5)
    found = widths([4], [60], holds_for="these", spread=spread, simulations=60).iloc[0]
    many = simulate(4, 100_000, spread, np.random.default_rng(0)).mean(axis=1)
    assert found["width"] == pytest.approx(2 * 2.0 * many.std() / np.sqrt(60), rel=0.08)
    assert found["value"] == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("measure", ["mean", "alpha"])
def test_four_times_the_prototypes_halve_the_width(measure):
    table = widths([3], [30, 120], measure=measure, holds_for="these", simulations=10)
    small, large = table["width"]
    assert large == pytest.approx(small / 2, rel=0.25)
    assert (table["width"] <= table["width_90"]).all()


def test_more_reviewers_help_where_they_differ_at_random():
    noisy = Spread(prototypes=0.2, reviewers=0, residual=1.2)
    alone, many = widths([1, 9], [40], holds_for="these", spread=noisy, simulations=20)["width"]
    assert many < 0.6 * alone


def test_the_smallest_study_that_reaches_a_width():
    table = widths([2, 4], [10, 40, 160], holds_for="these", simulations=20)
    found = smallest(table, 0.45)
    assert len(found) == 2
    assert (found["width_90"] <= 0.45).all()
    for _, row in found.iterrows():
        fewer = table[
            (table["reviewers"] == row["reviewers"]) & (table["prototypes"] < row["prototypes"])
        ]
        assert (fewer["width_90"] > 0.45).all()
    assert smallest(table, 0.001).empty


def test_the_spread_of_earlier_ratings_is_found_again():
    truth = Spread(mean=3, prototypes=0.5, reviewers=0.3, residual=0.4)
    ratings = simulate(40, 2000, truth, np.random.default_rng(0))
    found = spread_of(ratings)
    assert found.mean == pytest.approx(3, abs=0.15)
    assert found.prototypes == pytest.approx(0.5, abs=0.05)
    assert found.reviewers == pytest.approx(0.3, abs=0.1)
    # Rounding to points adds a variance of about a twelfth.
    assert found.residual == pytest.approx(np.sqrt(0.4**2 + 1 / 12), abs=0.03)


def test_a_seed_always_gives_the_same():
    assert widths([2], [10], simulations=5).equals(widths([2], [10], simulations=5))


@pytest.mark.parametrize(
    ("reviewers", "prototypes", "measure", "message"),
    [
        ([2], [10], "alpha", "3 reviewers"),
        ([1], [10], "mean", "2 reviewers"),
        ([2], [1], "mean", "two prototypes"),
        ([2], [9], "kappa", "expected mean or alpha"),
    ],
)
def test_a_study_without_an_interval_is_refused(reviewers, prototypes, measure, message):
    with pytest.raises(ValueError, match=message):
        widths(reviewers, prototypes, measure=measure)


def test_one_prototype_says_nothing_of_the_spread():
    with pytest.raises(ValueError, match="don't tell how prototypes and reviewers differ"):
        spread_of(np.array([[1.0, 2.0]]))


def test_new_reviewers_take_their_differences_into_account():
    """Of four reviewers and sixty prototypes, 0.39 was predicted and 0.82 needed."""
    these, new = (
        widths([4], [60], holds_for=whom, simulations=60)["width"].item()
        for whom in ("these", "new")
    )
    assert these == pytest.approx(0.4, abs=0.06)
    assert new > 0.75


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["mean", "alpha"])
def test_a_predicted_width_is_that_of_studies(measure):
    spread = Spread()
    predicted = widths([5], [40], measure=measure, simulations=200)["width"].item()
    chance = np.random.default_rng(5)
    of_studies = [
        agreement(table, POINTS).new if measure == "alpha" else mean_of(table, (1, 5)).new
        for table in (simulate(5, 40, spread, chance) for _ in range(400))
    ]
    assert predicted == pytest.approx(np.median(np.ptp(of_studies, axis=1)), rel=0.1)
