from dataclasses import replace
from math import nan

import pytest

from protoecg.ecg import LEADS
from protoecg.explanation import add_up
from protoecg.labels import PTBXL, Statement
from protoecg.measure import QUANTITIES
from protoecg.measured.unnamed import NAMES, alone, standing_out, sure, unnamed
from protoecg.quality import Quality

USUAL = {
    **dict.fromkeys(QUANTITIES, nan),
    **{"heart_rate": 70.0, "pr": 160.0, "qrs": 90.0, "qtc": 410.0, "axis": 40.0},
    **{"longest_rr": 110.0, "limb_voltage": 1.2},
    **{f"st_{lead}": 0.02 for lead in LEADS},
    **{f"t_{lead}": 0.3 for lead in LEADS},
}
RAISED = {f"st_{lead}": 0.4 for lead in ("V1", "V2", "V3", "V4")}
BEYOND = [
    ("rate_low", {"heart_rate": 38.0}, "Heart rate 38 bpm: slow", "SBRAD", "STACH"),
    ("rate_high", {"heart_rate": 140.0}, "Heart rate 140 bpm: fast", "STACH", "SBRAD"),
    ("pause", {"longest_rr": 205.0}, "205 % of the median: a pause", "2AVB", "1AVB"),
    ("pr", {"pr": 260.0}, "PR interval 260 ms: prolonged", "1AVB", "CLBBB"),
    ("qrs", {"qrs": 150.0}, "QRS duration 150 ms: wide", "CRBBB", "LVH"),
    ("qtc", {"qtc": 560.0}, "QTc (Fridericia) 560 ms: prolonged", "LNGQT", "NDT"),
    ("axis_left", {"axis": -70.0}, "QRS axis −70 degrees: marked axis deviation", "LAFB", "LPFB"),
    ("axis_right", {"axis": 130.0}, "QRS axis 130 degrees", "LPFB", "LAFB"),
    ("st_raised", RAISED, "V1 +0.40, V2 +0.40, V3 +0.40, V4 +0.40 mV: raised", "ASMI", "IMI"),
    ("st_lowered", {"st_V4": -0.2, "st_V5": -0.2}, "V4 −0.20, V5 −0.20 mV", "STD_", "ISCIN"),
    ("t_inverted", {"t_II": -0.3, "t_aVF": -0.25}, "T in II −0.30", "INVT", "ISCAS"),
    ("voltage_low", {"limb_voltage": 0.3}, "limb leads 0.30 mV: low", "LVOLT", "HVOLT"),
]
GOOD = Quality((), (), (), (), arms_swapped=False, chest_reversed=False)


def finding(code, bias=3.0, possible_from=0.2):
    return add_up(
        PTBXL[code],
        bias=bias,
        threshold=0.5,
        low_evidence=False,
        matches=[],
        possible_from=possible_from,
    )


def sentences(values, *findings):
    return {one.name: one.sentence for one in unnamed(findings, {**USUAL, **values})}


@pytest.mark.parametrize(("name", "values", "words", "speaks", "another"), BEYOND)
def test_what_stands_out_is_said_unless_a_finding_speaks_of_it(
    name, values, words, speaks, another
):
    sentence_of = sentences(values, finding(another), finding("SR"))
    assert list(sentence_of) == [name]
    assert words in sentence_of[name]
    assert sentence_of[name].endswith("though no finding says so; check it by eye.")
    assert sentences(values, finding(speaks)) == {}


def test_every_name_has_an_example_here():
    assert {name for name, *_ in BEYOND} == set(NAMES)


def test_a_possible_finding_speaks_of_it_and_an_absent_one_does_not():
    values = {"qtc": 560.0}
    assert sentences(values, finding("LNGQT", bias=-1.0)) == {}
    assert "qtc" in sentences(values, finding("LNGQT", bias=-3.0))


def test_nothing_is_said_of_ordinary_measurements_and_of_unsure_ones():
    assert sentences({}) == {}
    assert sentences(dict.fromkeys(QUANTITIES, nan)) == {}
    # Out of ordinary limits, but not far.
    near = {"pr": 215.0, "qtc": 470.0, "qrs": 115.0, "axis": -40.0, "heart_rate": 105.0}
    assert sentences(near) == {}


def test_one_lead_without_its_neighbour_is_not_enough():
    assert sentences({"st_V2": 0.6, "st_V5": 0.4, "t_II": -0.4, "t_V6": -0.4}) == {}


def test_qtc_is_not_called_long_where_qrs_is_wide():
    assert list(sentences({"qtc": 540.0, "qrs": 150.0})) == ["qrs"]
    assert sentences({"qtc": 540.0, "qrs": 130.0}) == {}


def test_secondary_changes_of_a_block_show_in_all_leads_and_of_hypertrophy_in_its_own():
    inferior = {"st_II": 0.3, "st_aVF": 0.3}
    assert sentences(inferior, finding("CLBBB")) == {}
    assert sentences({"st_V2": 0.5, "st_V3": 0.5}, finding("LVH")) == {}
    assert list(sentences(inferior, finding("LVH"))) == ["st_raised"]


def test_what_is_only_near_does_not_speak_of_it():
    assert list(sentences({"st_V2": 0.5, "st_V3": 0.5}, finding("IVCD"))) == ["st_raised"]
    assert list(sentences({"longest_rr": 200.0}, finding("SARRH"))) == ["pause"]


def test_a_statement_that_ptbxl_does_not_know_speaks_by_its_kind():
    infarction = Statement("MI", "morphology", "myocardial infarction", kind="infarction")
    hypertrophy = Statement("HYP", "morphology", "hypertrophy", kind="hypertrophy")
    values = {**USUAL, **RAISED}
    assert list(alone([infarction], values)) == []
    assert [name for name, _ in alone([hypertrophy], values)] == ["st_raised"]


@pytest.mark.parametrize("fault", ["flat", "clipped", "noisy", "wander"])
def test_st_of_a_faulty_lead_is_unsure(fault):
    recording = replace(GOOD, **{fault: ("V2", "V3")})
    values = {**USUAL, "st_V2": 0.5, "st_V3": 0.5}
    assert "st_raised" in standing_out(sure(values, GOOD))
    assert standing_out(sure(values, recording)) == {}


def test_axis_and_levels_are_unsure_where_electrodes_could_be_swapped():
    values = {**USUAL, **RAISED, "axis": 150.0, "t_I": -0.4, "t_aVL": -0.4, "qtc": 560.0}
    assert set(standing_out(values)) == {"st_raised", "axis_right", "t_inverted", "qtc"}
    swapped = sure(values, replace(GOOD, arms_swapped=True))
    assert set(standing_out(swapped)) == {"qtc"}
