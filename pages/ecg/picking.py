"""Which ECGs are looked at: uploads or examples, named in the URL."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.ecg import asking
from pages.ecg.recordings import recordings
from pages.shell import uploads, words
from protoecg.ecg import ECG, ECGError
from protoecg.isolation import warm_up
from protoecg.readers import Recording
from protoecg.readers.formats import READ
from protoecg.simulate import EXAMPLES, example

UPLOAD, EXAMPLE, START = "ecg", "example", "start"
FORMATS = f"{READ}. Names, birth dates and patient numbers in the file are not kept."


@dataclass(frozen=True)
class Slot:
    """A place for one ECG.

    Parameters
    ----------
    prefix : of its names in the URL and of its widgets
    noun : what its ECG is called before people
    """

    prefix: str
    noun: str

    def key(self, name: str) -> str:
        """Return the slot's own name in the URL, or key of a widget."""
        return self.prefix + name

    @property
    def named(self) -> tuple[str, str] | None:
        """The example or the token of the upload that the URL names, with its kind."""
        if (title := st.query_params.get(self.key(EXAMPLE))) in EXAMPLES:
            return EXAMPLE, title
        token = st.query_params.get(self.key(UPLOAD))
        return (UPLOAD, token) if token else None

    @property
    def is_example(self) -> bool:
        """Whether its ECG is a simulated example."""
        return self.named is not None and self.named[0] == EXAMPLE


NOW = Slot("", "ECG")
EARLIER = Slot("earlier_", "earlier ECG")


def picked(slot: Slot = NOW) -> tuple[str, ECG] | None:
    """Return the ECG that the URL names, with its key; None where one is still to be chosen."""
    _restore()
    if slot.named is None:
        return None
    kind, name = slot.named
    if kind == EXAMPLE:
        return f"example {name}", _example(name)
    if recording := recordings().get(name):
        return _cut(name, recording, slot)
    forget(slot)
    st.warning(_gone(slot), icon=":material/history:")
    return None


def _gone(slot: Slot) -> str:
    return (
        f"The uploaded {slot.noun} is no longer kept: the app was started anew, or many others "
        "were uploaded since. Upload it again."
    )


def _cut(token: str, recording: Recording, slot: Slot) -> tuple[str, ECG] | None:
    """Return the ten seconds to look at, which the reader chooses where there are more."""
    start = _choose_start(recording, slot) if recording.is_long else 0.0
    try:
        return f"{token} {start:g}", recording.ecg(start)
    except ECGError as error:
        whose = "" if slot is NOW else f"Of the {slot.noun}: "
        st.error(f"{whose}{words.plain(str(error))}", icon=":material/error:")
        return None


def _choose_start(recording: Recording, slot: Slot) -> float:
    latest = math.floor(recording.latest_start * 10) / 10
    key = slot.key(START)
    if st.session_state.get(key, 0.0) > latest:
        st.session_state[key] = 0.0
    whose = "" if slot is NOW else f" of the {slot.noun}"
    start = st.slider(
        f"Ten of {recording.duration:.0f} seconds{whose}, from",
        0.0,
        latest,
        0.0,
        0.1 if latest < 30 else 1.0,
        "%g s",
        key=key,
        bind="query-params",
        help="The recording is longer than ten seconds. What you choose is drawn and explained.",
    )
    return float(start)


def picker(slot: Slot = NOW) -> bool:
    """Take an upload or an example, and show it; return whether an upload waits for answers."""
    upload, examples = st.columns(2, gap="medium")
    with upload:
        files = _files(slot)
    if files:
        _open(slot, files)
        return True
    with examples:
        st.selectbox(
            "Or look at an example (simulated ECGs)",
            list(EXAMPLES),
            index=None,
            placeholder="Choose an example",
            key=slot.key("picked example"),
            on_change=_take_example,
            args=(slot,),
        )
    return False


def _take_example(slot: Slot) -> None:
    key = slot.key("picked example")
    title = st.session_state[key]
    # What stays chosen would be taken again in every run.
    st.session_state[key] = None
    if title:
        _take(slot, (EXAMPLE, title))


def uploader(slot: Slot) -> None:
    """Take an upload, and show it."""
    if files := _files(slot):
        _open(slot, files)


def _files(slot: Slot) -> list[UploadedFile]:
    warm_up()
    files = st.file_uploader(
        f"Upload a 12-lead {slot.noun} of at least ten seconds",
        accept_multiple_files=True,
        max_upload_size=uploads.ECG_MB,
        key=slot.key(f"upload {st.session_state.get(slot.key('uploads'), 0)}"),
        help=FORMATS,
    )
    st.caption("WFDB: select .hea and .dat (or .mat) together. All others: one file.")
    return files


def _open(slot: Slot, files: list[UploadedFile]) -> None:
    """Show the ECG of an upload, once what its files lack was given, or why it cannot be read."""
    contents = {file.name: file.getvalue() for file in files}
    ids = " ".join(file.file_id for file in files)
    if recording := asking.recording_of(contents, key=slot.key(f"asked {ids}")):
        uploads.discard(files)
        _keep(slot, recording)
        st.rerun()


def _keep(slot: Slot, recording: Recording) -> None:
    # Another key empties the uploader, which else would read its files again and again.
    count = slot.key("uploads")
    st.session_state[count] = st.session_state.get(count, 0) + 1
    _take(slot, (UPLOAD, recordings().add(recording)))


def _take(slot: Slot, named: tuple[str, str]) -> None:
    forget(slot)
    _name(slot, named)


def _name(slot: Slot, named: tuple[str, str]) -> None:
    kind, name = named
    st.query_params[slot.key(kind)] = name


def forget(slot: Slot) -> None:
    """Empty a slot; another ECG could be another patient's, so its earlier one goes as well."""
    st.session_state.pop(slot.key("picked"), None)
    for name in (UPLOAD, EXAMPLE, START):
        st.query_params.pop(slot.key(name), None)
    # The slider keeps its place by itself, and another recording begins at its own beginning.
    st.session_state.pop(slot.key(START), None)
    if slot is NOW:
        for name in ("finding", "match"):
            st.query_params.pop(name, None)
        forget(EARLIER)


def swap() -> None:
    """Make the earlier ECG the later one; both are in the URL."""
    starts = {slot: st.session_state.get(slot.key(START), 0.0) for slot in (NOW, EARLIER)}
    now, earlier = NOW.named, EARLIER.named
    if now is None or earlier is None:
        return
    for slot in (NOW, EARLIER):
        for name in (UPLOAD, EXAMPLE):
            st.query_params.pop(slot.key(name), None)
    _name(NOW, earlier)
    _name(EARLIER, now)
    for slot, other in ((NOW, EARLIER), (EARLIER, NOW)):
        st.session_state[slot.key(START)] = starts[other]


def _restore() -> None:
    """Bring back the ECGs when the reader comes back from another page, which clears the URL."""
    url_names_them = NOW.named is not None
    for slot in (NOW, EARLIER):
        key = slot.key("picked")
        if url_names_them:
            st.session_state[key] = slot.named
        elif named := st.session_state.get(key):
            _name(slot, named)


@st.cache_resource(max_entries=32, show_spinner=False)
def _example(title: str) -> ECG:
    return example(title)
