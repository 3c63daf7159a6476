import json

import pytest

from pages.ecg.picking import NOW
from pages.explanation.neighbours import summary, table
from protoecg.bundle import Bundle
from protoecg.evidence.neighbours import HEAD, NUMBERS, Neighbour, nearest, read_neighbours
from protoecg.explain import explain
from protoecg.prototypes.waveforms import Waveforms
from protoecg.simulate import example

AFIB = "Atrial fibrillation"


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
    match = explain(ecg, demo).findings[0].matches[0]
    return nearest(ecg, demo, match, read_neighbours(demo))


def test_the_summary_counts_carriers_against_the_base_rate():
    found = [a_neighbour("PVC"), a_neighbour("SR", "PVC"), a_neighbour()]
    assert summary(found, "PVC", 30, 1000) == (
        "**2 of the 3 nearest** are labelled Ventricular premature complex (PVC); of all 1,000 "
        "training ECGs 3 % are."
    )


def test_the_table_says_who_the_neighbours_are():
    (row,) = table([a_neighbour("SR", "PVC")], "PVC").to_dict("records")
    assert row == {
        "similarity": "+0.91",
        "PVC": "yes",
        "labelled": "SR, PVC",
        "patient": "female, 61 years",
        "window": "1.00 to 1.95 s",
        "record": "records100/00000/00001\\_lr",
    }


def test_a_record_of_a_hostile_index_brings_no_picture_along():
    (row,) = table([a_neighbour(record="![x](http://e.example/a.png)")], "PVC").to_dict("records")
    assert "![" not in row["record"] and "](" not in row["record"]


def test_the_page_tells_what_the_nearest_carry(page, demo: Bundle, found):
    app = page("explain", example=AFIB, bundle="demo")
    code = explain(example(AFIB), demo).findings[0].code

    carry = sum(code in neighbour.statements for neighbour in found)
    assert f"**{carry} of the 10 nearest** are labelled" in words(app)
    assert list(app.table[0].value[code]).count("yes") == carry


def test_one_can_be_laid_over_the_ecg(page, demo: Bundle, found):
    at_hand = {prototype.record for prototype in demo.prototypes}
    app = page("explain", example=AFIB, bundle="demo")
    before = len(app.get("plotly_chart"))
    choice = next(box for box in app.selectbox if box.label.startswith("Lay one"))

    for place, neighbour in enumerate(found):
        choice.set_value(place).run()
        choice = next(box for box in app.selectbox if box.label.startswith("Lay one"))
        drawn = len(app.get("plotly_chart")) - before
        assert not app.exception
        assert drawn == (neighbour.record in at_hand)
        assert drawn or "cannot be drawn" in words(app)


def test_where_the_ecg_is_missing_it_is_said(page, real_without_ecgs: Bundle):
    head = json.loads((real_without_ecgs.path / HEAD).read_text())
    head["revision"] = real_without_ecgs.revision
    (real_without_ecgs.path / HEAD).write_text(json.dumps(head))
    app = page("explain", example=AFIB, bundle="real")
    choice = next(box for box in app.selectbox if box.label.startswith("Lay one"))

    choice.set_value(0).run()

    assert "The training ECG cannot be drawn: not on this machine." in words(app)


def test_a_bundle_without_an_index_says_how_to_make_one(page, demo: Bundle):
    (demo.path / HEAD).unlink()
    app = page("explain", example=AFIB, bundle="demo")
    assert "brings no index" in words(app)


def test_a_damaged_index_leaves_the_rest_of_the_page(page, demo: Bundle):
    (demo.path / NUMBERS).write_bytes(b"{")
    app = page("explain", example=AFIB, bundle="demo")
    assert "cannot be used" in words(app)
    assert "What the finding adds up from" in words(app)


def test_an_ecg_of_the_training_data_is_told_to_find_itself(page, demo: Bundle, monkeypatch):
    strip = next(p for p in demo.prototypes if p.branch == "rhythm" and p.statement == "SR")
    ecg = Waveforms.for_bundle(demo.path, simulated=True).load(strip)
    monkeypatch.setattr(
        "pages.ecg.picking.picked",
        lambda slot=NOW: ("known", ecg) if slot is NOW else None,
    )

    assert "this ECG itself" in words(page("explain", bundle="demo", finding="SR"))


def test_an_ecg_that_is_new_to_the_model_is_not_told_so(page):
    assert "this ECG itself" not in words(page("explain", example=AFIB, bundle="demo"))
