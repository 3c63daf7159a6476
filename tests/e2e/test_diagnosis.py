"""The field of a choice takes the statement that was typed, and no other."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import foresee_item
from review_db.studies.design import Design, Sample
from review_db.studies.items.case_file import ReadingCase
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import seat_of

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120_000


@pytest.mark.parametrize("code", ["SR"])
def test_a_code_in_brackets_and_enter_choose_that_statement_alone(server, engine, name, tab, code):
    material = bundle_material(ROOT / "models" / "demo")
    source = material.prototypes[0]
    reading = ReadingCase(
        case="c1",
        statement="SR",
        truth=("SR",),
        ecg={"record": source.record, "sha256": source.sha256},
        explanation={"bundle": "demo", "matches": ()},
    )
    design = Design(name, (name,), 1, practice=0, summaries=False, sample=Sample(size=1))
    create_study(engine, design, replace(material, readings=[reading]))
    key = start_study(engine, name)[name]
    tab.set_default_timeout(SECONDS)
    tab.goto(f"{server.url}/take_part?key={key}")
    field = tab.get_by_role("combobox", name="Your first choice")
    expect(field).to_be_visible(timeout=SECONDS)

    field.fill(f"({code})")
    field.press("Enter")

    seat = seat_of(engine, name, name)
    for _ in range(600):
        if draft := foresee_item(engine, seat, ItemStage(1)).draft:
            break
        tab.wait_for_timeout(100)
    assert draft == {"first_choice": code}
