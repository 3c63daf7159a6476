import math

import numpy as np
import pytest

from protoecg.bundle import load_bundle
from protoecg.evidence.what_if import without
from protoecg.explain import explain
from protoecg.simulate import simulate


@pytest.fixture(scope="module")
def explanation(tiny_bundle):
    return explain(simulate(["AFIB", "PVC"], seed=4).ecg, load_bundle(tiny_bundle.path))


@pytest.fixture(scope="module")
def finding(explanation):
    return max(explanation.findings, key=lambda f: len(f.matches))


def of(explanation, code):
    return next(f for f in explanation.findings if f.code == code)


def test_without_nothing_all_stays(explanation):
    assert without(explanation, []) == explanation


def test_a_logit_falls_by_just_what_the_prototype_added(explanation, finding):
    for match in finding.matches:
        now = of(without(explanation, [match.prototype.name]), finding.code)
        assert now.logit == pytest.approx(finding.logit - match.contribution, abs=1e-9)
        assert now.probability == pytest.approx(1 / (1 + math.exp(-now.logit)))


def test_every_finding_that_rests_on_the_prototype_loses_it(explanation, finding):
    name = finding.matches[0].prototype.name
    for was in explanation.findings:
        now = of(without(explanation, [name]), was.code)
        gone = sum(m.contribution for m in was.matches if m.prototype.name == name)
        assert now.logit == pytest.approx(was.logit - gone, abs=1e-9)
        assert name not in {m.prototype.name for m in now.matches}


def test_without_all_the_bias_is_left(explanation):
    names = {m.prototype.name for f in explanation.findings for m in f.matches}
    assert all(f.logit == f.bias and not f.matches for f in without(explanation, names).findings)


def test_the_order_of_switching_off_does_not_matter(explanation, finding):
    names = [m.prototype.name for m in finding.matches[:2]]
    one_by_one = without(without(explanation, names[:1]), names[1:])
    assert one_by_one == without(explanation, names[::-1])


def test_findings_are_ranked_anew(explanation, finding):
    supposed = without(explanation, [m.prototype.name for m in finding.matches])
    present = [f.present for f in supposed.findings]
    assert present == sorted(present, reverse=True)
    for called in (True, False):
        probabilities = [f.probability for f in supposed.findings if f.present is called]
        assert np.all(np.diff(probabilities) <= 0)


def test_a_prototype_that_nothing_rests_on_is_refused(explanation):
    with pytest.raises(ValueError, match="No finding rests on morphology-XYZ-1"):
        without(explanation, ["morphology-XYZ-1"])
