"""What is marked on a tracing: the window that was compared, beats like it, and early beats."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ecg import drawing
from pages.shell import frame
from protoecg import wording
from protoecg.ecg import ECG
from protoecg.evidence.early_beats import early_beats
from protoecg.evidence.like_beats import like_beats
from protoecg.explanation import Finding
from protoecg.figures.paper import Window
from protoecg.measure import Delineation
from protoecg.sheet.colours import THEMES
from protoecg.sheet.view import View

ALIKE, EARLY = "alike", "early"
LEGENDS = {
    ALIKE: (
        "Dashed, alike: beats of this ECG of the same kind as the one compared, where leads "
        "to look at are printed; r is their correlation to it. Nothing was decided by them."
    ),
    EARLY: "Dashed, early: beats that come early, as measured, which counts in the sum below.",
}


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
            Window(
                *other.window_s,
                f"{ALIKE}, r {wording.true_minus(f'{other.correlation:.2f}')}",
                own.color,
                beside=True,
            )
            for other in others
        ),
    ]


def early(finding: Finding, found: Delineation) -> list[Window]:
    """Return the early beats that speak for a finding."""
    colour = THEMES[frame.theme()].accents[1]
    return [Window(*span, EARLY, colour, beside=True) for span in early_beats(finding, found)]


def show_legends(marked: Sequence[Window]) -> None:
    """Say what dashed marks are, where there are any."""
    labels = [window.label for window in marked if window.beside]
    legends = [
        text for what, text in LEGENDS.items() if any(label.startswith(what) for label in labels)
    ]
    if legends:
        st.caption(" ".join(legends))
