"""How long a browser draws an ECG of ten seconds at 500 Hz on the paper, and toggles a match.

All twelve leads are printed in full, so all 60,000 samples are drawn. The baseline is a plain
Plotly figure of the same samples as lines, without paper, names or matches. A drawing is timed
from Plotly's call until it has told that it has plotted, and until the browser has painted that; a
toggle from the release of the mouse on a match's switch.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from playwright.sync_api import Page
from plotly.offline import get_plotlyjs

from benchmarks.browser import chromium
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
            told = [("plain lines", *_drawn(tab, lines)), ("ECG paper", *_drawn(tab, paper))]
            told.append(("toggle of a match", _toggled(tab, 1 + turn % (MATCHES - 1)), np.nan))
            rows += told if turn else []
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
