from math import nan

import pytest

from protoecg.ecg import LEADS
from protoecg.explanation import add_up
from protoecg.labels import PTBXL
from protoecg.measure import QUANTITIES
from protoecg.measured.contradictions import (
    ANY_OF,
    LIMITS,
    SOME_LEAD,
    contradictions,
    guarded,
    judgeable,
)

USUAL = {
    **dict.fromkeys(QUANTITIES, nan),
    **{"heart_rate": 70.0, "pr": 160.0, "qrs": 90.0, "qtc": 410.0, "axis": 40.0},
    **{"p_steady": 90.0, "rr_spread": 4.0, "limb_voltage": 1.2},
}
T_UPRIGHT = {f"t_{lead}": 0.3 for lead in LEADS}


def sentences_of(code, likely=(), **values):
    others = [PTBXL[other] for other in likely]
    return list(contradictions(PTBXL[code], {**USUAL, **values}, others))


def finding(code, bias=3.0):
    return add_up(PTBXL[code], bias=bias, threshold=0.5, low_evidence=False, matches=[])


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
        ("NORM", {"st_V4": -0.06, "st_V5": -0.05}, "ST is depressed"),
        ("NORM", {"limb_voltage": 0.45}, "Largest QRS complex of the limb leads is 0.45 mV"),
        ("NORM", {"qrs": 150.0}, "QRS duration is 150 ms"),
        ("NORM", {"axis": -60.0}, "QRS axis is -60 degrees"),
        ("NORM", {"longest_rr": 205.0}, "Longest RR interval is 205 %"),
        ("NORM", {"t_V4": -0.2, "t_V5": -0.3}, "T is inverted: V4 -0.20 mV, V5 -0.30 mV"),
        ("1AVB", {"pr": nan}, "PR interval could not be measured"),
        ("LPR", {"pr": nan}, "PR interval could not be measured"),
        ("LNGQT", {"qtc": nan}, "could not be measured"),
        ("SR", {"p_steady": 10.0}, "No steady P wave"),
        ("AFIB", {"p_steady": 95.0, "rr_spread": 9.0}, "P waves come steadily"),
        ("SARRH", {"rr_spread": 1.0}, "at least 3"),
        ("BIGU", {"rr_alternates": -40.0}, "at least 0"),
        ("LPFB", {"axis": 10.0}, "at least 60"),
        ("IVCD", {"qrs": 80.0}, "at least 85"),
        ("IRBBB", {"qrs": 160.0}, "at most 150"),
        ("PVC", {"early_unusual": 0, "early_usual": 0, "unusual": 0}, "Early beats of another"),
        ("PAC", {"early_unusual": 0, "early_usual": 0}, "Early beats of the usual shape"),
        ("HVOLT", {"sokolow": 1.5, "cornell": 0.8, "limb_voltage": 1.0}, "Sokolow"),
        ("VCLVH", {"sokolow": 1.5, "cornell": 0.8, "limb_voltage": 1.0}, "Sokolow"),
        ("INVT", T_UPRIGHT, "T is +0.30 to +0.30 mV"),
        ("LOWT", T_UPRIGHT, "does not go with low amplitude T-waves"),
        ("NT_", T_UPRIGHT, "does not go with non-specific T-wave changes"),
        ("NDT", T_UPRIGHT, "does not go with non-diagnostic T abnormalities"),
        ("STE_", {f"st_{lead}": 0.0 for lead in LEADS}, "ST is +0.00 to +0.00 mV"),
        ("STD_", {f"st_{lead}": 0.02 for lead in LEADS}, "does not go with"),
    ],
)
def test_a_measurement_that_does_not_go_with_the_finding_is_said(code, measured, words):
    (sentence,) = sentences_of(code, **measured)
    assert words in sentence


@pytest.mark.parametrize("code", PTBXL)
def test_nothing_that_is_unsure_contradicts_but_what_rests_on_it_is_told(code):
    sentences = " ".join(contradictions(PTBXL[code], dict.fromkeys(QUANTITIES, nan)))
    assert ("could not be measured" in sentences) is (code in ("1AVB", "LPR", "LNGQT"))
    assert bool(sentences) is ("could not be measured" in sentences)


def test_one_lead_with_the_wave_is_enough():
    assert sentences_of("INVT", **{**T_UPRIGHT, "t_III": -0.1}) == []
    assert sentences_of("LOWT", **{**T_UPRIGHT, "t_V6": 0.1}) == []
    level = dict.fromkeys((f"st_{lead}" for lead in LEADS), 0.0)
    assert sentences_of("STD_", **{**level, "st_V5": -0.05}) == []


def test_one_sign_of_large_voltages_is_enough():
    small = {"sokolow": 1.5, "cornell": 0.8}
    assert sentences_of("HVOLT", **small, limb_voltage=1.8) == []


def test_one_inverted_t_wave_and_one_in_v1_and_v2_are_no_contradiction_of_a_normal_ecg():
    assert sentences_of("NORM", t_V1=-0.3, t_V2=-0.2, t_V4=-0.2) == []


def test_an_ordinary_ecg_does_not_contradict_a_normal_one_with_sinus_rhythm():
    assert sentences_of("NORM", likely=("NORM", "SR")) == sentences_of("SR") == []


def test_one_raised_lead_alone_is_no_elevation():
    assert sentences_of("NORM", st_V1=0.4, st_V5=0.4) == []


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
    assert {*LIMITS, *ANY_OF, *SOME_LEAD} <= set(PTBXL)
    assert {limits.quantity for each in LIMITS.values() for limits in each} <= set(QUANTITIES)


def test_st_levels_of_leads_that_wander_contradict_nothing():
    raised = dict.fromkeys(QUANTITIES, nan) | {f"st_V{n}": 0.5 for n in (1, 2, 3)}
    assert "ST is elevated" in " ".join(contradictions(PTBXL["NORM"], raised))
    assert not list(contradictions(PTBXL["NORM"], judgeable(raised, ("V2",))))
    assert judgeable(raised, ("V2",))["st_V1"] == 0.5
