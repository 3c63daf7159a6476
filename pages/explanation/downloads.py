"""What can be taken away of an explained ECG: a page as PDF or PNG, and all numbers as JSON.

Where it is compared with an earlier ECG, both name that one and what changed since.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ecg import taken
from pages.explanation.explained import ExplainedECG
from pages.shell import source_ecgs
from protoecg.bundle import Bundle
from protoecg.evidence.change import Comparison, compare
from protoecg.measure import Measurements, measure
from protoecg.taken import UNKNOWN, Taken

if TYPE_CHECKING:
    from protoecg.printing.report import PaperName

NOT_SHOWN = UNKNOWN, UNKNOWN
PAPERS: tuple[PaperName, ...] = ("A4", "letter")


def show(now: ExplainedECG, bundle: Bundle, then: ExplainedECG | None = None) -> None:
    """Offer the report on each paper and the explanation; each is made when it is asked for.

    Parameters
    ----------
    then : the earlier ECG that it is compared with
    """
    # Asked here, as what is made on a click knows nothing of the page.
    shown_taken = taken.shown(now.ecg), taken.shown(then.ecg) if then else UNKNOWN
    for paper in PAPERS:
        with st.container(horizontal=True):
            page = partial(report, now, bundle, then, paper, shown_taken)
            _button(f"PDF, {paper.capitalize()}", page, "ecg-report.pdf", "application/pdf")
            drawn = partial(picture, page)
            _button(f"PNG, {paper.capitalize()}", drawn, "ecg-report.png", "image/png")
    st.caption("Always 3 × 4 + strip, 25 mm/s, 10 mm/mV, unfiltered; PNG at 300 dpi.")
    made = partial(numbers, now, bundle, then, shown_taken)
    _button("Explanation, JSON", made, "ecg-explanation.json", "application/json")
    if then:
        st.caption("Each with what changed since the earlier ECG.")
    if now.ecg.taken:
        named = "with" if shown_taken[0] else "without"
        st.caption(f"Each {named} date, age and sex, as they are switched on above the tracing.")


def report(
    now: ExplainedECG,
    bundle: Bundle,
    then: ExplainedECG | None,
    paper: PaperName,
    shown_taken: tuple[Taken, Taken] = NOT_SHOWN,
) -> bytes:
    """Return the printed page as a PDF.

    Parameters
    ----------
    shown_taken : of this and of the earlier ECG when it was taken, and of whom
    """
    # Imported on click: a drawing library that the page itself has no use for.
    from protoecg.printing.case import leading_case
    from protoecg.printing.report import pdf

    measured = measure(now.ecg)
    return pdf(
        now.ecg,
        now.explanation,
        measured,
        revision=bundle.revision,
        case=leading_case(now.explanation, source_ecgs.waveforms(bundle)),
        since=_changes(then, now, measured) if then else None,
        paper=paper,
        taken=shown_taken[0],
        earlier=shown_taken[1],
    )


def picture(page: Callable[[], bytes]) -> bytes:
    """Return what `page` makes as a PNG."""
    from protoecg.printing.raster import png

    return png(page())


def numbers(
    now: ExplainedECG,
    bundle: Bundle,
    then: ExplainedECG | None = None,
    shown_taken: tuple[Taken, Taken] = NOT_SHOWN,
) -> bytes:
    """Return all findings and their matches as JSON, with the bundle's revision.

    Parameters
    ----------
    shown_taken : as of `report`
    """
    document = {**now.explanation.to_json(), "revision": bundle.revision}
    if shown_taken[0]:
        document["taken"] = shown_taken[0].to_json()
    if then:
        document["earlier"] = _changes(then, now, measure(now.ecg)).to_json()
        if shown_taken[1]:
            document["earlier"]["taken"] = shown_taken[1].to_json()
    return json.dumps(document, indent=1).encode()


def _changes(then: ExplainedECG, now: ExplainedECG, measured: Measurements) -> Comparison:
    return compare(then.explanation, now.explanation, measure(then.ecg), measured)


def _button(label: str, made: Callable[[], bytes], name: str, kind: str) -> None:
    st.download_button(label, made, name, kind, on_click="ignore")
