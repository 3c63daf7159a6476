"""Heart rate, axis and intervals of an ECG, with the median beat that they were measured on."""

from __future__ import annotations

import streamlit as st

from pages.ecg import drawing
from pages.shell import choices, frame
from protoecg import wording
from protoecg.ecg import ECG
from protoecg.figures.median_beat import describe_median_beat, each_figure, together_figure
from protoecg.measure import (
    INTERVALS,
    QTC_FORMULA,
    WORDS,
    Delineation,
    Measurements,
    delineate,
    measurements,
)

TOGETHER, EACH = "all leads together", "lead by lead"
HOW = (
    "All of this is computed from the samples; nothing is taken over from what the file or its "
    "device says."
)
RULES = (
    "QRS: from where all leads together begin to move to where they come to rest. P onset and "
    "P end: the median of what two methods mark in each lead; T end: the 60th percentile, as a "
    "lead at right angles to the last of the T wave shows its end too early. The dots are these "
    "marks, ● by wavelets, ◆ by prominence. One small square is {ms:g} ms."
)
NO_BEAT = "No median beat can be shown: {reason}."
RESTS_ON = {
    "heart_rate_bpm": "mean time between beats",
    "axis_deg": "QRS areas in I and aVF",
    **{name: f"{start} to {end}" for name, (start, end) in INTERVALS.items()},
}


def show(key: str, ecg: ECG) -> None:
    """Show what is measured, and the marks that it rests on."""
    found = delineated(key, ecg)
    st.markdown("#### Measurements, computed", help=HOW)
    with st.container(key="measured-beat"):
        table, beat = st.columns([2, 3])
    with table:
        st.markdown(_table(measurements(found)))
    if found.median is None:
        reason = next(iter(found.unsure.values()))
        beat.info(NO_BEAT.format(reason=reason), icon=":material/info:")
        return
    with table:
        arranged = choices.one_of("The median beat", [TOGETHER, EACH], key="beat")
    if arranged == TOGETHER:
        with beat:
            _draw_together(found)
            st.caption(RULES.format(ms=10))
    else:
        beat.caption(RULES.format(ms=20))
        _draw_each(found)


@st.cache_resource(max_entries=32, show_spinner="Measuring")
def delineated(key: str, _ecg: ECG) -> Delineation:
    """Return where the waves of an ECG lie; `key` tells it from others."""
    return delineate(_ecg)


def _draw_together(found: Delineation) -> None:
    width_px = drawing.HALF_PX
    figure = together_figure(found, theme=frame.theme(), width_px=width_px)
    alt = describe_median_beat(found)
    drawing.show_paper(figure, key="together", alt=alt, width_px=width_px)


def _draw_each(found: Delineation) -> None:
    figure = each_figure(found, theme=frame.theme(), width_px=drawing.PAGE_PX)
    drawing.show_paper(figure, key="each", alt=describe_median_beat(found))


def _table(measured: Measurements) -> str:
    """Return a line for each value in Markdown, with the reason where there is none."""
    lines = ["| | computed | rests on |", "|---|---|---|"]
    for name, (words, unit) in WORDS.items():
        value = getattr(measured, name)
        if value is None:
            lines.append(f"| {words} | unsure | {measured.unsure[name]} |")
        else:
            printed = wording.true_minus(f"{value:.0f}") + (
                "°" if unit == "degrees" else f" {unit}"
            )
            lines.append(f"| {words} | **{printed}** | {RESTS_ON[name]} |")
    if measured.qtc_ms is not None:
        others = [f"{by} {ms:.0f}" for by, ms in measured.qtc.items() if by != QTC_FORMULA]
        lines.append(f"| QTc | **{measured.qtc_ms:.0f} ms** | {QTC_FORMULA}; {', '.join(others)} |")
    return "\n".join(lines)
