"""What tables are made of: the findings of an explanation without what only pages show."""

from dataclasses import replace
from pathlib import Path

import pytest

from protoecg.bundle import load_bundle
from protoecg.explain import decide_all, explain_all
from protoecg.measure import delineate
from protoecg.simulate import simulate

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "ptbxl"


@pytest.fixture(scope="module")
def both():
    """Some ECGs explained both ways by the shipped model, which measurements speak in too."""
    bundle = load_bundle(SHIPPED)
    ecgs = [simulate([code], seed=1, rate=500).ecg for code in ("NORM", "AFIB", "CLBBB", "PVC")]
    waves = [delineate(ecg) for ecg in ecgs]
    return explain_all(ecgs, bundle, waves), decide_all(ecgs, bundle, waves)


def bare(match):
    return replace(match, lead_parts=None)


def test_probabilities_certainties_contradictions_and_notes_are_the_same(both):
    for full, table in zip(*both, strict=True):
        without = [replace(f, matches=(), measured=()) for f in full.findings]
        assert [replace(f, matches=()) for f in table.findings] == without
        assert replace(table, findings=()) == replace(full, findings=())


def test_likely_findings_have_the_same_matches_and_others_none(both):
    likely = [
        (a, b)
        for full, table in zip(*both, strict=True)
        for a, b in zip(full.findings, table.findings, strict=True)
        if b.present
    ]
    assert likely
    for full, table in likely:
        assert table.matches == tuple(map(bare, full.matches))
    assert not any(
        f.matches for table in both[1] for f in table.findings if f.certainty == "absent"
    )
