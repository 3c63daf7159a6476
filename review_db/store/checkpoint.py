"""What was committed goes from SQLite's write-ahead log into the file, which is whole by itself.

SQLite does this by itself only after a thousand pages or when the last connection is closed, so
that a copy of the file alone, or a server that was ended by a signal, would lack ratings. Here a
checkpoint follows each commit after a second, and the end of the process; where somebody reads
an earlier state, as soon as they have finished. A save doesn't wait for it: that is three more
waits for the disk, which all commits of that second share.
"""

from __future__ import annotations

import atexit
import logging
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

# While it waits for readers, a checkpoint keeps writers waiting.
_WAIT_MS = 20
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 5.0
_LAST_TRIES_S = 3.0

_log = logging.getLogger(__name__)


def checkpoint(file: Path) -> bool:
    """Move all that was committed from the log into the file, and empty the log.

    Returns False where it is to be tried again, as somebody writes or reads an earlier state.
    """
    try:
        return _checkpoint(file)
    except sqlite3.Error as error:
        # What was committed is on the disk, in the log: it was saved all the same, and the next
        # commit tries again.
        if file.exists():
            _log.warning("%s-wal could not be moved into the file: %s", file, error)
        return True


class Checkpointer:
    """Lets a checkpoint follow the commits of this process, from a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaiting: set[Path] = set()
        self._written: set[Path] = set()
        atexit.register(self.finish)

    def committed(self, file: Path) -> None:
        """See to it that the file will be whole soon."""
        with self._lock:
            if file in self._awaiting:
                return
            self._awaiting.add(file)
            self._written.add(file)
        try:
            threading.Thread(
                target=self._follow, args=[file], name=f"checkpoint {file.name}", daemon=True
            ).start()
        except RuntimeError:
            # No thread is to be had, as where the process ends: then `finish` does it, else the
            # next commit. What was committed is saved.
            with self._lock:
                self._awaiting.discard(file)

    def finish(self) -> None:
        """Make all files whole now; gives up on readers that take longer than seconds."""
        with self._lock:
            left = set(self._written)
        give_up = time.monotonic() + _LAST_TRIES_S
        while left and time.monotonic() < give_up:
            left = {file for file in left if not checkpoint(file)}

    def _follow(self, file: Path) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            with self._lock:
                # What is committed from now on needs another checkpoint.
                self._awaiting.discard(file)
            if checkpoint(file):
                return
            with self._lock:
                if file in self._awaiting:
                    return
                self._awaiting.add(file)


def _checkpoint(file: Path) -> bool:
    # A file that was removed is not to be made anew.
    address = f"{file.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
        connection.execute("PRAGMA synchronous = FULL")
        # The long part first, during which others may write.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
