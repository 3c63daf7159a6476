import math
from dataclasses import replace
from fractions import Fraction

import pytest

from protoecg.bundle import load_bundle
from protoecg.evidence import repeatability
from protoecg.evidence.change import (
    CHANGED,
    MeasurementChange,
    finding_changes,
    measurement_changes,
    of_kind,
    total,
)
from protoecg.evidence.in_words import change_adds_up
from protoecg.explain import explain
from protoecg.explanation import Measured
from protoecg.measure import Measurements, measure
from protoecg.simulate import simulate

# The last bits of three rounded sums: two logits and their difference.
LAST_BITS = 1e-13
MEASURED = Measurements(
    heart_rate_bpm=70.0,
    axis_deg=45.0,
    p_ms=100.0,
    pr_ms=160.0,
    qrs_ms=94.0,
    qt_ms=384.0,
    qtc={"Fridericia": 420.0},
    unsure={},
)


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return load_bundle(tiny_bundle.path)


@pytest.fixture(scope="module")
def then(bundle):
    return explain(simulate(["NORM"], seed=4).ecg, bundle)


@pytest.fixture(scope="module")
def now(bundle):
    return explain(simulate(["AFIB", "PVC"], seed=4).ecg, bundle)


def with_finding(explanation, code, **other):
    return replace(
        explanation,
        findings=tuple(replace(f, **other) if f.code == code else f for f in explanation.findings),
    )


def test_changes_of_contributions_add_up_to_the_change_of_the_logit(then, now):
    changes = finding_changes(then, now)
    assert max(abs(change.amount) for change in changes) > 0.01
    for change in changes:
        exact = sum(
            Fraction(m.now.contribution) - Fraction(m.then.contribution) for m in change.matches
        )
        assert abs(exact - (Fraction(change.now.logit) - Fraction(change.then.logit))) < LAST_BITS
        assert change.amount == pytest.approx(float(exact), abs=LAST_BITS)
        assert total(change.matches) == float(exact)


def test_the_bias_cancels_however_large_it_is(then, now):
    code = max(now.findings, key=lambda f: len(f.matches)).code

    def moved(explanation):
        finding = next(f for f in explanation.findings if f.code == code)
        return with_finding(explanation, code, bias=finding.bias + 64, logit=finding.logit + 64)

    (was,) = [c for c in finding_changes(then, now) if c.code == code]
    (moved_too,) = [c for c in finding_changes(moved(then), moved(now)) if c.code == code]
    assert moved_too.amount == pytest.approx(was.amount, abs=1e-12)
    assert moved_too.matches == was.matches


def test_a_contribution_rises_by_weight_times_the_rise_in_similarity(then, now):
    for change in finding_changes(then, now):
        for match in change.matches:
            assert match.then.prototype == match.now.prototype
            rise = match.now.weight * (match.now.similarity - match.then.similarity)
            assert match.amount == pytest.approx(rise, abs=1e-12)


def test_changes_come_largest_first_and_risen_matches_before_fallen_ones(then, now):
    changes = finding_changes(then, now)
    sizes = [abs(change.amount) for change in changes]
    assert sizes == sorted(sizes, reverse=True)
    for change in changes:
        amounts = [match.amount for match in change.matches]
        assert amounts == sorted(amounts, reverse=True)


def test_seen_the_other_way_round_every_change_is_its_opposite(then, now):
    back = {change.code: change for change in finding_changes(now, then)}
    opposite = {
        **{f"newly {sure}": f"no longer {sure}" for sure in ("likely", "possible")},
        **{f"no longer {sure}": f"newly {sure}" for sure in ("likely", "possible")},
    }
    for change in finding_changes(then, now):
        assert back[change.code].amount == -change.amount
        assert back[change.code].kind == opposite.get(change.kind, change.kind)
        assert back[change.code].measured == -change.measured


def test_an_ecg_has_not_changed_from_itself(now):
    for change in finding_changes(now, now):
        assert change.amount == 0 and not any(match.amount for match in change.matches)
    assert not any(of_kind(finding_changes(now, now), kind) for kind in CHANGED)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (0.01, 0.99, "newly likely"),
        (0.99, 0.01, "no longer likely"),
        (0.99, 0.3, "now only possible"),
        (0.3, 0.01, "no longer possible"),
        (0.01, 0.3, "newly possible"),
        (0.9, 0.9, "likely in both"),
        (0.3, 0.3, "possible in both"),
        (0.0, 0.0, "absent in both"),
        (0.49, 0.51, "no sure change"),
        (0.21, 0.19, "no sure change"),
    ],
)
def test_a_finding_is_new_or_gone_by_its_certainty_and_more_than_noise(
    then, now, before, after, kind, monkeypatch
):
    code = now.findings[0].code
    monkeypatch.setattr(repeatability, "logit", lambda code: 1.0)

    def at(explanation, probability):
        logit = math.log((probability + 1e-9) / (1 - probability + 1e-9))
        sure = {"threshold": 0.5, "possible_from": 0.2, "probability": probability}
        return with_finding(explanation, code, **sure, logit=logit, contradictions=())

    changes = finding_changes(at(then, before), at(now, after))
    assert [c.kind for c in changes if c.code == code] == [kind]
    assert code in {change.code for change in of_kind(changes, kind)}


