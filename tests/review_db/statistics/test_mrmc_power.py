"""The power of a comparison, against studies that were simulated."""

import numpy as np
import pytest

from review_db.statistics.mrmc import compare_ratings
from review_db.statistics.mrmc.power import (
    Confidences,
    Readings,
    Variances,
    assumed,
    assumed_auc,
    of_pilot,
    power,
    powers,
    simulated,
    simulated_confidences,
)
from review_db.statistics.mrmc.ratings import of_array


def found(readings, readers, cases, chance):
    return compare_ratings(
        of_array(simulated(readings, readers, cases, chance), np.ones(cases)), "mean"
    )


def test_made_up_readings_are_as_assumed():
    with_, without = simulated(Readings(0.55, 0.75), 400, 1000, np.random.default_rng(1))
    assert with_.mean() == pytest.approx(0.75, abs=0.01)
    assert without.mean() == pytest.approx(0.55, abs=0.01)


def test_power_is_the_chance_of_a_false_alarm_where_there_is_no_difference():
    variances = assumed(Readings())
    assert power(variances, 0.0, 6, 100) == pytest.approx(0.05, abs=1e-6)
    assert power(variances, 0.0, 6, 100, alpha=0.01) == pytest.approx(0.01, abs=1e-6)


def test_where_readers_differ_more_cases_do_not_replace_more_readers():
    table = powers(assumed(Readings(effect=1.0)), 0.1, [4, 12], [100, 10_000])
    few, few_with_many_cases, many, _ = table["power"]
    assert few < few_with_many_cases < many


def test_a_larger_difference_is_found_more_often():
    variances = Variances(0.001, 0.1, 0.02)
    chances = [power(variances, difference, 5, 80) for difference in (0.02, 0.05, 0.1, 0.2)]
    assert chances == sorted(chances)
    assert np.isnan(power(variances, 0.1, 1, 80))


def test_a_pilot_of_one_reader_or_an_impossible_share_is_refused():
    chance = np.random.default_rng(2)
    with pytest.raises(ValueError, match="pilot study of one reader"):
        of_pilot(found(Readings(), 1, 40, chance))
    with pytest.raises(ValueError, match="between 0 and 1"):
        assumed(Readings(without=1.0))
    with pytest.raises(ValueError, match="0 or more"):
        assumed(Readings(effect=-1.0))


def test_the_variances_of_a_large_pilot_are_those_that_were_assumed():
    truth = assumed(Readings())
    pilot = of_pilot(found(Readings(), 120, 400, np.random.default_rng(3)))
    assert pilot.effect == pytest.approx(truth.effect, rel=0.4)
    assert pilot.own == pytest.approx(truth.own, rel=0.1)


@pytest.mark.parametrize(
    ("readings", "readers", "cases"),
    [
        (Readings(0.55, 0.75), 4, 60),
        (Readings(0.6, 0.7), 10, 150),
        (Readings(0.6, 0.7, effect=0.8), 10, 150),
        (Readings(0.5, 0.65, effect=0.2), 4, 60),
    ],
)
@pytest.mark.slow
def test_power_agrees_with_studies_within_a_tenth(readings, readers, cases):
    predicted = power(assumed(readings), readings.with_ - readings.without, readers, cases)
    chance = np.random.default_rng(4)
    p = [found(readings, readers, cases, chance).random_readers_random_cases.p for _ in range(1500)]
    assert predicted == pytest.approx(np.mean(np.array(p) < 0.05), rel=0.1)


def test_made_up_confidences_have_the_aucs_that_are_assumed():
    assumption = Confidences(0.75, 0.85, share=0.3)
    ratings, truth = simulated_confidences(assumption, 400, 1000, np.random.default_rng(5))
    found = compare_ratings(of_array(ratings, truth), "auc")
    assert found.means == pytest.approx((0.85, 0.75), abs=0.01)
    assert truth.mean() == pytest.approx(0.3)


def test_cases_of_one_kind_tell_less_of_an_auc_than_of_both():
    assumptions = [Confidences(share=share) for share in (0.1, 0.5)]
    few, both = (power(assumed_auc(one), 0.08, 6, 100) for one in assumptions)
    assert few < both


@pytest.mark.parametrize("more", [{"without": 0.4}, {"cases": 0.95}, {"share": 1.0}])
def test_an_auc_that_cannot_be_is_refused(more):
    with pytest.raises(ValueError, match="between"):
        assumed_auc(Confidences(**more))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("assumption", "readers", "cases"),
    [
        (Confidences(0.75, 0.88), 5, 80),
        (Confidences(0.8, 0.88, effect=0.4), 8, 120),
        (Confidences(0.8, 0.88, share=0.3), 6, 150),
    ],
)
def test_the_power_of_an_auc_agrees_with_studies_within_a_tenth(assumption, readers, cases):
    variances = assumed_auc(assumption)
    predicted = power(variances, assumption.with_ - assumption.without, readers, cases)
    chance, p = np.random.default_rng(6), []
    for _ in range(1000):
        ratings, truth = simulated_confidences(assumption, readers, cases, chance)
        compared = compare_ratings(of_array(ratings, truth), "auc")
        p.append(compared.random_readers_random_cases.p)
    assert predicted == pytest.approx(np.mean(np.array(p) < 0.05), rel=0.1)
