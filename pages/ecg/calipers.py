"""Calipers on a tracing: moved in the browser alone, kept with their ECG while the page is open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.ecg import drawing, header
from pages.shell import frame
from protoecg.ecg import ECG, LEADS
from protoecg.figures.paper import Window
from protoecg.measure import Delineation
from protoecg.sheet.view import INVERTED, View

HOW = (
    "Drag a box over the tracing, or begin with “New caliper”; then drag its edges, or move them "
    "by the arrow keys (Shift for four steps). It reads ms, beats a minute and mV. “March out” (M) "
    "repeats its interval along the strip."
)
# Of each printed lead: whose it is, and whether it is printed upside down.
PRINTED = {
    **{lead: {"lead": lead, "sign": 1} for lead in LEADS},
    INVERTED: {"lead": "aVR", "sign": -1},
}
ASKED = "measuring"
_HERE = Path(__file__).resolve().parent
_TOOLS = """
<div class="caliper-tools">
  <button type="button" data-does="new">New caliper</button>
  <button type="button" data-does="march" aria-pressed="false">March out</button>
  <button type="button" data-does="remove">Remove</button>
  <button type="button" data-does="clear">Clear calipers</button>
</div>
<ol class="caliper-readings" aria-live="polite" aria-label="Calipers"></ol>
"""

_lay = st.components.v2.component(
    "protoecg_calipers",
    html=_TOOLS,
    css=(_HERE / "calipers.css").read_text(),
    js=(_HERE / "calipers.js").read_text(),
    isolate_styles=False,
)


def toggle() -> bool:
    """Ask whether tracings are measured."""
    return st.toggle("Calipers", key=ASKED, bind="query-params", help=HOW)


def draw_ecg(ecg: ECG, windows: Sequence[Window], *, key: str, view: View, **printed: Any) -> None:
    """Print an ECG as `drawing.show_ecg` does, with what was asked for: calipers, measurements."""
    header.show_if_asked(ecg)
    if st.session_state.get(ASKED):
        show_ecg(key, ecg, windows, name=key, view=view, **printed)
    else:
        drawing.show_ecg(ecg, windows, key=key, view=view, **printed)


def show_ecg(
    key: str,
    ecg: ECG,
    windows: Sequence[Window],
    *,
    name: str,
    view: View,
    width_px: int = drawing.PAGE_PX,
    measured: Delineation | None = None,
) -> None:
    """Print an ECG that can be measured, what is read from it below.

    Parameters
    ----------
    key : tells the ECG from others
    name : of the figure
    measured : waves and RR intervals to mark below the lowest row
    """
    with st.container(key=f"measured-{name}"):
        drawing.show_ecg(ecg, windows, key=name, view=view, width_px=width_px, measured=measured)
        _lay(
            key=f"calipers {name}",
            data={"ecg": key, "leads": PRINTED, "theme": frame.theme()},
        )
        st.caption(f":material/straighten: {HOW}")
