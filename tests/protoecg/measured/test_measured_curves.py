import json
from math import nan

import numpy as np
import pytest
from pydantic import ValidationError

from protoecg.labels import PTBXL
from protoecg.measure import QUANTITIES
from protoecg.measured.curves import (
    Curve,
    MeasuredEvidence,
    read_evidence,
    write_evidence,
)

QTC = Curve("qtc", (400.0, 440.0, 560.0), (-1.0, 0.0, 3.0))
RATE = Curve("heart_rate", (40.0, 100.0), (0.5, -0.5))
EVIDENCE = MeasuredEvidence({"LNGQT": (RATE, QTC)})


def values(**known):
    return {**dict.fromkeys(QUANTITIES, nan), **known}


def test_a_measurement_adds_what_its_curve_says_and_is_told_with_its_unit():
    (measured,) = EVIDENCE.contributions(values(qtc=500.0))["LNGQT"]
    assert (measured.name, measured.value, measured.unit) == ("QTc (Fridericia)", 500.0, "ms")
    assert measured.contribution == pytest.approx(1.5)


def test_beyond_its_knots_a_curve_is_constant():
    assert QTC(900.0) == 3.0 and QTC(100.0) == -1.0


def test_what_is_unsure_adds_exactly_nothing_and_is_not_told():
    assert QTC(nan) == 0.0
    assert EVIDENCE.contributions(values())["LNGQT"] == ()


def test_the_strongest_for_it_comes_first():
    measured = EVIDENCE.contributions(values(qtc=560.0, heart_rate=90.0))["LNGQT"]
    assert [one.name for one in measured] == ["QTc (Fridericia)", "Heart rate"]


def test_offsets_of_many_are_the_sums_of_the_contributions_of_each():
    rows = [values(qtc=500.0, heart_rate=60.0), values(heart_rate=70.0), values()]
    array = np.array([list(row.values()) for row in rows])
    offsets = EVIDENCE.offsets(array, ("SR", "LNGQT"))
    sums = [sum(m.contribution for m in EVIDENCE.contributions(r)["LNGQT"]) for r in rows]
    np.testing.assert_allclose(offsets[:, 1], sums)
    assert not offsets[:, 0].any()


def test_a_factor_scales_a_statement_and_none_leaves_it_out():
    assert EVIDENCE.scaled({"LNGQT": 0.5}).curves["LNGQT"][1].logits == (-0.5, 0.0, 1.5)
    assert EVIDENCE.scaled({"LNGQT": 0.0}).curves == EVIDENCE.scaled({}).curves == {}


def test_what_is_written_is_read_again(tmp_path):
    write_evidence(tmp_path / "measured.json", EVIDENCE)
    assert read_evidence(tmp_path / "measured.json", PTBXL) == EVIDENCE


@pytest.mark.parametrize(
    "broken",
    [
        {"NOPE": []},
        {"SR": [{"quantity": "nope", "knots": [0.0, 1.0], "logits": [0.0, 1.0]}]},
        {"SR": [{"quantity": "qtc", "knots": [1.0, 0.0], "logits": [0.0, 1.0]}]},
        {"SR": [{"quantity": "qtc", "knots": [0.0, 1.0], "logits": [0.0]}]},
        {"SR": [{"quantity": "qtc", "knots": [0.0, 1.0], "logits": [0.0, "a"]}]},
        {"SR": [{"quantity": "qtc", "knots": [0.0, 1.0], "logits": [0.0, 1.0]}] * 2},
    ],
)
def test_a_file_of_anything_else_is_refused(tmp_path, broken):
    file = tmp_path / "measured.json"
    file.write_text(json.dumps(broken))
    with pytest.raises((ValueError, ValidationError)):
        read_evidence(file, PTBXL)


def test_curves_of_one_ecg_add_what_each_adds_alone():
    three = Curve("qtc", (400.0, 450.0, 500.0), (-1.0, 0.25, 2.0))
    evidence = MeasuredEvidence({"LNGQT": (three, RATE), "SR": (), "STACH": (RATE,)})
    for qtc in (nan, 0.0, 400.0, 401.5, 450.0, 499.9, 500.0, 900.0):
        added = evidence.logits(values(qtc=qtc, heart_rate=70.0))
        assert added["LNGQT"] == pytest.approx([float(three(qtc)), 0.0])
        assert added["SR"] == [] and added["STACH"] == pytest.approx([0.0])
