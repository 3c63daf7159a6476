"""Take the README's pictures of the pages.

python tests/e2e/screenshots.py [RECORD]   a WFDB record, such as data/ptbxl/records100/...
                                           (without one: a simulated example)
The ratings that the pictures show are made up, in a database that is thrown away.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import numpy as np
from numpy.random import Generator
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Engine

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from servers import ColdServer  # noqa: E402

from benchmarks.browser import chromium_path  # noqa: E402
from pages.shell import reviews  # noqa: E402
from protoecg.bundle import Bundle, load_bundle  # noqa: E402
from review_db import open_database, save_answer  # noqa: E402
from review_db.sessions.progress import next_open  # noqa: E402
from review_db.sessions.sessions import open_item, save_draft, save_item  # noqa: E402
from review_db.studies.design import Design, Sample  # noqa: E402
from review_db.studies.items.material import bundle_material  # noqa: E402
from review_db.studies.lifecycle import create_study, start_study  # noqa: E402
from review_db.studies.running import close_study  # noqa: E402
from review_db.studies.seats import Seat, sign_in  # noqa: E402

PICTURES = ROOT / "docs" / "screenshots"


def main(record: Path | None) -> None:
    name = "ptbxl" if (ROOT / "models" / "ptbxl" / "bundle.json").is_file() else "demo"
    bundle = load_bundle(ROOT / "models" / name)
    with server() as running, chromium() as tab:
        rate_some(bundle, running.database)
        explain(tab, running.url, name, record)
        picture(tab, running.url, "library", bundle=name, branch="morphology")
        rated = bundle.prototypes[1].name
        picture(tab, running.url, "rate", bundle=name, reviewer="R01", prototype=rated)
        picture(tab, running.url, "results", bundle=name, by="branch")
        key = rate_a_study(bundle, running.database)
        picture(tab, running.url, "take_part", "sitting", key=key)
        end_the_study(running.database)
        found = {"found": "Agreement", "question": "clarity"}
        picture(tab, running.url, "results", "study", bundle=name, of="A study", **found)


@contextmanager
def server() -> Iterator[ColdServer]:
    with tempfile.TemporaryDirectory() as folder:
        running = ColdServer(Path(folder))
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def chromium() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1440, "height": 1080})
        browser.close()


def rate_some(bundle: Bundle, database: str) -> None:
    """Rate a third of the prototypes by two made-up reviewers."""
    rng, engine = np.random.default_rng(0), open_database(database)
    for reviewer in ("R01", "R02"):
        for item in reviews.items(bundle)[1::3]:
            answers = {
                "accurate": "yes" if rng.uniform() < 0.85 else "no",
                "representativeness": str(rng.choice([2, 3, 4, 5], p=[0.1, 0.25, 0.4, 0.25])),
                "clarity": str(rng.choice([2, 3, 4, 5], p=[0.05, 0.15, 0.4, 0.4])),
            }
            for question, value in answers.items():
                save_answer(engine, reviewer=reviewer, item=item, question=question, value=value)
    engine.dispose()


def rate_a_study(bundle: Bundle, database: str) -> str:
    """Have three made-up reviewers rate a study, the last of them half; returns that one's key."""
    engine = open_database(database)
    codes = sorted({p.statement for p in bundle.prototypes if p.branch == "morphology"})[:10]
    sample = Sample(branches=("morphology",), statements=tuple(codes), size=30)
    title = "Are the prototypes good examples?"
    design = Design("pilot", ("R01", "R02", "R03"), 1, title, practice=0, sample=sample)
    create_study(engine, design, bundle_material(bundle.path))
    for n, key in enumerate(start_study(engine, design.name).values()):
        rate_items(engine, sign_in(engine, key), np.random.default_rng(n), 17 if n == 2 else None)
    engine.dispose()
    return key


def end_the_study(database: str) -> None:
    """Close the study that was rated, which opens its results."""
    engine = open_database(database)
    close_study(engine, "pilot", actor="coordinator")
    engine.dispose()


def rate_items(engine: Engine, seat: Seat, rng: Generator, stop: int | None) -> None:
    """Answer as somebody who sees the same in an item as others, more or less."""
    while place := next_open(engine, seat):
        item = open_item(engine, seat, place)
        seen = Random(str(item.content)).uniform(2, 5)
        point = {
            q: str(int(np.clip(round(seen + rng.normal(0, 0.6)), 1, 5))) for q in item.required
        }
        best = item.content.prototypes[0].name if item.kind == "statement" else ""
        known = {"accurate": "yes" if seen > 2.6 else "no", "best_prototype": best}
        answers = {question: known.get(question, point[question]) for question in item.required}
        if place.position == stop:
            save_draft(engine, seat, place, {"accurate": "yes"}, seen=item.revision)
            return
        save_item(engine, seat, place, answers, seen=item.revision, seconds=12)


def explain(tab: Page, url: str, bundle: str, record: Path | None) -> None:
    if record is None:
        picture(tab, url, "explain", bundle=bundle, example="Premature ventricular complexes")
        return
    tab.goto(f"{url}/explain?bundle={bundle}")
    files = [record.with_suffix(".hea"), record.with_suffix(".dat")]
    tab.locator("input[type=file]").first.set_input_files(files)
    take(tab, "explain")


def picture(tab: Page, url: str, page: str, name: str = "", **query: str) -> None:
    tab.goto(f"{url}/{page}?{urlencode(query)}")
    take(tab, name or page)


def take(tab: Page, name: str) -> None:
    tab.locator(".js-plotly-plot .main-svg").first.wait_for()
    # Plotly draws in several steps and tells nobody when it is done.
    time.sleep(4)
    PICTURES.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    os.chdir(ROOT)
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
