"""What can be taken away of an explained ECG: a page as PDF or PNG, and all numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import streamlit as st

from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explanation import Explanation

PAPERS = ("A4", "letter")


def show(ecg: ECG, bundle: Bundle, explanation: Explanation) -> None:
    """Offer the report on each paper and the explanation; each is made when it is asked for."""
    for paper in PAPERS:
        with st.container(horizontal=True):
            page = partial(report, ecg, bundle, explanation, paper)
            _button(f"PDF, {paper.capitalize()}", page, "ecg-report.pdf", "application/pdf")
            drawn = partial(picture, page)
            _button(f"PNG, {paper.capitalize()}", drawn, "ecg-report.png", "image/png")
    st.caption("Always 3 × 4 + strip, 25 mm/s, 10 mm/mV, unfiltered; PNG at 300 dpi.")
    told = partial(numbers, explanation, bundle)
    _button("Explanation, JSON", told, "ecg-explanation.json", "application/json")


def report(ecg: ECG, bundle: Bundle, explanation: Explanation, paper: str) -> bytes:
    """Return the printed page as a PDF."""
    # Imported on click: drawing libraries that the page itself has no use for.
    from protoecg.measure import measure
    from protoecg.report import pdf

    return pdf(ecg, explanation, measure(ecg), revision=bundle.revision, paper=paper)


def picture(page: Callable[[], bytes]) -> bytes:
    """Return what `page` makes as a PNG."""
    from protoecg.raster import png

    return png(page())


def numbers(explanation: Explanation, bundle: Bundle) -> bytes:
    """Return all findings and their matches as JSON, with the bundle's revision."""
    return json.dumps({**explanation.to_json(), "revision": bundle.revision}, indent=1).encode()


def _button(label: str, made: Callable[[], bytes], name: str, kind: str) -> None:
    st.download_button(label, made, name, kind, on_click="ignore")
