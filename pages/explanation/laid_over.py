"""Both ECGs of a comparison: their tracings and their median beats, over each other or apart."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ecg import arrangement, drawing, tracing
from pages.explanation.explained import ExplainedECG
from pages.shell import frame, words
from protoecg import wording
from protoecg.evidence.change import FindingChange
from protoecg.explanation import Match
from protoecg.figures.laid_over import (
    NOW,
    THEN,
    beats_figure,
    describe_beats,
    onset_difference_s,
    tracings_figure,
)
from protoecg.figures.paper import Window, describe_ecg
from protoecg.measure import Delineation
from protoecg.sheet.colours import THEMES
from protoecg.sheet.view import View

OVER = "laid over each other"


def tracings(
    then: ExplainedECG, now: ExplainedECG, found: Sequence[Delineation], change: FindingChange
) -> None:
    """Draw both tracings, by default one over the other.

    Parameters
    ----------
    found : of the earlier ECG and of this one
    change : of the statement whose most changed match is marked where they stand apart
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        arranged, view = arrangement.choose(OVER), tracing.choose()
    if arranged == OVER:
        _laid_over(then, now, found, view)
    else:
        _each(then, now, change, arranged, view)


def _laid_over(
    then: ExplainedECG, now: ExplainedECG, found: Sequence[Delineation], view: View
) -> None:
    later_s = onset_difference_s(*found)
    pages = drawing.pages_wide(view)
    figure = tracings_figure(
        then.ecg,
        now.ecg,
        later_s,
        view=view,
        theme=frame.theme(),
        width_px=pages * drawing.PAGE_PX,
    )
    alt = f"{describe_ecg(now.ecg, view, [])} Under it the earlier ECG in another colour."
    drawing.show_paper(figure, key="both", alt=alt, pages=pages)
    sources = [words.plain(each.ecg.source or "ECG") for each in (now, then)]
    st.caption(
        f"On top this ECG ({sources[0]}), under it in blue the earlier one ({sources[1]}), moved "
        f"by {wording.signed(later_s)} s so that their first beats begin together."
    )


def beats(found: Sequence[Delineation], labels: tuple[str, str] = (THEN, NOW)) -> None:
    """Lay both median beats over each other, the second on top.

    Parameters
    ----------
    found : of two ECGs
    labels : what these are called
    """
    if any(each.median is None for each in found):
        st.caption("No median beats can be laid over each other: one of the ECGs has none.")
        return
    st.markdown("**Median beats**")
    then, now = found
    figure = beats_figure(then, now, labels=labels, theme=frame.theme(), width_px=drawing.PAGE_PX)
    drawing.show_paper(figure, key="both beats", alt=describe_beats(then, now, labels))


def _each(
    then: ExplainedECG, now: ExplainedECG, change: FindingChange, arranged: str, view: View
) -> None:
    match = change.most
    left, right, width_px = arrangement.containers(arranged)
    sides = (
        (left, "Earlier ECG", then, "earlier", _window(match.then if match else None)),
        (right, "This ECG", now, "query", _window(match.now if match else None)),
    )
    for column, name, each, key, windows in sides:
        with column:
            st.markdown(f"**{name}** · {words.plain(each.ecg.source or 'ECG')}")
            drawing.show_ecg(each.ecg, windows, key=key, view=view, width_px=width_px)
    if match and _window(match.now):
        st.caption(
            f"Marked: where each is most like {words.plain(match.prototype.name)}, the case that "
            f"changed most for {change.now.statement.named}."
        )


def _window(match: Match | None) -> list[Window]:
    """Return where an ECG is most like the prototype; nothing to mark where it is all of it."""
    if match is None:
        return []
    colour = THEMES[frame.theme()].prototype
    window = Window(*match.window_s, match.prototype.name, colour)
    return [] if window.whole_strip else [window]
