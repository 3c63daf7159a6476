"""How long a coordinator waits, after choosing a candidate, for what that does to its statement."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from benchmarks.app_server import app_server
from benchmarks.ours import ROOT
from protoecg.bundle import Bundle, load_bundle
from protoecg.labels import BRANCHES
from protoecg.prototypes.prototype import Prototype
from review_db import Item, open_database, save_answer
from review_db.ratings.windows import register

REVIEWERS = ("R01", "R02")
# The first search looks for suspect labels among all training ECGs.
SEARCH_MS = 240_000
# Coordinators look at the tracings before they choose; by then these are drawn.
LOOK_MS = 3000
_IDLE = "[data-test-script-state=notRunning]"
_ROWS = """
([rows, before]) => {
  const table = document.querySelector('.st-key-tally canvas table tbody');
  return table && table.rows.length === rows && table.innerText !== before;
}
"""


def choices_s(browser: Browser, folder: Path) -> Iterator[float]:
    """Yield how long the tally took after each choice, in seconds; PTB-XL has to be here."""
    bundle = _copy(folder / "models" / "timed")
    database = f"sqlite:///{folder}/curated.db"
    retired = [_one_of_several(bundle, branch) for branch in BRANCHES]
    _rate(database, bundle, retired)
    try:
        with app_server(database, folder, PROTOECG_MODELS=str(folder / "models")) as address:
            tab = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            tab.goto(f"{address}/curate?bundle=timed")
            for rows, prototype in enumerate(retired, start=1):
                _look_at(tab, prototype)
                count = tab.get_by_role("button", name="Take this one").count()
                for candidate in range(min(count, 2)):
                    yield _choose(tab, candidate, rows)
    finally:
        (ROOT / "runs" / "curate" / f"chosen-{bundle.revision}.json").unlink(missing_ok=True)


def _copy(folder: Path) -> Bundle:
    """Copy the shipped bundle under another name, so that nobody's choices are touched."""
    shutil.copytree(ROOT / "models" / "ptbxl", folder)
    _change(folder / "bundle.json", name="timed")
    _change(folder / "neighbours.json", revision=load_bundle(folder).revision)
    return load_bundle(folder)


def _change(file: Path, **values: str) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def _one_of_several(bundle: Bundle, branch: str) -> Prototype:
    statements = [p.statement for p in bundle.prototypes]
    several = (p for p in bundle.prototypes if statements.count(p.statement) > 2)
    return next(p for p in several if p.branch == branch)


def _rate(database: str, bundle: Bundle, retired: list[Prototype]) -> None:
    engine = open_database(database)
    register(engine, bundle.fingerprint, bundle.prototypes)
    for p in retired:
        item = Item(bundle.name, bundle.fingerprint, p.name, p.branch, p.statement)
        for reviewer in REVIEWERS:
            save_answer(
                engine, reviewer=reviewer, item=item, question="representativeness", value=1
            )
    engine.dispose()


def _look_at(tab: Page, prototype: Prototype) -> None:
    box = tab.get_by_role("combobox", name="Prototype").last
    box.click(timeout=SEARCH_MS)
    box.fill(prototype.name)
    box.press("Enter")
    # The page has begun to run again by then, or had shown this one already.
    tab.wait_for_timeout(500)
    expect(tab.locator(_IDLE)).to_be_visible(timeout=SEARCH_MS)


def _choose(tab: Page, candidate: int, rows: int) -> float:
    table = tab.locator(".st-key-tally canvas table tbody")
    before = table.inner_text() if table.count() else ""
    button = tab.get_by_role("button", name="Take this one").nth(candidate)
    button.scroll_into_view_if_needed()
    tab.wait_for_timeout(LOOK_MS)
    begun = time.perf_counter()
    button.click()
    tab.wait_for_function(_ROWS, arg=[rows, before], timeout=SEARCH_MS)
    taken = time.perf_counter() - begun
    expect(tab.locator(_IDLE)).to_be_visible(timeout=SEARCH_MS)
    return taken
