"""From the key that saves an item of a study to the next item drawn, in a headless Chromium.

The page itself takes the times: an observer looks after each change of the document, and an item
is drawn when a frame has been painted in which its caption and its buttons stand, the last that
the page sends of it, and all figures on the screen have curves. What is to be scrolled to, and
what is drawn early for the item after it, may come later. The baseline is the same item, opened
by loading the whole page.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from benchmarks.app_server import app_server
from benchmarks.browser import chromium
from benchmarks.ours import ROOT
from protoecg.bundle import load_bundle
from review_db import open_database
from review_db.questions.catalogue import STUDY_QUESTIONS
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import OpenItem, open_item, save_draft
from review_db.store.files import write_files
from review_db.studies.design import Controls, Design, Sample
from review_db.studies.items import StatementContent
from review_db.studies.items.material import Material, bundle_material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import Seat, sign_in
from training.cases import Numbers, carried, cases

WARM_UP = 5
# Reviewers look at an item before they save it.
LOOK_MS = 3000
REVIEWER = "R01"
_OBSERVE = """
([position, stage, save, key]) => {
  const all = selector => [...document.querySelectorAll(selector)];
  const visible = element => getComputedStyle(element).visibility === 'visible';
  const onScreen = element => element.getBoundingClientRect().top < innerHeight;
  const figures = () => all(`[class*="st-key-frame-item-${position}-${stage}"]`).filter(onScreen);
  const drawn = () =>
    all(`.st-key-${save} button`).length &&
    all('[data-testid="stCaptionContainer"]').some(
      element => element.textContent.startsWith(`Item ${position} of `)) &&
    figures().length &&
    figures().every(figure => visible(figure) && figure.querySelector('.scatterlayer .js-line'));
  let begun = 0;
  if (key) addEventListener('keydown', event => { begun = event.timeStamp; }, {once: true});
  window.taken = new Promise(done => {
    const look = () => {
      if (!drawn()) return;
      observer.disconnect();
      // The first of these comes before the frame is painted, the second after.
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
    };
    const observer = new MutationObserver(look);
    observer.observe(document, {
      subtree: true, childList: true, characterData: true, attributeFilter: ['class', 'd'],
    });
    look();
  });
}
"""


class Stop(NamedTuple):
    """A stage of an item on the way through the study, and the key that saves it."""

    place: ItemStage
    kind: str
    key: str

    def signs(self, key: str) -> list[Any]:
        """Return by what the page tells that it stands, and the key that is waited for."""
        position, stage = self.place
        return [position, stage, f"{REVIEWER}-{position}-{stage}-save", key]


def measure() -> pd.DataFrame:
    """Rate a study; returns of each item but the first `kind`, `saved_ms` and `loaded_ms`.

    `kind` is that of the item drawn; items that warm the server up are left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ratings.db"
        engine = open_database(url)
        key = _study(engine, _material(Path(folder)))
        stops = list(_fill_in(engine, sign_in(engine, key)))
        with app_server(url, Path(folder)) as address, chromium() as browser:
            rows = list(_sit(browser, f"{address}/take_part?key={key}", stops))
        engine.dispose()
    return pd.DataFrame(rows[WARM_UP:], columns=["kind", "saved_ms", "loaded_ms"])


def _material(folder: Path) -> Material:
    """Return the prototypes of the demonstration, and cases drawn from the ECGs it carries."""
    demo = load_bundle(ROOT / "models" / "demo")
    asked = Numbers(6, 4, 4)
    drawn = cases(demo, carried(demo), asked, other=demo, progress=lambda of, **_: of)
    (file,) = write_files(folder, {"cases.json": json.dumps(drawn).encode()})
    return bundle_material(demo.path, file)


def _study(engine: Engine, material: Material) -> str:
    controls = Controls(wrong_statement=2, random_window=2, noise=2)
    design = Design("speed", (REVIEWER,), 1, practice=0, sample=Sample(size=20), controls=controls)
    create_study(engine, design, material)
    return start_study(engine, design.name)[REVIEWER]


def _fill_in(engine: Engine, seat: Seat) -> Iterator[Stop]:
    """Answer all first looks, so that nothing is left to do but to save them."""
    total = open_item(engine, seat, ItemStage(1)).total
    for position in range(1, total + 1):
        item = open_item(engine, seat, ItemStage(position))
        save_draft(engine, seat, item.at, _answers(item), seen=item.revision)
        yield Stop(item.at, item.kind, "n")
        if item.stages == 2:
            # It opens when the first is saved, and is skipped instead, which is saved as well.
            yield Stop(ItemStage(position, 2), item.kind, "s")


def _answers(item: OpenItem) -> dict[str, str]:
    of_codes = {"diagnosis": "SR"}
    if isinstance(item.content, StatementContent):
        of_codes["best_prototype"] = item.content.prototypes[0].name
    return {key: of_codes.get(key) or STUDY_QUESTIONS[key].options[0] for key in item.required}


def _sit(browser: Browser, url: str, stops: list[Stop]) -> Iterator[tuple[str, float, float]]:
    size = {"width": 1440, "height": 900}
    tab, other = (browser.new_context(viewport=size).new_page() for _ in range(2))  # type: ignore[arg-type]
    _load(tab, url, stops[0])
    for now, following in pairwise(stops):
        tab.wait_for_timeout(LOOK_MS)
        tab.evaluate(_OBSERVE, following.signs(now.key))
        tab.keyboard.press(now.key)
        saved = tab.evaluate("window.taken")
        yield following.kind, saved, _load(other, tab.url, following)


def _load(tab: Page, url: str, stop: Stop) -> float:
    tab.goto("about:blank")
    tab.goto(url, wait_until="commit")
    tab.evaluate(_OBSERVE, stop.signs(key=""))
    return tab.evaluate("window.taken")
