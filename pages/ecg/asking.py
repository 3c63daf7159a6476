"""What a file does not say, asked of who uploads it, beside the picture that each answer gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import streamlit as st

from pages.ecg import drawing, header, intervals
from pages.shell import words
from protoecg.ecg import RATE_HZ, ECGError
from protoecg.isolation import read_recording
from protoecg.readers import Recording
from protoecg.readers.given import NOTHING, Given, IncompleteFileError, ReadOptions
from protoecg.readers.guesses import COUNT, ORDERS, VOLTS
from protoecg.sheet.view import View

# One count of common electrocardiographs, beside whole units.
UNITS = (*VOLTS, COUNT, "4.88 uV", "2.5 uV", "1.25 uV")
_SPELT = {"mV": "millivolts, mV", "uV": "microvolts, uV", "V": "volts, V", "nV": "nanovolts, nV"}
ASKED = "**The file does not say all that is needed.** Correct the guesses by the picture below."
OF_UNIT = "Where the file holds counts, type what one of them is, such as 2.44 uV."
OF_EXAM = "By its exam_id, or by its number from 1 where the file has none."
ANOTHER = "another order"
OF_LEADS = (
    "Of each channel, with commas between, - for one that is no lead; I, II and V1 to V6 are "
    "needed at least."
)


def recording_of(files: Mapping[str, bytes], *, key: str) -> Recording | None:
    """Return the recording that files hold, once what they lack was given; show why there is none.

    Parameters
    ----------
    key : of the widgets, another one for each upload
    """
    try:
        recording, asks = _read(files, NOTHING)
        if recording and not asks:
            if not recording.is_long:
                recording.ecg()
            return recording
        with st.container(border=True):
            return _asked(files, asks, key)
    except ECGError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return None


def _read(files: Mapping[str, bytes], given: Given) -> tuple[Recording | None, Given]:
    """Return the recording, if there is one by what was given, and what is to be asked."""
    try:
        recording = read_recording(files, **given.options)
    except IncompleteFileError as error:
        return None, error.asks
    return recording, recording.asks


def _asked(files: Mapping[str, bytes], asks: Given, key: str) -> Recording | None:
    """Ask until nothing more is lacking: what one answer is may bring up the next question."""
    st.markdown(ASKED)
    given, asked, recording = NOTHING, set[str](), None
    while lacking := _lacking(asks) - asked:
        given = _answered(lacking, asks, given, key)
        asked |= lacking
        recording, asks = _read(files, given)
    if recording is None:
        st.caption("Give what is empty above.")
        return None
    shown, ecg = f"{key} {given}", recording.ecg()
    header.show(intervals.delineated(shown, ecg))
    drawing.show_ecg(ecg, [], key=shown, view=View(close=True))
    return recording if st.button("Explain with these", type="primary", key=f"{key} so") else None


def _lacking(asks: Given) -> set[str]:
    return {name for name, guess in asdict(asks).items() if guess}


def _answered(lacking: set[str], asks: Given, given: Given, key: str) -> Given:
    """Ask for what is lacking, beginning with the guess, and add the answers to what is given."""
    if "exam" in lacking:
        exam = st.text_input("Which ECG of the file", asks.exam, key=f"{key} exam", help=OF_EXAM)
        given = replace(given, exam=exam.strip())
    if "rate" in lacking:
        given = replace(given, rate=_rate(asks.rate, key=key))
    if "unit" in lacking:
        given = replace(given, unit=_unit(asks.unit, key=key) or "")
    if "leads" in lacking:
        given = replace(given, leads=Given.of(leads=_leads(asks.leads, key=key)).leads)
    return given


def options(key: str) -> ReadOptions:
    """Ask, on one row, for what files of a batch do not say; each may stay empty."""
    with st.container(horizontal=True):
        rate = _rate(None, key=key, width=220)
        unit = _unit(None, key=key, width=220)
        leads = st.text_input(
            "Order of the leads",
            placeholder="I,II,III,aVR,aVL,aVF,V1,V2,…",
            key=f"{key} leads",
            help=OF_LEADS,
        )
    return ReadOptions(rate=rate, unit=unit, leads=leads)


def _rate(guess: float | None, *, key: str, width: int | None = None) -> float | None:
    return st.number_input(
        "Sampling rate in Hz",
        *RATE_HZ,
        value=guess,
        step=50.0,
        format="%g",
        key=f"{key} rate",
        width=width or "stretch",
    )


def _unit(guess: str | None, *, key: str, width: int | None = None) -> str | None:
    return st.selectbox(
        "Unit of the samples",
        UNITS,
        index=None if guess is None else UNITS.index(guess),
        format_func=lambda unit: _SPELT.get(unit, f"{unit} a count" if unit in UNITS else unit),
        accept_new_options=True,
        placeholder="As the files say",
        key=f"{key} unit",
        width=width or "stretch",
        help=OF_UNIT,
    )


def _leads(guess: Sequence[str], *, key: str) -> str:
    orders = (guess, *(order for order in ORDERS if len(order) == len(guess)))
    spelt = list(dict.fromkeys(map(", ".join, orders)))
    chosen = st.selectbox("Order of the leads", [*spelt, ANOTHER], key=f"{key} leads")
    if chosen != ANOTHER:
        return chosen
    # Not typed into the list itself, which takes away what a typed order begins with.
    return st.text_input(
        "Leads in the order of the file", spelt[0], key=f"{key} own", help=OF_LEADS
    )
