"""How tracings are printed on a page: one choice for all of them, kept in the URL."""

from __future__ import annotations

from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell import choices
from protoecg.ecg import LEADS
from protoecg.sheet.filters import HIGH_PASS_HZ, LOW_PASS_HZ, NOTCH_HZ, ST_MAY_SHIFT, Filters
from protoecg.sheet.view import GAINS, INVERTED, SPEEDS, LayoutName, OrderName, View

LAYOUTS: dict[str, LayoutName] = {
    "3 × 4 + strip": "3x4+strip",
    "3 × 4": "3x4",
    "6 × 2": "6x2",
    "12 in full": "12x1",
    "one, large": "1x1",
}
ORDERS: dict[str, OrderName] = {"standard": "standard", "Cabrera": "Cabrera"}
OF_LEADS = (
    "In 3 × 4 print a lead shows 2.5 s, in 6 × 2 print 5 s, so a window is marked on the leads "
    "printed at that moment. With twelve full leads it is marked on all of them. One lead alone is "
    "twice as large: scroll it sideways."
)
OF_ORDER = f"Cabrera: aVL, I, {INVERTED}, II, aVF, III; {INVERTED} is aVR upside down."
OF_SPEED = "One small square is 1 mm. Paper of 50 mm/s is twice as wide: scroll it sideways."
MODEL_READS = "Only the drawing changes: the model always reads the unfiltered ECG."
OF_FILTERS = (
    f"{MODEL_READS} Filters run forwards and backwards, so nothing is delayed; 3 dB are lost at "
    f"the frequency named. With a high-pass, {ST_MAY_SHIFT}. A notch or low-pass at or above half "
    "the sampling rate does not apply, and that is said below the tracing."
)

T = TypeVar("T")


def choose() -> View:
    """Ask how tracings are printed."""
    with st.popover("Tracing", icon=":material/ecg:"):
        layout = _one_of("Leads", LAYOUTS, key="leads", help=OF_LEADS)
        with _row():
            order = _one_of("Order of the limb leads", ORDERS, key="order", help=OF_ORDER)
            strip = _strip(layout)
        with _row():
            speed = _one_of("Speed, mm/s", _numbers(SPEEDS), key="speed", help=OF_SPEED)
            gain = _one_of("Gain, mm/mV", _numbers(GAINS), key="gain", default=f"{View().gain:g}")
        filters = _filters()
    return View(layout, order, strip, speed, gain, filters)


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom")


def _strip(layout: LayoutName) -> str:
    return st.selectbox(
        "Strip, or one lead",
        LEADS,
        index=LEADS.index(View().strip),
        key="strip",
        bind="query-params",
        disabled=layout not in ("3x4+strip", "1x1"),
        width=140,
    )


def _filters() -> Filters:
    st.markdown("**Filters of the drawing**", help=OF_FILTERS)
    with _row():
        filters = Filters(
            _one_of("High-pass, Hz", _or_off(HIGH_PASS_HZ), key="highpass"),
            _one_of("Mains notch, Hz", _or_off(NOTCH_HZ), key="notch"),
            _one_of("Low-pass, Hz", _or_off(LOW_PASS_HZ), key="lowpass"),
        )
    st.caption(MODEL_READS)
    return filters


def _one_of(
    label: str, options: dict[str, T], *, key: str, default: str = "", help: str | None = None
) -> T:
    """Ask for one of the options by its words; by default the first."""
    return options[choices.one_of(label, list(options), key=key, default=default, help=help)]


def _numbers(values: tuple[float, ...]) -> dict[str, float]:
    return {f"{value:g}": value for value in values}


def _or_off(values: tuple[float, ...]) -> dict[str, float | None]:
    return {"off": None, **_numbers(values)}
