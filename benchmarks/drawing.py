"""How long a browser draws an ECG of ten seconds at 500 Hz on the paper, and toggles a match.

All twelve leads are printed in full, so all 60,000 samples are drawn. The baseline is a plain
Plotly figure of the same samples as lines, without paper, names or matches. A drawing is timed
from Plotly's call until it reports that it has plotted, and until the browser has painted that; a
toggle from the release of the mouse on a match's switch; a move of a caliper from the mouse's event
until the calipers are drawn, and until that is painted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from playwright.sync_api import Page
from plotly.offline import get_plotlyjs

from benchmarks.browser import chromium
from benchmarks.ours import ROOT
from protoecg.ecg import ECG, LEADS
from protoecg.figures.paper import Window, ecg_figure
from protoecg.figures.theme import toolbar
from protoecg.sheet.view import View
from protoecg.simulate import simulate

WIDTH_PX, RATE = 1090, 500
MATCHES, WINDOW_S = 12, 0.95
_DRAW = """
async ([figure, config]) => {
  document.body.innerHTML = '<div id="paper"></div>';
  const paper = document.getElementById('paper');
  const {data, layout} = JSON.parse(figure);
  const begun = performance.now();
  await Plotly.newPlot(paper, data, layout, config);
  const plotted = performance.now() - begun;
  // The first of these comes before the frame is painted, the second after.
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  return [plotted, performance.now() - begun];
}
"""
_AWAIT_TOGGLE = """
() => {
  let begun;
  addEventListener('mouseup', event => { begun = event.timeStamp; }, {once: true, capture: true});
  window.taken = new Promise(done => document.getElementById('paper').once(
    'plotly_afterplot', () => done(performance.now() - begun)));
}
"""
_CALIPERS = """
async ([code, leads]) => {
  document.body.className = 'st-key-measured-paper';
  const frame = document.createElement('div'), tools = document.createElement('div');
  frame.className = 'st-key-frame-paper';
  tools.innerHTML = '<ol></ol><button data-does="new"></button>';
  frame.append(document.getElementById('paper'));
  document.body.replaceChildren(frame, tools);
  const made = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
  const end = made.default({parentElement: tools, data: {ecg: 'paper', leads, theme: 'light'}});
  tools.querySelector('button').click();
  const grip = document.querySelector('svg.calipers .grip.to'), at = grip.getBoundingClientRect();
  const pointer = {bubbles: true, clientX: at.x + at.width / 2, clientY: at.y + at.height / 2};
  grip.dispatchEvent(new PointerEvent('pointerdown', pointer));
  const begun = performance.now();
  const moved = {...pointer, clientX: pointer.clientX + 20};
  window.dispatchEvent(new PointerEvent('pointermove', moved));
  const drawn = performance.now() - begun;
  const frames = () => new Promise(requestAnimationFrame);
  await frames();
  await frames();
  const painted = performance.now() - begun;
  window.dispatchEvent(new PointerEvent('pointerup', pointer));
  end();
  window.protoecgCalipers.clear();
  return [drawn, painted];
}
"""


def measure(repeats: int) -> pd.DataFrame:
    """Draw both in turn and toggle each match; returns `task`, `plotted_ms` and `painted_ms`."""
    ecg = simulate(["PVC", "SR"], seed=7, rate=RATE).ecg
    paper, lines = (figure.to_json() for figure in (_paper(ecg), _lines(ecg)))
    with chromium() as browser:
        size = {"width": WIDTH_PX, "height": 1200}
        tab = browser.new_context(viewport=size).new_page()  # type: ignore[arg-type]
        tab.set_content("<body style='margin: 0'></body>")
        tab.add_script_tag(content=get_plotlyjs())
        rows = []
        for turn in range(repeats + 1):
            timings = [("plain lines", *_drawn(tab, lines)), ("ECG paper", *_drawn(tab, paper))]
            timings.append(("toggle of a match", _toggled(tab, 1 + turn % (MATCHES - 1)), np.nan))
            timings.append(("move of a caliper", *_moved(tab)))
            rows += timings if turn else []
    return pd.DataFrame(rows, columns=["task", "plotted_ms", "painted_ms"])


def _paper(ecg: ECG) -> go.Figure:
    starts = np.linspace(0.2, 8.8, MATCHES)
    windows = [
        Window(start, start + WINDOW_S, f"match {number}", shown=number == 1)
        for number, start in enumerate(starts, start=1)
    ]
    return ecg_figure(ecg, view=View("12x1"), windows=windows, width_px=WIDTH_PX)


def _lines(ecg: ECG) -> go.Figure:
    printed = ecg.signal[:, : 10 * RATE]
    traces = [
        go.Scatter(x0=0, dx=1 / RATE, y=values - np.float32(1.5 * row), name=lead)
        for row, (lead, values) in enumerate(zip(LEADS, printed, strict=True))
    ]
    return go.Figure(traces, {"width": WIDTH_PX, "height": _paper(ecg).layout.height})


def _drawn(tab: Page, figure: str) -> list[float]:
    return tab.evaluate(_DRAW, [figure, toolbar("paper")])


def _toggled(tab: Page, entry: int) -> float:
    tab.evaluate(_AWAIT_TOGGLE)
    tab.locator(".updatemenu-button").nth(entry).click()
    return tab.evaluate("window.taken")


def _moved(tab: Page) -> list[float]:
    code = (ROOT / "pages" / "ecg" / "calipers.js").read_text()
    leads = {lead: {"lead": lead, "sign": 1} for lead in LEADS}
    return tab.evaluate(_CALIPERS, [code, leads])
