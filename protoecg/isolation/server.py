"""The forkserver as seen from the process that started it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from protoecg.isolation.limits import READY, Limits
from protoecg.storage.temporary import PrivateFolder

# To load the readers' code takes a second or two; a machine may be busy.
START_S = 60.0
# What Python and its libraries need; keys and passwords in the environment are none of it.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
# A process of several threads should not fork.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_ROOT = Path(__file__).resolve().parents[2]


class Server:
    """A running forkserver, with a folder of its own.

    Parameters
    ----------
    module : what runs
    """

    def __init__(self, module: str = "protoecg.isolation.forkserver") -> None:
        self._folder = PrivateFolder()
        ours, theirs = socket.socketpair()
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", module, str(self._folder.path)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=_ROOT,
                env=kept | _ONE_THREAD,
                # Else Ctrl-C in a terminal would reach it as well, in the middle of its work.
                start_new_session=True,
            )
        self._control = ours
        self._is_ready = False
        self._lock = threading.Lock()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def connect(self, limits: Limits) -> socket.socket:
        """Have a child forked under limits, and return the connection to it.

        Raises
        ------
        OSError
            If the server is gone, or can read nothing yet after `START_S` seconds.
        """
        self._await_start()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [limits.pack()], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def _await_start(self) -> None:
        with self._lock:
            if self._is_ready:
                return
            self._control.settimeout(START_S)
            if not self._control.recv(len(READY)):
                raise ConnectionAbortedError
            self._control.settimeout(None)
            self._is_ready = True

    def kill(self) -> None:
        """End it at once, whatever state it is in; its children end by themselves."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, if it still runs, and delete what it and its children left."""
        self.kill()
        self._control.close()
        self._folder.close()
