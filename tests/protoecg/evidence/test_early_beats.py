"""The early beats that a finding's measurements speak of."""

from dataclasses import replace

import numpy as np
import pytest

from protoecg.evidence.early_beats import early_beats
from protoecg.explanation import Finding, Measured
from protoecg.labels import PTBXL
from protoecg.measure import QUANTITIES, Delineation, delineate, is_early
from protoecg.simulate import simulate

NOTHING = Finding(PTBXL["PAC"], 0.6, 0.4, 0.4, 0.4, False, ())


def speaking(quantity: str, contribution: float = 1.0) -> Finding:
    return replace(
        NOTHING, measured=(Measured(QUANTITIES[quantity].words, 50.0, "", contribution),)
    )


def of_simulated(code: str) -> tuple[Delineation, list[float]]:
    """An ECG with premature beats, and the onsets of these in seconds."""
    simulated = simulate({code, "SR"}, seed=3, rate=500)
    return delineate(simulated.ecg), [e.onset_s for e in simulated.events if e.kind == code]


@pytest.mark.parametrize(("code", "quantity"), [("PAC", "early_usual"), ("PVC", "early_unusual")])
def test_they_lie_where_the_premature_beats_are(code, quantity):
    found, onsets = of_simulated(code)
    marked = early_beats(speaking(quantity), found)
    assert len(marked) == len(onsets) > 0
    complexes = [
        beat.qrs for beat, early in zip(found.beats, is_early(found), strict=True) if early
    ]
    for (start_s, end_s), onset_s, qrs in zip(marked, onsets, complexes, strict=True):
        assert start_s <= qrs[0] and qrs[1] <= end_s
        assert abs(onset_s - qrs[0]) < 0.35


def test_of_the_shortest_interval_all_early_beats_are_told():
    found, onsets = of_simulated("PVC")
    spans = early_beats(speaking("shortest_rr"), found)
    after = found.beats[1 + int(np.argmin(found.rr_s))]
    assert any(start_s < after.qrs[0] < end_s for start_s, end_s in spans)
    assert spans == early_beats(speaking("early_unusual"), found)
    assert early_beats(speaking("early_usual"), found) == ()


@pytest.mark.parametrize(
    ("finding", "code"),
    [
        (NOTHING, "PVC"),
        (speaking("heart_rate"), "PVC"),
        # What speaks against a finding, or hardly for it, points at nothing.
        (speaking("early_unusual", -1.0), "PVC"),
        (speaking("early_unusual", 0.1), "PVC"),
        # No beat of this ECG is early.
        (speaking("early_unusual"), "SR"),
        (speaking("shortest_rr"), "SR"),
    ],
)
def test_none_are_told_where_none_speak_for_it(finding, code):
    assert early_beats(finding, of_simulated(code)[0]) == ()
