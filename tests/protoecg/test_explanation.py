import json
import math

import pytest

from protoecg.explanation import Explanation, Match, Measured, add_up, ranked
from protoecg.labels import PTBXL
from protoecg.prototypes.prototype import Prototype


def match(name, weight, similarity):
    prototype = Prototype(
        name=name,
        branch="morphology",
        statement="LNGQT",
        record="records100/00000/00001_lr",
        window_s=(0.0, 0.95),
        statements=("LNGQT",),
        patient="1",
        age=None,
        sex=None,
        sha256="",
    )
    return Match(prototype, similarity, weight, weight * similarity, (1.0, 1.95))


def finding(logit, *, code="LNGQT", likely=0.4, possible=0.1, measured=()):
    return add_up(
        PTBXL[code],
        bias=logit,
        threshold=likely,
        low_evidence=False,
        matches=(),
        possible_from=possible,
        measured=measured,
    )


@pytest.mark.parametrize(
    ("probability", "certainty"),
    [(0.41, "likely"), (0.39, "possible"), (0.11, "possible"), (0.09, "absent")],
)
def test_certainty_goes_by_two_probabilities(probability, certainty):
    found = finding(math.log(probability / (1 - probability)))
    assert found.certainty == certainty
    assert found.present is (certainty == "likely")


def test_an_older_bundle_knows_nothing_possible():
    assert finding(math.log(0.3 / 0.7), possible=None).certainty == "absent"


def test_matches_measurements_and_bias_add_up_to_the_logit():
    measured = (Measured("QTc", 560.0, "ms", 3.1), Measured("heart rate", 70.0, "/min", -0.2))
    found = add_up(
        PTBXL["LNGQT"],
        bias=-4.0,
        threshold=0.4,
        low_evidence=False,
        matches=[match("a", 2.0, 0.1), match("b", 2.0, 0.9)],
        measured=measured,
    )
    assert found.logit == pytest.approx(-4.0 + 2.0 + 3.1 - 0.2)
    assert [m.prototype.name for m in found.matches] == ["b", "a"]
    assert found.measured == measured


def test_likely_findings_come_before_possible_ones_whatever_their_probability():
    possible = finding(0.0, code="NORM", likely=0.9, possible=0.2)
    likely = finding(-1.0, code="WPW", likely=0.1)
    assert [f.code for f in ranked([finding(-5.0), possible, likely])] == ["WPW", "NORM", "LNGQT"]


def test_json_tells_certainty_and_what_was_measured():
    found = finding(0.0, measured=(Measured("QTc", 560.0, "ms", 3.1),))
    document = Explanation("b", False, "", (), None, (found,)).to_json()
    (own,) = json.loads(json.dumps(document))["findings"]
    assert own["certainty"] == "likely" and own["present"] is True
    assert own["measured"] == [{"name": "QTc", "value": 560.0, "unit": "ms", "contribution": 3.1}]
