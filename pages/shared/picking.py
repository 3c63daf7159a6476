"""Which ECG is looked at: an upload or an example, named in the URL."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from pages.shared.recordings import recordings
from protoecg.ecg import ECG, ECGError
from protoecg.readers import Recording, read_recording
from protoecg.simulate import EXAMPLES, example

UPLOAD, EXAMPLE = "ecg", "example"
FORMATS = (
    "DICOM, EDF, SCP-ECG, XML (HL7 aECG, GE MUSE, Philips), WFDB, CSV, NPY, NPZ, or a ZIP with one "
    "of these. Names, birth dates and patient numbers in the file are not kept."
)
GONE = (
    "The uploaded ECG is no longer kept: the app was started anew, or many others were uploaded "
    "since. Upload it again."
)


def picked() -> tuple[str, ECG] | None:
    """Return the ECG that the URL names, with its key; None where one is still to be chosen."""
    _restore()
    if (title := st.query_params.get(EXAMPLE)) in EXAMPLES:
        return f"example {title}", _example(title)
    if token := st.query_params.get(UPLOAD):
        if recording := recordings().get(token):
            return _cut(token, recording)
        _forget()
        st.warning(GONE, icon=":material/history:")
    return None


def _cut(token: str, recording: Recording) -> tuple[str, ECG] | None:
    """Return the ten seconds to look at, which the reader chooses where there are more."""
    start = _choose_start(recording) if recording.is_long else 0.0
    try:
        return f"{token} {start:g}", recording.ecg(start)
    except ECGError as error:
        st.error(str(error), icon=":material/error:")
        return None


def _choose_start(recording: Recording) -> float:
    latest = math.floor(recording.latest_start * 10) / 10
    if st.session_state.get("start", 0.0) > latest:
        st.session_state["start"] = 0.0
    start = st.slider(
        f"Ten of {recording.duration:.0f} seconds, from",
        0.0,
        latest,
        0.0,
        0.1 if latest < 30 else 1.0,
        "%g s",
        key="start",
        bind="query-params",
        help="The recording is longer than ten seconds. What you choose is drawn and explained.",
    )
    return float(start)


def picker() -> None:
    """Take an upload or an example, and show it."""
    upload, examples = st.columns(2, gap="large")
    with upload:
        _uploader()
    with examples:
        title = st.selectbox(
            "Or look at an example (simulated ECGs)",
            list(EXAMPLES),
            index=None,
            placeholder="Choose an example",
            key="picked example",
        )
        if title:
            _go(EXAMPLE, title)


def _uploader() -> None:
    files = st.file_uploader(
        "Upload a 12-lead ECG of at least ten seconds",
        accept_multiple_files=True,
        key=f"upload {st.session_state.get('uploads', 0)}",
        help=FORMATS,
    )
    st.caption("WFDB: select .hea and .dat (or .mat) together. All others: one file.")
    rate = st.number_input(
        "Sampling rate in Hz, if the file does not say it",
        min_value=50.0,
        max_value=10_000.0,
        value=None,
        step=50.0,
        format="%g",
        key="rate",
    )
    if files:
        _read({file.name: file.getvalue() for file in files}, rate)


def _read(files: Mapping[str, bytes], rate: float | None) -> None:
    try:
        recording = read_recording(files, rate=rate)
        if not recording.is_long:
            recording.ecg()
    except ECGError as error:
        st.error(str(error), icon=":material/error:")
        return
    # Another key empties the uploader, which else would read its files again and again.
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    _go(UPLOAD, recordings().add(recording))


def _go(kind: str, name: str) -> None:
    _forget()
    st.query_params[kind] = name
    st.session_state["picked"] = (kind, name)
    st.rerun()


def _forget() -> None:
    st.session_state.pop("picked", None)
    for name in (UPLOAD, EXAMPLE, "start", "finding", "match"):
        st.query_params.pop(name, None)


def _restore() -> None:
    """Bring back the ECG when the reader comes back from another page, which clears the URL."""
    if UPLOAD in st.query_params or EXAMPLE in st.query_params:
        return
    if picked := st.session_state.get("picked"):
        st.query_params[picked[0]] = picked[1]


@st.cache_resource(max_entries=32, show_spinner=False)
def _example(title: str) -> ECG:
    return example(title)
