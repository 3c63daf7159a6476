"""`python -m protoecg.isolation.forkserver FOLDER`: forks a process for each recording to read.

The readers' code is loaded once, and no file is read here: what a file does to its process is
gone with that process, and the next one begins clean. Standard input is a socket; each message on
it brings limits and another socket, on which the child is sent files and answers. The server
ends what is late, empties `FOLDER` behind each child, and ends with whoever started it.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import NoReturn

from protoecg.isolation import wire
from protoecg.isolation.child import answer
from protoecg.isolation.confinement import confine, cut_off_network
from protoecg.isolation.limits import PACKED_SIZE, READY, Limits

# How soon a child that ended, or is late, is seen to.
_TICK_S = 0.02

Answer = Callable[[socket.socket], None]


@dataclass(frozen=True)
class _Child:
    process: int
    connection: socket.socket
    deadline: float
    folder: Path


class Forkserver:
    """Forks a child for each message on `control`.

    Parameters
    ----------
    root : folder for the children's own folders
    answer : what a child does with its connection
    """

    def __init__(self, control: socket.socket, root: Path, answer: Answer) -> None:
        self._control, self._root, self._answer = control, root, answer
        self._children: list[_Child] = []

    def serve(self) -> None:
        """Serve until the other side of `control` is gone, then end all children."""
        try:
            self._serve()
        finally:
            for child in self._children:
                _end(child)
            shutil.rmtree(self._root, ignore_errors=True)

    def _serve(self) -> None:
        self._control.sendall(READY)
        selector = DefaultSelector()
        selector.register(self._control, EVENT_READ)
        while True:
            if selector.select(_TICK_S if self._children else None):
                packed, descriptors, _, _ = socket.recv_fds(self._control, PACKED_SIZE, 1)
                if not packed:
                    return
                self._fork(socket.socket(fileno=descriptors[0]), Limits.unpack(packed))
            self._children = [child for child in self._children if not _is_over(child)]

    def _fork(self, connection: socket.socket, limits: Limits) -> None:
        folder = Path(tempfile.mkdtemp(dir=self._root))
        deadline = time.monotonic() + limits.clock_s
        if process := os.fork():
            self._children.append(_Child(process, connection, deadline, folder))
            return
        self._read(connection, limits, folder)

    def _read(self, connection: socket.socket, limits: Limits, folder: Path) -> NoReturn:
        """Be the child."""
        try:
            os.setsid()
            self._let_go()
            confine(limits, folder)
            self._answer(connection)
        except BaseException:
            os._exit(1)
        os._exit(0)

    def _let_go(self) -> None:
        """Keep nothing of the server's or of other children's, and say nothing to a terminal."""
        for other in self._children:
            other.connection.close()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)


def _is_over(child: _Child) -> bool:
    """See to a child: end it when it is late, and clean up behind it once it has ended."""
    if time.monotonic() > child.deadline:
        _report(child, "time")
        _end(child)
        return True
    process, status = os.waitpid(child.process, os.WNOHANG)
    if not process:
        return False
    # Who has answered is not listened to any more.
    is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    _report(child, "time" if is_late else "crash")
    _clean(child)
    return True


def _report(child: _Child, stopped: str) -> None:
    """Say why a child will not answer any more."""
    child.connection.setblocking(False)
    with suppress(OSError):
        wire.send(child.connection, {"stopped": stopped})


def _end(child: _Child) -> None:
    # Not only the child: it leads a group of all that it may have started.
    for end in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            end(child.process, signal.SIGKILL)
    os.waitpid(child.process, 0)
    _clean(child)


def _clean(child: _Child) -> None:
    child.connection.close()
    shutil.rmtree(child.folder, ignore_errors=True)


def main() -> None:
    """Serve whoever started this, until it ends."""
    cut_off_network()
    # Collecting would copy memory that children share with this process.
    gc.freeze()
    gc.disable()
    Forkserver(socket.socket(fileno=0), Path(sys.argv[1]), answer).serve()


if __name__ == "__main__":
    main()