def test_what_measurements_add_is_part_of_the_change(then, now):
    code = now.findings[0].code

    def measuring(explanation, amount):
        finding = next(f for f in explanation.findings if f.code == code)
        added = Measured("QTc", 500.0, "ms", amount)
        return with_finding(
            explanation, code, logit=finding.logit + amount, measured=(*finding.measured, added)
        )

    (plain,) = [c for c in finding_changes(then, now) if c.code == code]
    changes = finding_changes(measuring(then, 0.25), measuring(now, 1.0))
    (change,) = [c for c in changes if c.code == code]
    assert change.measured == pytest.approx(plain.measured + 0.75)
    assert total(change.matches) + change.measured == pytest.approx(change.amount)


def test_the_largest_change_is_told_first_counted_in_noise():
    changes = measurement_changes(MEASURED, replace(MEASURED, qrs_ms=140.0, heart_rate_bpm=90.0))
    assert [(c.name, c.beyond_noise) for c in changes[:3]] == [
        ("QRS", True),
        ("Heart rate", False),
        ("QRS axis", False),
    ]


def test_what_is_unsure_has_not_changed():
    changes = measurement_changes(MEASURED, replace(MEASURED, qrs_ms=None))
    assert not any(change.beyond_noise for change in changes)


def test_two_bundles_are_refused_even_by_one_name(then, now):
    code = now.findings[0].code
    for other in (
        replace(now, bundle="Another"),
        replace(now, findings=now.findings[1:]),
        with_finding(now, code, bias=9.0),
        with_finding(now, code, threshold=0.123),
        with_finding(now, code, matches=()),
    ):
        with pytest.raises(ValueError, match="by different bundles"):
            finding_changes(then, other)


def test_measurements_change_by_what_was_simulated():
    slow, fast = (measure(simulate([code], seed=3, rate=500).ecg) for code in ("SBRAD", "STACH"))
    rate = next(c for c in measurement_changes(slow, fast) if c.name == "Heart rate")
    assert (rate.name, rate.unit) == ("Heart rate", "bpm")
    assert rate.then < 60 and rate.now > 100
    assert rate.difference == rate.now - rate.then == round(fast.heart_rate_bpm) - rate.then


def test_the_measurements_are_those_that_clinicians_compare():
    measured = measure(simulate(["NORM"], seed=3, rate=500).ecg)
    changes = measurement_changes(measured, measured)
    names = [change.name for change in changes]
    assert names == ["Heart rate", "QRS axis", "PR", "QRS", "QT", "QTc (Fridericia)"]
    assert all(change.difference == 0 for change in changes)
    assert changes[-1].now == round(measured.qtc_ms)


def test_what_is_unsure_on_one_ecg_has_no_difference_but_a_reason():
    sinus, fibrillation = (measure(simulate([c], seed=3, rate=500).ecg) for c in ("NORM", "AFIB"))
    pr = next(c for c in measurement_changes(sinus, fibrillation) if c.name == "PR")
    assert pr.then is not None and pr.now is None and pr.difference is None
    assert pr.unsure_then == "" and "P wave" in pr.unsure_now


def test_qtc_is_unsure_for_the_reason_that_qt_is():
    sure = measure(simulate(["NORM"], seed=3, rate=500).ecg)
    unsure = replace(
        sure, qt_ms=None, qtc=dict.fromkeys(sure.qtc), unsure={"qt_ms": "T waves differ"}
    )
    qtc = next(c for c in measurement_changes(unsure, sure) if c.name.startswith("QTc"))
    assert qtc.then is None and qtc.unsure_then == "T waves differ"


@pytest.mark.parametrize(
    ("then", "now", "difference"),
    [(-30, 60, 90), (170, -170, 20), (-170, 170, -20), (0, 180, 180), (180, 0, 180), (90, 90, 0)],
)
def test_an_axis_turns_the_shorter_way_round(then, now, difference):
    assert MeasurementChange("QRS axis", "°", then, now, 26).difference == difference


def spoken(name, value, contribution):
    return Measured(name, value, "ms", contribution)


def test_a_change_is_put_in_words_by_what_speaks_more_and_what_less(bundle, then, now):
    code = "PVC"
    before = with_finding(then, code, measured=(spoken("QRS duration", 96, -0.6),))
    after = with_finding(now, code, measured=(spoken("QRS duration", 140, 0.9),))
    change = next(c for c in finding_changes(before, after) if c.code == code)
    grown = replace(change, matches=())
    assert change_adds_up(grown, bundle.labels) == (
        "QRS duration 140 ms speaks more for it than in the earlier ECG."
    )
    lost = replace(grown, now=replace(grown.now, measured=()), then=change.now)
    assert change_adds_up(lost, bundle.labels) == (
        "QRS duration, unsure now, speaks less for it than in the earlier ECG."
    )
    own = [m for m in change.matches if m.prototype.statement == code and abs(m.amount) > 0.2]
    assert own and "ikeness to its own cases" in change_adds_up(change, bundle.labels)


def test_a_change_that_is_hardly_one_is_not_put_in_words(bundle, then):
    assert {change_adds_up(c, bundle.labels) for c in finding_changes(then, then)} == {""}
