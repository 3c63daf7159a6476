"""The header line of an ECG, as an ECG cart prints it: rate, intervals, axis, recording."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ecg import intervals
from pages.shell import words
from protoecg.ecg import ECG
from protoecg.measure import QTC_FORMULA, Delineation, measurements
from protoecg.quality import quality
from protoecg.summary import HeaderValue, header, header_note
from protoecg.taken import UNKNOWN, Taken

ASKED = "measurements"
HOW = (
    "Rate, intervals and axis above the tracing, computed from the samples, with what is out of "
    "ordinary limits in adults. The model has no part in them."
)


def toggle() -> bool:
    """Ask whether tracings that are judged are measured."""
    return st.toggle("Measurements", key=ASKED, bind="query-params", help=HOW)


def show_if_asked(ecg: ECG) -> None:
    """Print the header line of an ECG that is judged if `toggle` is on."""
    if st.session_state.get(ASKED):
        found = intervals.delineated(f"judged {hash(ecg.signal.tobytes())}", ecg)
        show(found, quality(ecg).sentences)


def show(found: Delineation, faults: Sequence[str] = (), taken: Taken = UNKNOWN) -> None:
    """Print the header line.

    Parameters
    ----------
    faults : what is wrong with the recording, one sentence each
    taken : when, and of whom, where a reader wants to see it
    """
    values = header(measurements(found))
    recording = ":orange[**Recording** poor]" if faults else "**Recording** no fault found"
    computed = f":gray[computed; QTc {QTC_FORMULA}]"
    whose = [f"**{taken.words}**"] if taken else []
    st.markdown(" · ".join([*whose, *map(_text, values), recording, computed]), help=_help(values))


def _text(value: HeaderValue) -> str:
    if not value.flag:
        return f"**{value.name}** {value.value}"
    colour = "red-background" if value.critical else "red"
    return f":{colour}[**{value.name} {value.value}** {value.flag}]"


def _help(values: Sequence[HeaderValue]) -> str:
    limits = "; ".join(f"{value.name} {value.limits}" for value in values)
    unsure = [f"{v.name} is unsure: {words.plain(v.unsure)}." for v in values if v.unsure]
    return " ".join([header_note(), f"Ordinary in adults: {limits}.", *unsure])
