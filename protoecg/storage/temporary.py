"""Temporary folders for this user alone, which even a kill leaves only until the next start."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "protoecg-private-"


class PrivateFolder:
    """A temporary folder that only this user can open; it goes with `close`.

    As long as this process lives, it holds a lock on the folder. After a kill nobody does, and
    the next `remove_leftovers` deletes it. Windows has no such lock: there a kill leaves it.
    """

    def __init__(self) -> None:
        self.path, self._lock = _made()

    def close(self) -> None:
        """Delete the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_leftovers() -> None:
    """Delete the private folders of processes that were killed."""
    if sys.platform == "win32":
        return
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if _is_mine(path) and (lock := _locked(path, wait=False)) is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def _made() -> tuple[Path, int | None]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Whoever removes leftovers between the two takes the folder for one.
        with suppress(FileNotFoundError):
            lock = _locked(path)
            if path.is_dir():
                return path, lock


def _is_mine(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _locked(path: Path, *, wait: bool = True) -> int | None:
    """Return a descriptor that holds the folder; None if another process does, or none can."""
    if sys.platform == "win32":
        return None
    import fcntl

    held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(held)
        return None
    return held
