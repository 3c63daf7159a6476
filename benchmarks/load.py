"""How long people wait for an explanation while large batches run on the same server.

Each person uploads an ECG to Explain, waits until the page that shows it has been sent, looks at
it for a while, and uploads the next. They speak to the server as a browser does but draw nothing,
as each person's browser does that on a machine of its own. Meanwhile two archives are explained on
Batch, each begun in a real browser.
"""

from __future__ import annotations

import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.app_server import app_server
from benchmarks.browser import chromium_path
from benchmarks.visitor import Visitor
from protoecg.ecg import LEADS
from protoecg.simulate import CODES, simulate

PEOPLE = 8
ARCHIVES, ECGS = 2, 500
LOOK_S = 12.0
GIVE_UP_MS = 60_000
RATE = 500


def measure(minutes: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let people explain while batches run.

    Returns
    -------
    waits : `person`, `begun_s`, `wait_ms` of each upload but everybody's first
    batches : `done` and `total` ECGs of each archive at the end
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ratings.db"
        with app_server(url, Path(folder)) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium_path(), args=["--no-sandbox"]
            )
            archives = [_archive(Path(folder), n) for n in range(ARCHIVES)]
            batches = [_begin(browser, address, archive) for archive in archives]
            waits = _people(address, 60 * minutes)
            progress = [_progress(tab) for tab in batches]
            browser.close()
    return waits, pd.DataFrame(progress, columns=["done", "total"])


def _people(address: str, seconds: float) -> pd.DataFrame:
    explain = partial(_explain, address, time.perf_counter(), seconds)
    with ThreadPoolExecutor(PEOPLE) as pool:
        rows = [row for rows in pool.map(explain, range(PEOPLE)) for row in rows]
    return pd.DataFrame(rows, columns=["person", "begun_s", "wait_ms"])


def _archive(folder: Path, number: int) -> Path:
    # Playwright hands files of this size over by their name alone.
    path = folder / str(number) / "ecgs.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as written:
        for n in range(ECGS):
            written.writestr(f"{n:04}.npz", _ecg(number * ECGS + n))
    return path


def _begin(browser: Browser, address: str, archive: Path) -> Page:
    tab = browser.new_context().new_page()
    tab.set_default_timeout(GIVE_UP_MS)
    tab.goto(f"{address}/batch")
    tab.locator("input[type=file]").set_input_files(archive)
    expect(tab.get_by_text("ecgs.zip")).to_be_visible(timeout=GIVE_UP_MS)
    tab.get_by_role("button", name="Explain all").click()
    expect(tab.get_by_text(f"of {ECGS} ECGs")).to_be_visible(timeout=GIVE_UP_MS)
    return tab


def _progress(tab: Page) -> tuple[int, int]:
    told = tab.get_by_text(f"of {ECGS} ECGs").inner_text()
    done, _, total, *_ = told.split()
    return int(done), int(total)


def _explain(
    address: str, begun: float, seconds: float, person: int
) -> list[tuple[int, float, float]]:
    time.sleep(LOOK_S * person / PEOPLE)
    rows: list[tuple[int, float, float]] = []
    while time.perf_counter() - begun < seconds:
        visitor = Visitor(address, "explain")
        visitor.open()
        content = _ecg(10_000 * (person + 1) + len(rows))
        sent = time.perf_counter()
        visitor.explain("ecg.npz", content)
        rows.append((person, sent - begun, 1000 * (time.perf_counter() - sent)))
        time.sleep(LOOK_S)
        visitor.close()
    # The first of each meets code that has not run yet.
    return rows[1:]


def _ecg(seed: int) -> bytes:
    ecg = simulate([CODES[seed % len(CODES)]], seed=seed, rate=RATE).ecg
    written = BytesIO()
    np.savez(written, signal=ecg.signal, leads=np.array(LEADS), rate=ecg.rate)
    return written.getvalue()
