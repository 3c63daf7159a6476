from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from protoecg import wording
from protoecg.bundle import load_bundle
from protoecg.evidence.change import FindingChange, finding_changes
from protoecg.explain import explain
from protoecg.explanation import Measured
from protoecg.figures.change import change_figure, describe_change, steps_of_change
from protoecg.sheet.colours import DARK, LIGHT
from protoecg.simulate import simulate


@pytest.fixture(scope="module")
def change(tiny_bundle) -> FindingChange:
    bundle = load_bundle(tiny_bundle.path)
    then, now = (explain(simulate([code], seed=4).ecg, bundle) for code in ("NORM", "AFIB"))
    return max(finding_changes(then, now), key=lambda change: len(change.matches))


@pytest.mark.parametrize("top", [1, 3, 100])
def test_the_bars_lead_from_the_earlier_logit_to_the_later_one(change, top):
    (bars,) = (t for t in change_figure(change, top=top).data if t.type == "bar")
    assert (bars.base[0], bars.x[0]) == (0, change.then.logit)
    assert (bars.base[-1], bars.x[-1]) == (0, change.now.logit)
    assert bars.base[1] == change.then.logit
    np.testing.assert_allclose(np.add(bars.base, bars.x)[1:-2], bars.base[2:-1], atol=1e-9)
    assert bars.base[-2] + bars.x[-2] == pytest.approx(change.now.logit, abs=1e-9)


def test_the_largest_changes_stand_alone_and_the_others_are_counted(change):
    first, *middle, last = steps_of_change(change, 2)
    sizes = sorted((abs(match.amount) for match in change.matches), reverse=True)
    assert [abs(step.amount) for step in middle[:2]] == sizes[:2]
    assert middle[2].label.startswith(f"{len(sizes) - 2} other match")
    assert (first.label, last.label) == ("earlier: logit", "now: logit")


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_what_rose_and_what_fell_differ_in_colour(change, theme, colours):
    bars, *_ = change_figure(change, theme=theme).data
    for colour, amount in list(zip(bars.marker.color, bars.x, strict=True))[1:-1]:
        assert colour == (colours.evidence_for if amount >= 0 else colours.evidence_against)
    assert bars.marker.color[0] == bars.marker.color[-1] == colours.ink


def test_both_probabilities_stand_at_their_logits(change):
    *_, values = change_figure(change).data
    assert f"probability {wording.probability(change.then.probability)}" in unescape(values.text[0])
    assert f"probability {wording.probability(change.now.probability)}" in unescape(values.text[-1])


def test_hover_shows_both_contributions(change):
    largest = max(change.matches, key=lambda match: abs(match.amount))
    hover = steps_of_change(change)[1].hover
    then, now = (wording.signed(m.contribution, 3) for m in (largest.then, largest.now))
    assert f"{then} → {now}" in hover


def test_the_description_says_the_change_and_what_it_comes_from(change):
    text = describe_change(change)
    then, now = (wording.signed(f.logit) for f in (change.then, change.now))
    assert f"logit {then} to {now}" in text
    assert change.kind in text
    largest = max(change.matches, key=lambda match: abs(match.amount))
    assert f"{largest.prototype.name} {wording.signed(largest.amount)}" in text


def test_a_finding_without_prototypes_has_only_its_logits(change):
    bare = FindingChange(change.then, change.now, ())
    assert [step.kind for step in steps_of_change(bare)] == ["sum", "sum"]
    assert "No prototype has a part" in describe_change(bare)


def test_a_chart_claims_no_certainty_and_no_markup(change):
    sure = replace(change, now=replace(change.now, probability=0.9999, logit=9.2))
    bars, *_, values = change_figure(sure).data
    assert values.text[-1].endswith("probability &gt;99 %")
    assert bars.customdata[-1].endswith("probability &gt;99.9 %")


def test_what_measurements_add_has_a_bar_of_its_own(change):
    measured = replace(
        change, now=replace(change.now, measured=(Measured("QTc", 500.0, "ms", 0.75),))
    )
    step = next(s for s in steps_of_change(measured) if s.label == "measurements")
    assert step.amount == 0.75
