"""Readings in arms, of simulated readers whom prototypes help, compared as readers and cases."""

import numpy as np
import pandas as pd
import pytest
from differentials import first_choice, reading

from review_db.findings.cases import arms, declared, pilot_comparison
from review_db.findings.estimate_rows import NEW, estimate_rows
from review_db.studies.design.declared import ARMS, Protocol

RIGHT = {"alone": 0.5, "calls": 0.6, "prototypes": 0.9}


@pytest.fixture(scope="module")
def table():
    """Six readers read forty cases in each arm, half of them with the finding; arms help."""
    chance, rows = np.random.default_rng(1), []
    for reader in range(6):
        for case in range(40):
            for session, arm in enumerate(ARMS, 1):
                right = chance.random() < RIGHT[arm]
                rows.append(
                    reading(
                        f"R{reader}",
                        case,
                        arm,
                        session,
                        position=len(rows),
                        seconds=20.0 + 5 * session + chance.normal(0, 3),
                        first_choice=first_choice(case, right=right),
                        first_confidence=str(chance.choice([4, 5])),
                    )
                )
    return pd.DataFrame(rows)


def test_the_effect_of_prototypes_is_given_back_by_each_outcome(table):
    found = {outcome.name: outcome for outcome in arms(table)}
    for name in ("correct", "auc", "sensitivity", "specificity"):
        names = [pair.treatments for pair in found[name].pairs()]
        most = names.index(("prototypes", "alone"))
        estimate = found[name].estimate(most)
        assert estimate.new[0] > 0.2, name
        assert found[name].mean("prototypes") > found[name].mean("alone")
    assert found["correct"].estimate(1).value == pytest.approx(0.4, abs=0.1)
    assert found["brier"].estimate(1).new[1] < 0
    assert found["seconds"].estimate(1).value == pytest.approx(10, abs=1.5)
    assert len(found["correct"].comparison.per_reader) == 6


def test_the_declared_comparison_alone_is_judged(table):
    protocol = Protocol(primary="correct", secondary=("seconds",))
    judged = declared(arms(table), protocol)
    assert [one.name for one in judged] == ["correct", "seconds"]
    assert {one.difference.treatments for one in judged} == {("prototypes", "alone")}
    assert all(one.is_met for one in judged)


def test_a_pilot_gives_the_spread_and_the_export_the_difference(table):
    assert pilot_comparison(table).treatments == ("prototypes", "alone")
    rows = estimate_rows(table)
    one = rows[
        (rows["of"] == "prototypes less alone")
        & (rows["measure"] == "correct")
        & (rows["holds_for"] == NEW)
    ]
    assert len(one) == 1 and one["p"].item() < 0.01
