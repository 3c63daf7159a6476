"""Which leads a statement is seen in, and how alike two windows look there."""

import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.evidence.leads import telling_leads
from protoecg.evidence.likeness import likeness
from protoecg.labels import PTBXL
from protoecg.simulate import simulate

WINDOW = (3.0, 3.95)


@pytest.fixture
def ecg() -> ECG:
    return simulate({"SR"}, seed=4).ecg


def changed(ecg: ECG, lead: str, values: np.ndarray) -> ECG:
    signal = ecg.signal.copy()
    signal[LEADS.index(lead)] = values
    return ECG(signal, ecg.rate)


def test_infarctions_are_seen_where_they_lie():
    assert telling_leads(PTBXL["IMI"]) == ("II", "III", "aVF")
    assert telling_leads(PTBXL["ASMI"]) == ("V1", "V2", "V3", "V4")
    assert set(telling_leads(PTBXL["CLBBB"])) >= {"V1", "V6"}


def test_where_no_lead_defines_a_statement_those_that_carry_the_match_do():
    parts = {**dict.fromkeys(LEADS, 0.0), "V2": 0.5, "aVF": 0.3, "II": 0.2}
    assert telling_leads(PTBXL["QWAVE"], parts) == ("II", "aVF", "V2")
    assert telling_leads(PTBXL["QWAVE"]) == ()


def test_a_window_is_as_alike_to_itself_as_can_be(ecg):
    found = likeness(ecg, WINDOW, ecg, WINDOW)
    assert found.shift_s == 0
    assert found.mean == pytest.approx(1)
    assert found.differs(LEADS) == ""


def test_beats_that_lie_apart_are_brought_together(ecg):
    later = (WINDOW[0] + 0.05, WINDOW[1] + 0.05)
    found = likeness(ecg, WINDOW, ecg, later)
    assert found.shift_s == pytest.approx(0.05)
    assert found.mean == pytest.approx(1, abs=1e-3)


def test_a_lead_upside_down_is_told_as_opposite_and_only_where_it_matters(ecg):
    other = changed(ecg, "V2", -ecg.signal[LEADS.index("V2")])
    found = likeness(ecg, WINDOW, other, WINDOW)
    assert found.differs(("V1", "V2")).startswith("opposite polarity in V2 (")
    assert found.differs(("I", "II")) == ""


def test_a_lead_of_another_shape_is_told(ecg):
    noise = np.random.default_rng(0).normal(0, 0.3, ecg.signal.shape[1])
    found = likeness(ecg, WINDOW, changed(ecg, "V5", noise), WINDOW)
    assert "V5" in found.differs(LEADS) and "V4" not in found.differs(LEADS)


def test_a_lead_that_is_flat_in_both_is_left_out(ecg):
    flat = changed(ecg, "aVL", np.zeros(ecg.signal.shape[1]))
    assert "aVL" not in likeness(flat, WINDOW, flat, WINDOW).correlation
    assert likeness(ecg, WINDOW, flat, WINDOW).correlation["aVL"] == 0
