"""How long people wait for an explanation while large batches run on the same server.

Each person is a browser context of its own: uploads an ECG to Explain, waits until the page that
shows it has been sent, looks at it for a while, and uploads the next. Meanwhile two archives are
explained on Batch. All of it, the browser too, is at work on this machine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.async_api import Browser, FilePayload, Page, async_playwright, expect

from benchmarks.app_server import app_server
from benchmarks.browser import chromium_path
from protoecg.simulate import CODES, simulate

PEOPLE = 8
ARCHIVES, ECGS = 2, 500
LOOK_S = 12.0
GIVE_UP_MS = 60_000
RATE = 500
_SHOWN = """
before => location.search.includes('ecg=') && location.search !== before &&
  document.querySelector('[data-test-script-state=notRunning]') !== null
"""


def measure(minutes: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let people explain while batches run.

    Returns
    -------
    waits : `person`, `begun_s`, `wait_ms` of each upload but everybody's first
    batches : `done` and `total` ECGs of each archive at the end
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ratings.db"
        with app_server(url, Path(folder)) as address:
            archives = [_archive(Path(folder), n) for n in range(ARCHIVES)]
            return asyncio.run(_measure(address, archives, 60 * minutes))


async def _measure(
    address: str, archives: list[Path], seconds: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    expect.set_options(timeout=GIVE_UP_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox"]
        )
        batches = [await _begin(browser, address, archive) for archive in archives]
        begun = time.perf_counter()
        people = [_explain(browser, address, n, begun, seconds) for n in range(PEOPLE)]
        waits = [row for rows in await asyncio.gather(*people) for row in rows]
        progress = [await _progress(tab) for tab in batches]
        await browser.close()
    return (
        pd.DataFrame(waits, columns=["person", "begun_s", "wait_ms"]),
        pd.DataFrame(progress, columns=["done", "total"]),
    )


def _archive(folder: Path, number: int) -> Path:
    # Playwright hands files of this size over by their name alone.
    path = folder / str(number) / "ecgs.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as written:
        for n in range(ECGS):
            written.writestr(f"{n:04}.npz", _ecg(number * ECGS + n))
    return path


async def _begin(browser: Browser, address: str, archive: Path) -> Page:
    tab = await (await browser.new_context()).new_page()
    tab.set_default_timeout(GIVE_UP_MS)
    await tab.goto(f"{address}/batch")
    await tab.locator("input[type=file]").set_input_files(archive)
    await expect(tab.get_by_text("ecgs.zip")).to_be_visible()
    await tab.get_by_role("button", name="Explain all").click()
    await expect(tab.get_by_text(f"of {ECGS} ECGs")).to_be_visible()
    return tab


async def _progress(tab: Page) -> tuple[int, int]:
    told = await tab.get_by_text(f"of {ECGS} ECGs").inner_text()
    done, _, total, *_ = told.split()
    return int(done), int(total)


async def _explain(
    browser: Browser, address: str, person: int, begun: float, seconds: float
) -> list[tuple[int, float, float]]:
    tab = await (await browser.new_context()).new_page()
    tab.set_default_timeout(GIVE_UP_MS)
    await asyncio.sleep(LOOK_S * person / PEOPLE)
    rows: list[tuple[int, float, float]] = []
    while time.perf_counter() - begun < seconds:
        await tab.goto(f"{address}/explain")
        await expect(tab.locator("input[type=file]").first).to_be_attached()
        await expect(tab.locator("[data-test-script-state=notRunning]")).to_be_attached()
        before = await tab.evaluate("location.search")
        file = FilePayload(
            name="ecg.npz",
            mimeType="application/octet-stream",
            buffer=_ecg(10_000 * (person + 1) + len(rows)),
        )
        sent = time.perf_counter()
        await tab.locator("input[type=file]").first.set_input_files(file)
        await tab.wait_for_function(_SHOWN, arg=before)
        rows.append((person, sent - begun, 1000 * (time.perf_counter() - sent)))
        await asyncio.sleep(LOOK_S)
    # The first of each meets code that has not run yet.
    return rows[1:]


def _ecg(seed: int) -> bytes:
    ecg = simulate([CODES[seed % len(CODES)]], seed=seed, rate=RATE).ecg
    written = BytesIO()
    np.savez(written, signal=ecg.signal.astype(np.float32), rate=ecg.rate)
    return written.getvalue()
