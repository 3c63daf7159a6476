"""How many bytes of uploads the server holds, which any visitor could let grow otherwise.

Streamlit bounds one file, and keeps whatever is sent to an open session until a page takes it or
the session ends. Here what a session holds is bounded, and what all hold together.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import Scope
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

# Two of the largest archives: one may be on its way while the one before has not been taken.
MAX_OF_A_SESSION = 420_000_000
MAX_OF_ALL = 1_000_000_000
_PATH = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/[^/]+\Z")

Held = Callable[[], Mapping[str, int]]


def held_by_sessions() -> Mapping[str, int]:
    """Return how many bytes of uploads each session of the running server holds."""
    kept = Runtime.instance().uploaded_file_mgr
    if not isinstance(kept, MemoryUploadedFileManager):
        raise TypeError(f"Uploads are kept by {type(kept).__name__}, whose sizes are not known.")
    # A copy of each in one step, as sessions come and go meanwhile.
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(kept.file_storage.items())
    }


class HeldUploads:
    """What is held, and what is on its way.

    Parameters
    ----------
    held : returns how many bytes each session holds
    """

    def __init__(self, held: Held = held_by_sessions) -> None:
        self._held = held
        self._coming: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def room_for(self, scope: Scope) -> Iterator[str]:
        """Hold room for what a request uploads, and yield why there is none, or nothing."""
        session, size = _upload(scope)
        if not session:
            yield ""
            return
        with self._lock:
            problem = self._objection(session, size)
            if not problem:
                self._coming[session] += size
        try:
            yield problem
        finally:
            if not problem:
                with self._lock:
                    self._coming[session] -= size
                    self._coming += Counter()

    def _objection(self, session: str, size: int) -> str:
        held = Counter(self._held()) + self._coming
        if held[session] + size > MAX_OF_A_SESSION:
            return "This tab has sent too many files. Reload the page, and send one again.\n"
        if held.total() + size > MAX_OF_ALL:
            return "The server holds all the files that it has room for. Try again in a minute.\n"
        return ""


def _upload(scope: Scope) -> tuple[str, int]:
    """Return the session that a request uploads to, and how many bytes; no session if none."""
    found = _PATH.search(scope["path"])
    if found is None or scope.get("method") != "PUT":
        return "", 0
    length = Headers(scope=scope).get("content-length", "")
    # One that does not say how much it sends may send as much as a session may hold.
    known = length.isascii() and length.isdecimal() and len(length) < 16
    return found["session"], int(length) if known else MAX_OF_A_SESSION
