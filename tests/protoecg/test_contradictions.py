from math import nan

import pytest

from protoecg.explanation import add_up
from protoecg.labels import STATEMENTS
from protoecg.measure import QUANTITIES
from protoecg.measured.contradictions import LIMITS, contradictions, guarded, judgeable

USUAL = {
    **dict.fromkeys(QUANTITIES, nan),
    **{"heart_rate": 70.0, "pr": 160.0, "qrs": 90.0, "qtc": 410.0, "axis": 40.0},
    **{"p_steady": 90.0, "rr_spread": 4.0, "limb_voltage": 1.2},
}


def said(code, likely=(), **values):
    return list(contradictions(code, {**USUAL, **values}, likely))


def finding(code, bias=3.0):
    return add_up(code, bias=bias, threshold=0.5, low_evidence=False, matches=[])


@pytest.mark.parametrize(
    ("code", "measured", "words"),
    [
        ("SR", {"heart_rate": 45.0}, "Heart rate is 45 bpm"),
        ("SR", {"heart_rate": 130.0}, "Heart rate is 130 bpm"),
        ("SBRAD", {"heart_rate": 80.0}, "at most 65"),
        ("STACH", {"heart_rate": 80.0}, "at least 95"),
        ("LNGQT", {"qtc": 400.0}, "QTc (Fridericia) is 400 ms"),
        ("1AVB", {"pr": 150.0}, "PR interval is 150 ms"),
        ("1AVB", {"pr": nan, "p_steady": 5.0}, "No steady P wave"),
        ("CLBBB", {"qrs": 90.0}, "QRS duration is 90 ms"),
        ("CRBBB", {"qrs": 90.0}, "QRS duration is 90 ms"),
        ("NORM", {"st_V1": 0.3, "st_V2": 0.4, "st_V3": 0.4}, "ST is elevated"),
        ("NORM", {"st_II": -0.2, "st_aVF": -0.15}, "ST is depressed"),
        ("NORM", {"qrs": 150.0}, "QRS duration is 150 ms"),
    ],
)
def test_a_measurement_that_does_not_go_with_the_finding_is_said(code, measured, words):
    (sentence,) = said(code, **measured)
    assert words in sentence


@pytest.mark.parametrize("code", STATEMENTS)
def test_nothing_contradicts_what_is_unsure(code):
    assert list(contradictions(code, dict.fromkeys(QUANTITIES, nan))) == []


def test_an_ordinary_ecg_does_not_contradict_a_normal_one_with_sinus_rhythm():
    assert said("NORM", likely=("NORM", "SR")) == said("SR") == []


def test_one_raised_lead_alone_is_no_elevation():
    assert said("NORM", st_V1=0.4, st_V5=0.4) == []


def test_a_normal_ecg_beside_an_abnormal_finding_is_withheld():
    norm, mi = guarded([finding("NORM"), finding("IMI")], USUAL)
    assert norm.withheld and not norm.present and norm.probability > norm.threshold
    assert "inferior myocardial infarction" in norm.contradictions[0]
    assert mi.present and not mi.contradictions


def test_other_findings_stay_called_with_what_contradicts_them():
    (found,) = guarded([finding("SBRAD")], {**USUAL, "heart_rate": 80.0})
    assert found.present and found.contradictions and not found.withheld


def test_what_is_not_called_is_not_contradicted():
    (found,) = guarded([finding("SBRAD", bias=-3.0)], {**USUAL, "heart_rate": 80.0})
    assert found.contradictions == ()


def test_limits_are_of_statements_and_quantities_that_exist():
    assert set(LIMITS) <= set(STATEMENTS)
    assert {limits.quantity for each in LIMITS.values() for limits in each} <= set(QUANTITIES)


def test_st_levels_of_leads_that_wander_contradict_nothing():
    raised = dict.fromkeys(QUANTITIES, nan) | {f"st_V{n}": 0.5 for n in (1, 2, 3)}
    assert "ST is elevated" in " ".join(contradictions("NORM", raised))
    assert not list(contradictions("NORM", judgeable(raised, ("V2",))))
    assert judgeable(raised, ("V2",))["st_V1"] == 0.5
