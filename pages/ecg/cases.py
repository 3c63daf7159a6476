"""A prototype, or any window of an ECG, drawn as it is judged: its tracing and its beat."""

from __future__ import annotations

import streamlit as st

from pages.ecg import calipers, drawing, intervals, marks
from protoecg.ecg import ECG
from protoecg.evidence.leads import telling_leads
from protoecg.figures.paper import Window
from protoecg.labels import Statement
from protoecg.measure import Delineation
from protoecg.sheet.view import View

CONTEXT = (
    "The model compares whole strips and points at no wave. For context, measured and marked below "
    "{where}: :blue[P], :orange[QRS] and :green[T] of each beat, and the RR intervals in ms."
)


def show(
    ecg: ECG,
    window_s: tuple[float, float],
    statement: Statement | None,
    *,
    view: View,
    key: str,
    label: str = "prototype",
) -> None:
    """Draw a window: marked on its tracing, and below in all leads, those to look at first.

    Of a whole strip the beats are marked instead, by their measurement.

    Parameters
    ----------
    statement : that it stands for; None where that is hidden, and no lead is put first
    key : of the figures, which tells nothing that is hidden
    """
    if drawing.marked(window_s, label).whole_strip:
        calipers.draw_ecg(ecg, [], key=key, view=view, measured=_delineated(ecg))
        st.caption(CONTEXT.format(where="the lowest row"))
        return
    windows = marked(ecg, window_s, statement, view=view, label=label)
    calipers.draw_ecg(ecg, windows, key=key, view=view)
    marks.show_legends(windows)
    telling = _telling(statement)
    drawing.show_window(ecg, window_s, view=view, key=f"{key} beat", label=label, telling=telling)


def marked(
    ecg: ECG,
    window_s: tuple[float, float],
    statement: Statement | None,
    *,
    view: View,
    label: str = "prototype",
) -> list[Window]:
    """Return what `show` marks on the tracing; nothing of a whole strip."""
    found = _delineated(ecg)
    return marks.windows(ecg, found, window_s, label, leads=_telling(statement), view=view)


def _telling(statement: Statement | None) -> tuple[str, ...]:
    return telling_leads(statement) if statement else ()


def _delineated(ecg: ECG) -> Delineation:
    return intervals.delineated(f"case {hash(ecg.signal.tobytes())}", ecg)
