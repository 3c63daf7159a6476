"""Turns for what only a few may do at once: whoever came first goes first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """As many turns at once as `most`; a waiting one is never overtaken."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, max_wait_s: float) -> Iterator[None]:
        """Hold a turn.

        Raises
        ------
        TimeoutError
            If none came in `max_wait_s` seconds.
        """
        self._await(max_wait_s)
        try:
            yield
        finally:
            self._pass_on()

    def _await(self, max_wait_s: float) -> None:
        mine = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            self._waiting.append(mine)
        if mine.wait(max_wait_s):
            return
        with self._lock:
            # It may have come in this moment.
            if mine.is_set():
                return
            self._waiting.remove(mine)
        raise TimeoutError

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
