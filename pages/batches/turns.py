"""Who goes next where only one can: whoever has waited longest."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Event

LOOK_EVERY_S = 0.1


class Turns:
    """One turn at a time, first come, first served, which a lock does not promise."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._queue: deque[object] = deque()

    @contextmanager
    def take(self, stop: Event) -> Iterator[bool]:
        """Wait for one's turn, and have it while the context lasts; False if stopped before."""
        own = object()
        try:
            yield self._wait(own, stop)
        finally:
            with self._changed:
                self._queue.remove(own)
                self._changed.notify_all()

    def _wait(self, own: object, stop: Event) -> bool:
        with self._changed:
            self._queue.append(own)
            while not self._changed.wait_for(lambda: self._queue[0] is own, LOOK_EVERY_S):
                if stop.is_set():
                    return False
            return not stop.is_set()
