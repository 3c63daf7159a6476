from dataclasses import replace

import numpy as np
import pytest

from review_db.findings.answers import answer_table
from review_db.findings.cases import (
    WITH,
    WITHOUT,
    Outcome,
    declared,
    pilot_comparison,
    preferences,
    two_stages,
)
from review_db.statistics.mrmc import compare_ratings
from review_db.statistics.mrmc.ratings import of_array
from review_db.studies.design.declared import Protocol
from review_db.studies.lifecycle import create_study, start_study


@pytest.fixture(scope="module")
def table(rated_study):
    return answer_table(rated_study, "pilot")


def by_name(outcomes):
    return {outcome.name: outcome for outcome in outcomes}


def test_a_preference_is_for_a_bundle_and_not_for_a_side(table):
    everyone, first, *_ = preferences(table)
    assert (everyone.reviewer, first.reviewer) == ("", "R01")
    assert (everyone.prefers_b, everyone.prefers_a) == (1, 0)
    assert (everyone.acceptable_b, everyone.acceptable_a) == (1, 0)
    found = everyone.preference
    assert 1 <= found.new[0] <= found.value <= found.new[1] <= 2
    assert everyone.p < 0.05
    assert first.preference.items == 8
    assert np.isnan(first.preference.new).all() and np.isnan(first.p)


def test_a_side_that_is_preferred_is_told_apart_from_an_explanation(table):
    right = table.assign(better=table["better"].where(table["kind"] != "pair", "5"))
    everyone = preferences(right)[0]
    assert everyone.to_the_right.value == 2
    # Each explanation stood on the right in half of the pairs.
    assert abs(everyone.preference.value) < 0.5
    assert abs(preferences(table)[0].to_the_right.value) < 0.5


def test_reading_with_the_explanation_is_compared_with_reading_without(table):
    found = by_name(two_stages(table))
    correct = found["correct"]
    assert correct.mean(WITH) == pytest.approx(0.5)
    assert correct.estimate().value == pytest.approx(correct.mean(WITH) - correct.mean(WITHOUT))
    assert correct.pairs()[0].treatments == (WITH, WITHOUT)
    assert found["overlap"].mean(WITH) == pytest.approx((1 + 1 / 3) / 2)
    assert found["brier"].mean(WITH) == pytest.approx((0.1**2 + 0.9**2) / 2)
    assert (correct.comparison.readers, correct.comparison.cases) == (3, 8)
    assert found["seconds"].mean(WITH) + found["seconds"].mean(WITHOUT) == pytest.approx(11)
    assert pilot_comparison(table) == correct.comparison


def test_half_a_reading_is_not_compared(table):
    first_only = table[(table["kind"] != "reading") | (table["stage"] == 1)]
    assert all(outcome.comparison is None and outcome.why for outcome in two_stages(first_only))
    with pytest.raises(ValueError, match="not each one of those rated"):
        pilot_comparison(first_only)


def test_what_a_reader_skipped_is_neither_compared_nor_preferred(table):
    skipped = table.assign(skip=table["skip"].where(table["reviewer"] != "R01", "yes"))
    assert all(outcome.comparison.readers == 2 for outcome in two_stages(skipped))
    assert {found.reviewer for found in preferences(skipped)} == {"", "R02", "R03"}


def test_in_an_unrated_study_nothing_is_preferred_nor_compared(engine, material, pilot):
    create_study(engine, replace(pilot, name="empty"), material)
    start_study(engine, "empty")
    nothing = answer_table(engine, "empty")
    assert preferences(nothing) == []
    assert all(outcome.comparison is None for outcome in two_stages(nothing))


def outcome(name, gain, seed):
    values = np.random.default_rng(seed).normal(size=(2, 5, 40))
    values[0] += gain
    ratings = of_array(values, np.ones(40), (("prototypes", "alone"), *[tuple("abcde")], CASES))
    return Outcome(name, compare_ratings(ratings, "mean"))


CASES = tuple(f"c{n}" for n in range(40))


def test_what_was_declared_is_judged_together_and_nothing_else():
    found = [outcome("correct", 0.5, 1), outcome("brier", 0.3, 2), outcome("seconds", 0.0, 3)]
    protocol = Protocol(primary="correct", secondary=("seconds",), alpha=0.05)
    first, second = declared(found, protocol)
    assert (first.name, second.name) == ("correct", "seconds")
    assert first.adjusted == pytest.approx(2 * first.p) and first.is_met
    assert second.adjusted == second.p and not second.is_met
    plain = declared(found, replace(protocol, multiplicity="none"))
    assert plain[0].adjusted == plain[0].p
    assert declared(found, Protocol()) == []
