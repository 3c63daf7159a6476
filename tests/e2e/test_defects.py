"""What a page shows where its code fails, on a server with a study that it cannot make sense of."""

import re
import sqlite3
from pathlib import Path

from playwright.sync_api import expect

from review_db import open_database
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study

ROOT = Path(__file__).resolve().parents[2]


def test_an_error_that_no_page_caught_shows_a_number_and_the_log_has_the_rest(own_server, tab):
    engine = open_database(own_server.database)
    design = Design("pilot", ("R01",), 1, sample=Sample(size=2))
    create_study(engine, design, bundle_material(ROOT / "models" / "demo"))
    engine.dispose()
    with sqlite3.connect(own_server.database.removeprefix("sqlite:///")) as connection:
        connection.execute("""UPDATE study SET design = '{"a setting of the future": 1}'""")

    tab.goto(f"{own_server.url}/studies")

    text = tab.get_by_text("This page met a defect of the app")
    expect(text).to_be_visible(timeout=120_000)
    number = re.search(r"the number ([0-9A-F]{8})", text.inner_text())[1]
    shown = tab.locator("body").inner_text()
    assert not [hint for hint in ("Traceback", str(ROOT), "Error", ".py") if hint in shown]
    log = own_server.log.read_text()
    assert f"{number}: DesignError at" in log
    assert "a setting of the future" in log
