"""Batch: a ZIP archive of ECGs, explained one by one, as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.batches import findings_table, table
from pages.batches.archives import Batch, batches
from pages.ecg import asking, picking
from pages.ecg.recordings import recordings
from pages.shell import frame, models, uploads, words
from protoecg.bundle import Bundle
from protoecg.ecg import ECGError
from protoecg.prototypes.sets import PrototypeSet
from protoecg.readers.given import Given, ReadOptions

PARAMETER = "batch"
EVERY_S = 1.0
GONE = (
    "This batch is no longer kept: the app was started anew, it was removed, or many others were "
    "begun since. Upload the archive again."
)
REPLACED = (
    "The model of this batch is no longer there, as it was trained anew or removed: an ECG opens "
    "with the model that is chosen above, which may find something else."
)
PRIVATE = (
    "The archive stays in the server's memory and the table in a temporary folder, until you "
    "remove the batch, other batches need the room, or the app ends."
)


def main() -> None:
    """Lay out the page."""
    frame.guard("Batch")
    row = frame.titled("Explain many ECGs")
    bundle = models.choose(row)
    token = _token()
    batch = batches().get(token) if token else None
    if batch is None:
        if token:
            _forget()
            st.warning(GONE, icon=":material/history:")
        with row:
            models.badge(bundle)
        _welcome(bundle)
        return
    _heading(batch, token)
    if batch.running:
        st.fragment(_under_way, run_every=EVERY_S)(batch)
    else:
        _ended(batch)


def _token() -> str:
    """Return the token in the URL, brought back when the reader returns from another page."""
    if PARAMETER not in st.query_params and (kept := st.session_state.get("begun")):
        st.query_params[PARAMETER] = kept
    return st.query_params.get(PARAMETER, "")


def _forget() -> None:
    st.session_state.pop("begun", None)
    st.query_params.pop(PARAMETER, None)


def _welcome(bundle: Bundle) -> None:
    st.write(
        "Upload a ZIP archive of ECGs in any format that Explain reads, in folders if you like. "
        "Every ECG gets a row: the likely and possible statements, all probabilities, what is "
        "wrong with the recording, and whether the model abstains. A file that cannot be read gets "
        "a row that says why."
    )
    with st.form("batch form", border=False):
        upload = st.file_uploader(
            "ZIP archive",
            type="zip",
            max_upload_size=uploads.BATCH_MB,
            key=f"archive {st.session_state.get('archives', 0)}",
            help=PRIVATE,
        )
        with st.expander("Rate, unit and order of the leads, for files that do not say them"):
            options = asking.options("batch")
        asked = st.form_submit_button(f"Explain all by {words.plain(bundle.name)}", type="primary")
    st.caption(PRIVATE)
    if asked and upload is None:
        st.info("Choose an archive first.", icon=":material/info:")
    elif asked and upload is not None:
        _begin(upload, bundle, options)


def _begin(upload: UploadedFile, bundle: Bundle, options: ReadOptions) -> None:
    try:
        token = batches().begin(upload.getvalue(), bundle, Given.of(**options))
    except ECGError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return
    uploads.discard([upload])
    # Another key empties the uploader.
    st.session_state["archives"] = st.session_state.get("archives", 0) + 1
    st.session_state["begun"] = st.query_params[PARAMETER] = token
    st.rerun()


def _heading(batch: Batch, token: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### Batch, by {words.plain(batch.bundle.name)}", width="stretch")
        models.badge(batch.bundle)
        if st.button("Remove this batch", icon=":material/delete:", help=PRIVATE):
            batches().remove(token)
            _forget()
            st.rerun()


def _under_way(batch: Batch) -> None:
    """Show how far it is; with its end the whole page is drawn anew."""
    if not batch.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        state = "Waiting for its turn" if batch.waiting else f"{batch.done} of {batch.total} ECGs"
        st.progress(batch.done / max(batch.total, 1), state, width="stretch")
        if st.button("Cancel", icon=":material/stop_circle:"):
            batch.stop()
            st.rerun()
    table.show_so_far(batch.table(), batch.bundle.labels)


def _ended(batch: Batch) -> None:
    if batch.problem:
        st.error(words.plain(batch.problem), icon=":material/error:")
    if not batch.complete:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Stopped after {batch.done} of {batch.total or 'its'} ECGs.")
            if st.button("Go on", icon=":material/play_arrow:", type="primary"):
                batch.start()
                st.rerun()
    if not (rows := batch.table()).empty:
        st.markdown(findings_table.summary(rows))
        table.show(batch, table.filtered(rows, batch.bundle.labels))
        _downloads(batch)
        _look_at_one(batch, rows)


def _downloads(batch: Batch) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("CSV", batch.csv, "findings.csv", "text/csv", on_click="ignore")
        st.download_button(
            "Parquet",
            batch.parquet,
            "findings.parquet",
            "application/vnd.apache.parquet",
            on_click="ignore",
        )
        st.caption("With the probability of every statement, and the files' names.")


def _look_at_one(batch: Batch, rows: pd.DataFrame) -> None:
    """Open one ECG of the table on Explain: one that was clicked, or by its number."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.number_input("Look at ECG", 1, len(rows), key="number", width=140)
        asked = st.button("Explain it", icon=":material/arrow_forward:")
    model = models.of_version(batch.bundle.name, batch.bundle.fingerprint)
    if model is None:
        st.caption(f":material/info: {REPLACED}")
    picked = table.picked() if not asked else int(number) - 1
    if picked is not None:
        _open(batch, picked, model)


def _open(batch: Batch, row: int, model: PrototypeSet | None) -> None:
    """Go to Explain, with the model that the table is by."""
    try:
        recording = batch.recording(row, named=table.names_are_shown())
    except ECGError as error:
        st.error(words.plain(words.capitalised(str(error))), icon=":material/error:")
        return
    with_model = {models.PARAMETER: model.path.name} if model else {}
    token = recordings().add(recording)
    st.switch_page(frame.EXPLAIN, query_params={picking.UPLOAD: token, **with_model})


main()
