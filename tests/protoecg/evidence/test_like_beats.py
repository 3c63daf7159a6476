"""Beats like the matched one, where the leads to look at are printed."""

import pytest

from protoecg.ecg import ECG
from protoecg.evidence.like_beats import SAME_KIND, like_beats
from protoecg.measure import Delineation, delineate
from protoecg.sheet.view import View
from protoecg.simulate import simulate

EARLY_S, PRECORDIAL_S = 2.5, (5.0, 7.5)


@pytest.fixture(scope="module")
def ecg() -> ECG:
    return simulate({"SR"}, seed=4, rate=500).ecg


@pytest.fixture(scope="module")
def found(ecg) -> Delineation:
    return delineate(ecg)


@pytest.fixture(scope="module")
def window_s(found) -> tuple[float, float]:
    """A beat that is printed of I, II and III, from 0.3 s before its QRS onset on."""
    start_s = found.beats[1].qrs[0] - 0.3
    assert 0 <= start_s and start_s + 0.95 < EARLY_S
    return start_s, start_s + 0.95


def test_the_same_kind_of_beat_is_found_where_the_lead_is_printed(ecg, found, window_s):
    (beat,) = like_beats(ecg, found, window_s, ["V1"], View())

    start_s, end_s = beat.window_s
    assert min(end_s, PRECORDIAL_S[1]) - max(start_s, PRECORDIAL_S[0]) >= 0.95 / 2
    assert beat.correlation >= 0.9
    onset = min((b.qrs[0] for b in found.beats), key=lambda s: abs(s - start_s - 0.3))
    assert onset - start_s == pytest.approx(0.3)


def test_each_part_of_the_page_that_prints_such_a_lead_has_one(ecg, found, window_s):
    assert len(like_beats(ecg, found, window_s, ["V1", "V6", "aVL"], View())) == 3


@pytest.mark.parametrize(
    ("leads", "layout"), [(["III", "II"], "3x4+strip"), (["V1", "V6"], "12x1"), ([], "3x4")]
)
def test_there_is_none_where_the_window_itself_is_printed(ecg, found, window_s, leads, layout):
    assert like_beats(ecg, found, window_s, leads, View(layout)) == ()


def test_a_beat_of_another_kind_is_not_taken_for_it(ecg, found, window_s):
    signal = ecg.signal.copy()
    signal[:, round(EARLY_S * ecg.rate) :] *= -1
    assert SAME_KIND > 0
    assert like_beats(ECG(signal, ecg.rate), found, window_s, ["V1"], View()) == ()


def test_a_window_without_a_beat_has_none_like_it(ecg, found):
    first, second = found.beats[1], found.beats[2]
    between = first.qrs[1] + 0.1, second.qrs[0] - 0.1
    assert like_beats(ecg, found, between, ["V1"], View()) == ()
