"""What is marked on a tracing: the window that was compared, and beats like it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ecg import drawing
from protoecg.ecg import ECG
from protoecg.evidence.like_beats import like_beats
from protoecg.figures.paper import Window
from protoecg.measure import Delineation
from protoecg.sheet.view import View

LIKE = (
    "Dashed: beats of the same kind as the one compared, where leads to look at are printed, with "
    "their correlation to it. Nothing was decided by them."
)


def windows(
    ecg: ECG,
    found: Delineation,
    window_s: tuple[float, float],
    label: str,
    *,
    leads: Sequence[str],
    view: View,
) -> list[Window]:
    """Return a window, and beats like it where leads to look at are printed at other moments.

    Nothing is marked where the window is the whole strip.

    Parameters
    ----------
    found : where the beats of the ECG lie
    """
    own = drawing.marked(window_s, label)
    if own.whole_strip:
        return []
    others = like_beats(ecg, found, window_s, leads, view)
    return [
        own,
        *(
            Window(*other.window_s, f"alike ({other.correlation:.2f})", own.color, like=True)
            for other in others
        ),
    ]


def tell(marked: Sequence[Window]) -> None:
    """Say what a dashed mark is, where there is one."""
    if any(window.like for window in marked):
        st.caption(LIKE)
