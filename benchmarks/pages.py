"""How long a reader waits: for the first page of a cold server, a comparison, a batch, a report.

Pages are timed in a headless Chromium from the moment they are asked for until they are whole: the
server has ended its run, as many figures have curves as the page has, and the texts that are waited
for are there. All that is looked for in one small function, once a frame: a locator that is waited
for by its role reads the whole page again and again, which took a third of a finding's wait.
"""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import numpy as np
from playwright.sync_api import FilePayload, Page, expect

from benchmarks.app_server import app_server
from benchmarks.browser import chromium
from benchmarks.curating import choices_s
from benchmarks.ours import ROOT
from protoecg.bundle import load_bundle
from protoecg.ecg import ECG, LEADS
from protoecg.explain import explain
from protoecg.measure import measure as measure_ecg
from protoecg.printing.case import leading_case
from protoecg.printing.report import pdf
from protoecg.prototypes.waveforms import Waveforms
from protoecg.simulate import CODES, simulate
from protoecg.storage import folders

RATE, ECGS, REPEATS = 500, 20, 5
GIVE_UP_MS = 120_000
THEN, NOW, WARM = "Left bundle branch block", "Atrial fibrillation", "Atrial flutter"
_WHOLE = """
(texts) => {
  const figures = [...document.querySelectorAll('.js-plotly-plot')];
  const shows = (selector, text) =>
    [...document.querySelectorAll(selector)].some(element => element.textContent.includes(text));
  return document.querySelector('[data-test-script-state=notRunning]') && figures.length &&
    figures.every(figure => figure.querySelector('.scatterlayer .js-line, .barlayer path')) &&
    texts.every(([selector, text]) => shows(selector, text));
}
"""
_TRACING = """document.querySelector('[class*="st-key-frame-query"] .js-plotly-plot')"""
Wait = tuple[str, float, float]


def measure() -> Iterator[Wait]:
    """Yield what is waited for, how long was promised and how long it took, in seconds."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        begun = time.perf_counter()
        with app_server(f"sqlite:///{folder}/ratings.db", Path(folder)) as address:
            tab = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            tab.set_default_timeout(GIVE_UP_MS)
            tab.goto(address)
            expect(tab.get_by_text("ProtoECG explains")).to_be_visible(timeout=GIVE_UP_MS)
            yield "cold server to first page", 4.0, time.perf_counter() - begun
            _whole(tab)
            yield from _explanation(tab, address)
            yield "comparison with an earlier ECG", 2.0, _comparison(tab, address)
            yield f"batch of {ECGS}", 4.0, _batch(tab, address)
        if (folders.ptbxl() / "ptbxl_database.csv").is_file():
            longest = max(choices_s(browser, Path(folder)))
            yield "choice on Curate to its tally, the longest", 2.0, longest
    yield from _on_the_server()


def _whole(tab: Page, *texts: tuple[str, str]) -> None:
    """Wait until the page is whole and shows texts, each within what a selector finds."""
    tab.wait_for_function(_WHOLE, arg=texts, timeout=GIVE_UP_MS)


def _explanation(tab: Page, address: str) -> Iterator[Wait]:
    """Upload an ECG on the start page, look at another finding, print the tracing otherwise."""
    tab.goto(f"{address}/explain?bundle=demo")
    _whole(tab)
    ecg = BytesIO()
    signal = simulate({"PVC", "SR"}, seed=7, rate=RATE).ecg.signal
    np.savez(ecg, signal=signal, leads=np.array(LEADS), rate=RATE)
    file = FilePayload(name="a.npz", mimeType="application/zip", buffer=ecg.getvalue())
    begun = time.perf_counter()
    tab.locator("input[type=file]").first.set_input_files(file)
    _whole(tab, ("h4", "a.npz"))
    yield "upload to all figures drawn", 1.0, time.perf_counter() - begun
    begun = time.perf_counter()
    tab.get_by_role("radiogroup", name="Rhythm").get_by_text("Sinus rhythm", exact=True).click()
    _whole(tab, ("h3", "Sinus rhythm"), (".js-plotly-plot text", "V1  the case"))
    yield "another finding", 0.5, time.perf_counter() - begun
    tab.get_by_role("button", name="Tracing").click()
    before = tab.evaluate_handle(f"() => {_TRACING}.data")
    begun = time.perf_counter()
    tab.get_by_role("radio", name="12 in full").click()
    tab.wait_for_function(f"before => {_TRACING}.data !== before", arg=before)
    _whole(tab)
    yield "a tracing option", 0.7, time.perf_counter() - begun


def _comparison(tab: Page, address: str) -> float:
    """Open a comparison once the model and the page's code are loaded."""
    for now in (WARM, NOW):
        query = urlencode({"bundle": "demo", "example": now, "earlier_example": THEN})
        begun = time.perf_counter()
        tab.goto(f"{address}/explain?{query}")
        _whole(tab, ("[data-testid=stMain]", "What changed about a finding"))
    return time.perf_counter() - begun


def _batch(tab: Page, address: str) -> float:
    archive = FilePayload(name="a.zip", mimeType="application/zip", buffer=_archive())
    tab.goto(f"{address}/batch?bundle=demo")
    tab.locator("input[type=file]").set_input_files(archive)
    tab.get_by_text("for files that do not say them").click()
    tab.get_by_label("Sampling rate").fill(str(RATE))
    tab.get_by_label("Sampling rate").press("Tab")
    expect(tab.get_by_text("a.zip")).to_be_visible()
    begun = time.perf_counter()
    tab.get_by_role("button", name="Explain all").click()
    expect(tab.get_by_role("button", name="Explain it")).to_be_visible(timeout=GIVE_UP_MS)
    return time.perf_counter() - begun


def _archive() -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for number in range(ECGS):
            file = BytesIO()
            np.save(file, _ecg(number).signal)
            packed.writestr(f"{number}.npy", file.getvalue())
    return content.getvalue()


def _ecg(number: int) -> ECG:
    return simulate([CODES[number % len(CODES)]], seed=number, rate=RATE).ecg


def _on_the_server() -> Iterator[Wait]:
    bundle = load_bundle(ROOT / "models" / "demo")
    ecg = _ecg(1)
    explanation, measured = explain(ecg, bundle), measure_ecg(ecg)
    case = leading_case(explanation, Waveforms.for_bundle(bundle.path, bundle.self_contained))
    yield "first measurements", 1.0, _median_s(lambda: measure_ecg(ecg))
    yield (
        "report, PDF",
        1.0,
        _median_s(lambda: pdf(ecg, explanation, measured, revision="0", case=case)),
    )


def _median_s(call: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return median(times)
