"""Which pages are being made at this moment, so that background work can let them go first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

_LOOK_EVERY_S = 0.02


class Runs:
    """The runs of pages that have begun and not ended, over all sessions."""

    def __init__(self) -> None:
        self._under_way = 0
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a run while it lasts, however it ends."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def let_pass(self, max_wait_s: float, stop: threading.Event) -> None:
        """Wait until no page is being made, `stop` is set, or `max_wait_s` seconds are over."""
        give_up = time.monotonic() + max_wait_s
        while self._under_way and time.monotonic() < give_up:
            if stop.wait(_LOOK_EVERY_S):
                return


@st.cache_resource
def runs() -> Runs:
    """Return the runs that all sessions share."""
    return Runs()
