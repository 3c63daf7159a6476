import json

import pytest

from pages.ecg.picking import NOW
from pages.explanation.neighbours import summary
from protoecg.bundle import Bundle
from protoecg.evidence.neighbours import HEAD, NUMBERS, Neighbour, nearest, read_neighbours
from protoecg.explain import explain
from protoecg.labels import PTBXL
from protoecg.prototypes.waveforms import Waveforms
from protoecg.simulate import example

AFIB = "Atrial fibrillation"
NEAREST = {"example": AFIB, "bundle": "demo", "finding": "AFIB", "evidence": "nearest"}


def words(app) -> str:
    return "\n".join(e.value for e in [*app.markdown, *app.caption, *app.info, *app.warning])


def a_neighbour(*statements: str, record: str = "records100/00000/00001_lr") -> Neighbour:
    return Neighbour(
        name=record,
        similarity=0.912,
        record=record,
        window_s=(1.0, 1.95),
        statements=statements,
        patient="7",
        age=61,
        sex="female",
        sha256="0" * 64,
    )


@pytest.fixture
def found(demo: Bundle) -> tuple[Neighbour, ...]:
    """What is nearest to the first match of the example."""
    ecg = example(AFIB)
    match = next(f for f in explain(ecg, demo).findings if f.code == "AFIB").matches[0]
    return nearest(ecg, demo, match, read_neighbours(demo))


def test_the_summary_counts_carriers_against_the_base_rate():
    found = [a_neighbour("PVC"), a_neighbour("SR", "PVC"), a_neighbour()]
    assert summary(found, PTBXL["PVC"], 30, 1000) == (
        "**2 of the 3 nearest** are labelled Ventricular premature complex (PVC); of all 1,000 "
        "training ECGs 3 % are."
    )


def test_the_page_tells_what_the_nearest_carry(page, demo: Bundle, found):
    app = page("explain", **NEAREST)

    carry = sum("AFIB" in neighbour.statements for neighbour in found)
    assert f"**{carry} of the {len(found)} nearest** are labelled" in words(app)


def test_each_of_them_is_a_case_to_look_at_and_none_can_be_switched_off(page, demo, found):
    at_hand = {prototype.record for prototype in demo.prototypes}
    for place in (0, len(found) - 1):
        neighbour = found[place]
        app = page("explain", **NEAREST, match=neighbour.name)

        assert f"Case {place + 1} of {len(found)}" in words(app)
        assert all(PTBXL.named(code) in words(app) for code in neighbour.statements)
        drawn = len(app.get("plotly_chart"))
        assert drawn == (2 if neighbour.record in at_hand else 1)
        assert drawn == 2 or "cannot be drawn" in words(app)
        assert "Counts" not in [toggle.label for toggle in app.toggle]


def test_where_the_ecg_is_missing_it_is_said(page, real_without_ecgs: Bundle):
    head = json.loads((real_without_ecgs.path / HEAD).read_text())
    head["revision"] = real_without_ecgs.revision
    (real_without_ecgs.path / HEAD).write_text(json.dumps(head))

    app = page("explain", **{**NEAREST, "bundle": "real"})

    assert "The case's ECG cannot be drawn: not on this machine." in words(app)


def test_a_bundle_without_an_index_says_how_to_make_one(page, demo: Bundle):
    (demo.path / HEAD).unlink()
    app = page("explain", **NEAREST)
    assert "brings no index" in words(app)


def test_a_damaged_index_leaves_the_rest_of_the_page(page, demo: Bundle):
    (demo.path / NUMBERS).write_bytes(b"{")
    app = page("explain", **NEAREST)
    assert "cannot be used" in words(app)
    assert "What it adds up to" in words(app)


def test_an_ecg_of_the_training_data_is_told_to_find_itself(page, demo: Bundle, monkeypatch):
    strip = next(p for p in demo.prototypes if p.branch == "rhythm" and p.statement == "SR")
    ecg = Waveforms.for_bundle(demo.path, self_contained=True).load(strip)
    monkeypatch.setattr(
        "pages.ecg.picking.picked",
        lambda slot=NOW: ("known", ecg) if slot is NOW else None,
    )

    assert "this very ECG" in words(
        page("explain", bundle="demo", finding="SR", evidence="nearest")
    )


def test_an_ecg_that_is_new_to_the_model_is_not_told_so(page):
    assert "this very ECG" not in words(page("explain", **NEAREST))
