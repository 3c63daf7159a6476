"""Uploaded recordings, kept on the server so that a reload of the browser loses nothing."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

import streamlit as st

from protoecg.readers import Recording

KEPT = 64
KEPT_BYTES = 500_000_000


class Recordings:
    """The recordings uploaded last, each under a token that cannot be guessed."""

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept, self._kept_bytes = kept, kept_bytes
        self._by_token: OrderedDict[str, Recording] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, recording: Recording) -> str:
        """Keep a recording and return its token; those unused for longest make room."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._by_token[token] = recording
            while len(self._by_token) > 1 and self._is_too_full():
                self._by_token.popitem(last=False)
        return token

    def _is_too_full(self) -> bool:
        size = sum(recording.nbytes for recording in self._by_token.values())
        return len(self._by_token) > self._kept or size > self._kept_bytes

    def get(self, token: str) -> Recording | None:
        """Return the recording of a token, or None if it is not kept any more."""
        with self._lock:
            if token in self._by_token:
                self._by_token.move_to_end(token)
            return self._by_token.get(token)


@st.cache_resource
def recordings() -> Recordings:
    """Return the store that all sessions share; a token opens one recording only."""
    return Recordings()
