"""Uploads: how large each may be, and out of the server's memory as soon as they are read."""

from __future__ import annotations

from collections.abc import Iterable

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from protoecg.readers import MAX_BYTES

# The server itself takes none larger than `maxUploadSize` in `.streamlit/config.toml`.
ECG_MB = MAX_BYTES // 1_000_000
BATCH_MB = 200
STUDY_MB = 20


def discard(files: Iterable[UploadedFile]) -> None:
    """Forget uploads, which else would be kept as long as their browser's tab is open."""
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for file in files:
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
