from dataclasses import replace
import pytest
from review_db.places import Place
from review_db.assignment import bundle_material
from review_db.design import Controls, Design, Sample
from review_db.sittings import open_item, save_item
from review_db.studies import create_study, sign_in, start_study

D = Design(
    "pilot", ("R01", "R02"), 1, repeats=0.0, practice=0, summaries=False, sample=Sample(size=2)
)


def plain(p):
    return {n: getattr(p, n) for n in ("record", "sha256", "window_s")}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("pair", "Two explanations"),
        ("match", "Matches"),
        ("match", "Agreement"),
        ("reading", "Readings"),
        ("prototype", "Prototypes"),
        ("prototype", "Controls and repeats"),
    ],
)
def test_all_skipped(page, engine, demo, kind, found):
    one, two, patient = [p for p in demo.prototypes if p.branch == "morphology"][:3]
    case = {"case": "c1", "statement": one.statement, "ecg": plain(patient)}
    ours = {"bundle": "demo", "matches": [{"prototype": plain(one), "window_s": patient.window_s}]}
    m = replace(
        bundle_material(demo.path),
        matches=[{**case, "prototype": one.name, "window_s": patient.window_s, "similarity": 0.8}],
        pairs=[{**case, "a": ours, "b": ours}],
        readings=[{**case, "truth": [one.statement], "explanation": ours}],
    )
    create_study(engine, D, m)
    seat = sign_in(engine, start_study(engine, "pilot")["R01"])
    for n in range(1, 6):
        if open_item(engine, seat, Place(n)).kind == kind:
            save_item(engine, seat, Place(n), {"skip": "yes", "comment": "x"}, seen=0)
    app = page("results", of="A study", study="pilot", found=found)
    assert not app.exception, app.exception[0].value
