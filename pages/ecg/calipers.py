"""Calipers on a tracing: drawn with the mouse or given in numbers, kept with their ECG."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ecg import drawing
from protoecg import wording
from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.figures.paper import Window
from protoecg.sheet.calipers import Caliper, caliper_from_box, caliper_over
from protoecg.sheet.pieces import Piece, print_pieces
from protoecg.sheet.view import View

HOW = (
    "Drag a box over the tracing: its width is read in ms and as a rate, its height in mV. To "
    "place it finely, print one lead or 50 mm/s, or open full screen; zoom is in the figure's "
    "toolbar."
)
OF_EXTREMES = "Left empty: the lead's lowest and highest drawn value in between."
# Of each number: its value at first, least, most, step and decimals.
ENDS: dict[str, tuple[float | None, float, float, float, str]] = {
    "From, s": (0.0, 0.0, DURATION_S, 0.01, "%.3f"),
    "To, s": (1.0, 0.0, DURATION_S, 0.01, "%.3f"),
    "From, mV": (None, -50.0, 50.0, 0.05, "%.2f"),
    "To, mV": (None, -50.0, 50.0, 0.05, "%.2f"),
}


def toggle() -> bool:
    """Ask whether the tracing is measured."""
    return st.toggle("Calipers", key="measuring", bind="query-params", help=HOW)


@st.fragment
def show_ecg(
    key: str,
    ecg: ECG,
    windows: Sequence[Window],
    *,
    name: str,
    view: View,
    width_px: int = drawing.PAGE_PX,
) -> None:
    """Print an ECG that can be measured, its measures and their numbers below.

    Parameters
    ----------
    key : tells the ECG from others
    name : of the figure
    """
    pieces = print_pieces(ecg, view)

    def measure(seconds: tuple[float, float], heights: tuple[float, float]) -> None:
        _add(key, caliper_from_box(pieces, seconds, heights))

    drawing.show_ecg(
        ecg,
        windows,
        key=name,
        view=view,
        width_px=width_px,
        calipers=_of(key),
        on_box=measure,
    )
    # What comes first stays open when readings come and go.
    _by_numbers(key, ecg, view)
    _readings(key, pieces)


def _of(key: str) -> tuple[Caliper, ...]:
    return st.session_state.get("calipers", {}).get(key, ())


def _keep(key: str, calipers: tuple[Caliper, ...]) -> None:
    # Those of another ECG are let go with it.
    st.session_state["calipers"] = {key: calipers}


def _add(key: str, caliper: Caliper | None) -> None:
    if caliper:
        _keep(key, (*_of(key), caliper))


def _readings(key: str, pieces: list[Piece]) -> None:
    calipers = _of(key)
    if not calipers:
        st.caption(f":material/straighten: {HOW}")
        return
    st.markdown("\n".join(f"1. {_in_words(caliper, pieces)}" for caliper in calipers))
    with st.container(horizontal=True):
        st.button("Remove the last", on_click=_keep, args=(key, calipers[:-1]))
        st.button("Clear calipers", on_click=_keep, args=(key, ()))


def _in_words(caliper: Caliper, pieces: list[Piece]) -> str:
    unseen = "" if any(map(caliper.is_printed_on, pieces)) else " (not printed here)"
    return wording.true_minus(
        f"**{caliper.said}** · {caliper.lead}, "
        f"{wording.between((caliper.start_s, caliper.end_s), '.3f')} s, "
        f"{wording.between((caliper.low_mv, caliper.high_mv))} mV{unseen}"
    )


def _by_numbers(key: str, ecg: ECG, view: View) -> None:
    def measure() -> None:
        lead, *ends = (st.session_state[f"caliper {name}"] for name in ("lead", *ENDS))
        seconds, heights = ends[:2], ends[2:]
        _add(key, caliper_over(ecg, lead, seconds, heights, filters=view.filters))

    with st.expander("Measure by numbers"), st.form("caliper", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox("Lead", LEADS, index=LEADS.index("II"), key="caliper lead", width=90)
            for name, (value, least, most, step, decimals) in ENDS.items():
                st.number_input(
                    name, least, most, value, step, decimals, key=f"caliper {name}", width=120
                )
            st.form_submit_button("Measure", on_click=measure)
        st.caption(OF_EXTREMES)
