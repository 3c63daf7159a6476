"""Tracings and charts put on a page: how wide, with words for who cannot see them, as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shell import frame, paper_style
from protoecg.ecg import DURATION_S, ECG
from protoecg.figures.beat_marks import describe_beats
from protoecg.figures.overlay import (
    NO_SHARES,
    comparison_figure,
    describe_comparison,
    describe_window,
    is_overlaid,
    window_figure,
)
from protoecg.figures.paper import Window, describe_ecg, ecg_figure
from protoecg.figures.strips import describe_other_leads, other_leads_figure
from protoecg.figures.theme import file_name, toolbar
from protoecg.measure import Delineation
from protoecg.sheet.colours import THEMES
from protoecg.sheet.view import View
from review_db.store.files import as_csv

PAGE_PX, HALF_PX = 1090, 535
# At this paper speed ten seconds fill the page's width.
FITTING_MM_PER_S = 25.0
LATE = "The end is shown first, as what is marked lies there: scroll left for what comes before."
GOES_ON = "What is marked lies, or goes on, to the right: scroll sideways."


def show(figure: go.Figure, *, key: str, alt: str) -> None:
    """Put a figure on the page with words for those who cannot see it; `key` names its files."""
    st.plotly_chart(figure, key=f"{key} {frame.theme()}", config=toolbar(key), theme=None, alt=alt)


def show_with_numbers(figure: go.Figure, numbers: pd.DataFrame, *, key: str, alt: str) -> None:
    """Put a figure on the page, and below it what it shows as CSV; its index has a name."""
    show(figure, key=key, alt=alt)
    table = numbers.reset_index()
    st.download_button(
        "Numbers as CSV",
        lambda: as_csv(table, list(table)),
        file_name=f"{file_name(key)}.csv",
        mime="text/csv",
        key=f"numbers {key}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )


def show_paper(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    width_px: int = PAGE_PX,
    pages: int = 1,
    late: bool = False,
) -> None:
    """Put a figure on the page, in its proportions at any width.

    Parameters
    ----------
    width_px, pages : it was made for `pages` times `width_px`; what is wider than 1 is scrolled
    late : what is scrolled begins at its right end
    """
    margin = figure.layout.margin
    edges_px, paper = margin.t + margin.b, paper_style.key(key, width_px)
    high = (figure.layout.height - edges_px) / (pages * width_px - margin.l - margin.r)
    st.html(paper_style.proportions(paper, high=high, edges_px=edges_px, pages=pages))
    figure.update_layout(height=None)
    # Plotly draws once before it knows its height; ranges fitted to that would be kept.
    figure.update_xaxes(constrain="domain", constraintoward="left")
    figure.update_yaxes(constrain="domain", constraintoward="top")
    with st.container(key=f"frame-{'late-' if late else ''}{key}"), st.container(key=paper):
        st.plotly_chart(
            figure,
            key=f"{key} {frame.theme()}",
            config=toolbar(key),
            theme=None,
            alt=alt,
            height="stretch",
        )


def show_ecg(
    ecg: ECG,
    windows: Sequence[Window],
    *,
    key: str,
    view: View,
    width_px: int = PAGE_PX,
    measured: Delineation | None = None,
) -> None:
    """Print an ECG on the page, and say below what its filters do and don't.

    Parameters
    ----------
    measured : waves and RR intervals to mark below the lowest row
    """
    pages = pages_wide(view) * (2 if view.layout == "1x1" else 1)
    late = pages > 1 and any(_is_late(window, pages) for window in windows)
    figure = ecg_figure(
        ecg,
        view=view,
        windows=windows,
        theme=frame.theme(),
        width_px=pages * width_px,
        in_sight=(1 - 1 / pages, 1.0) if late else (0.0, 1 / pages),
        measured=measured,
    )
    if width_px < PAGE_PX:
        _with_small_type(figure)
    alt = describe_ecg(ecg, view, windows)
    if measured:
        alt = f"{alt} {describe_beats(measured)}"
    show_paper(figure, key=key, alt=alt, width_px=width_px, pages=pages, late=late)
    if late:
        st.caption(f":material/swap_horiz: {LATE}")
    elif pages > 1 and any(_goes_on(window, pages) for window in windows):
        st.caption(f":material/swap_horiz: {GOES_ON}")
    for note in view.filters.notes(ecg.rate):
        st.caption(f":material/info: {note}")


def show_other_leads(ecg: ECG, *, key: str, view: View) -> None:
    """Print the leads that an ECG has beside the twelve; nothing where it has none."""
    if not ecg.others:
        return
    pages = pages_wide(view)
    figure = other_leads_figure(ecg, view=view, theme=frame.theme(), width_px=pages * PAGE_PX)
    show_paper(figure, key=key, alt=describe_other_leads(ecg, view), pages=pages)


def show_comparison(
    ecg: ECG,
    window_s: tuple[float, float],
    source: ECG,
    source_s: tuple[float, float],
    *,
    view: View,
    labels: tuple[str, str],
    key: str,
    lead_shares: Mapping[str, float] = NO_SHARES,
    telling: Sequence[str] = (),
    shift_s: float = 0.0,
    measured: Sequence[Delineation] = (),
) -> None:
    """Lay two windows over each other, lead by lead, or two strips one above the other.

    Parameters
    ----------
    lead_shares : of the similarity, written where each lead ends
    telling : leads to look at, marked and first, see `protoecg.evidence.leads`
    shift_s : how much later the second is drawn, see `protoecg.evidence.likeness`
    measured : of both, marked below strips
    """
    pages = 1 if is_overlaid(window_s, source_s) else pages_wide(view)
    figure = comparison_figure(
        ecg,
        window_s,
        source,
        source_s,
        view=view,
        theme=frame.theme(),
        labels=labels,
        lead_shares=lead_shares,
        telling=telling,
        shift_s=shift_s,
        measured=measured,
        width_px=pages * PAGE_PX,
    )
    alt = describe_comparison(window_s, source_s, view, lead_shares)
    show_paper(figure, key=key, alt=alt, pages=pages)


def show_window(
    ecg: ECG,
    window_s: tuple[float, float],
    *,
    view: View,
    key: str,
    label: str = "this ECG",
    lead_shares: Mapping[str, float] = NO_SHARES,
    telling: Sequence[str] = (),
) -> None:
    """Show a matched window in all twelve leads; one of a whole strip is on the tracing as it is.

    Parameters
    ----------
    telling : leads to look at, marked and first, see `protoecg.evidence.leads`
    """
    if not is_overlaid(window_s):
        return
    figure = window_figure(
        ecg,
        window_s,
        view=view,
        theme=frame.theme(),
        label=label,
        lead_shares=lead_shares,
        telling=telling,
        width_px=PAGE_PX,
    )
    show_paper(figure, key=key, alt=describe_window(window_s, lead_shares))


def _is_late(window: Window, pages: int) -> bool:
    """Whether a window is in the part that wide paper shows when it is scrolled to its end."""
    middle_s = (window.start_s + window.end_s) / 2
    is_later = middle_s > DURATION_S * (1 - 1 / pages)
    return _is_placed(window) and not window.beside and is_later


def _goes_on(window: Window, pages: int) -> bool:
    return _is_placed(window) and window.end_s > DURATION_S / pages


def _is_placed(window: Window) -> bool:
    return window.shown and not window.whole_strip


def pages_wide(view: View) -> int:
    """Return how many times as wide as its place a paper of ten seconds is."""
    return round(view.speed / FITTING_MM_PER_S)


def _with_small_type(figure: go.Figure) -> None:
    for trace in figure.data:
        if trace.mode == "text":
            trace.textfont.size *= 0.7


def marked(window_s: tuple[float, float], label: str) -> Window:
    """Return a window to be marked in the colour of what the model finds."""
    return Window(*window_s, label, THEMES[frame.theme()].prototype)
