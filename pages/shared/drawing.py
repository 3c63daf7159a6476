"""Figures on a page."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from pages.shared import frame, words
from protoecg.ecg import ECG
from protoecg.explanation import Prototype
from protoecg.figures.paper import Window, describe_ecg, ecg_figure
from protoecg.figures.theme import CONFIG, THEMES

PAGE_PX, HALF_PX = 1080, 540


def show(figure: go.Figure, *, key: str, alt: str) -> None:
    """Put a figure on the page with words for those who cannot see it."""
    st.plotly_chart(figure, key=f"{key} {frame.theme()}", config=CONFIG, theme=None, alt=alt)


def show_ecg(
    ecg: ECG, windows: list[Window], *, key: str, title: str = "", width_px: int = PAGE_PX
) -> None:
    """Print an ECG on the page."""
    figure = ecg_figure(ecg, windows=windows, title=title, theme=frame.theme(), width_px=width_px)
    show(figure, key=key, alt=describe_ecg(ecg, windows))


def prototype_window(prototype: Prototype) -> Window:
    """Return a prototype's own window, to be marked on its source ECG."""
    return Window(*prototype.window_s, prototype.name, THEMES[frame.theme()].prototype)


def provenance(prototype: Prototype) -> str:
    """Say where a prototype comes from."""
    return (
        f"Record `{prototype.record}` · {words.seconds(prototype.window_s)} · "
        f"{words.patient(prototype)}"
    )
