"""The app, served on a free port with a database and settings of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
# Forked from a process that holds what the app imports of others, a server starts with all of the
# app's own yet to be imported, and without the seconds that the rest takes.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    ["streamlit.web.cli", "uvicorn", "torch", "pandas", "plotly.graph_objects", "sqlalchemy.orm"]
    + ["alembic.command", "pydantic", "scipy.signal", "scipy.stats"]
)


class Server:
    """`streamlit run app.py` on a free port, with a database and secrets of its own.

    Reviewer codes open by themselves, unless the server is set up otherwise.
    """

    def __init__(self, folder: Path, secrets: str = "", **environment: str) -> None:
        self.secrets = folder / "secrets.toml"
        if secrets:
            self.secrets.write_text(secrets)
        self._environment = environment
        self.database = f"sqlite:///{folder / 'ratings.db'}"
        self.log = folder / "server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = [f"--server.port={self.port}", "--server.headless=true"]
        options.append(f"--secrets.files={self.secrets}")
        own = {"PROTOECG_DATABASE_URL": self.database, "OMP_NUM_THREADS": "1"}
        own |= {"PROTOECG_FETCH": "off", "PROTOECG_OPEN_REVIEWERS": "yes"}
        self._begin(["run", "app.py", *options], own | self._environment)
        for _ in range(300):
            try:
                if requests.get(f"{self.url}/_stcore/health", timeout=1).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(0.1)
        raise RuntimeError(f"The app did not start: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals) -> None:
        self._send(how)
        self._wait()

    def _begin(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = FORKS.Process(target=_serve, args=(command, environment, self.log))
        self._process.start()

    def _send(self, how: signal.Signals) -> None:
        if self._process.exitcode is None:
            os.kill(self._process.pid, how)

    def _wait(self) -> None:
        self._process.join(60)
        assert self._process.exitcode is not None


class ColdServer(Server):
    """The same, begun as people begin it: all is imported anew."""

    def _begin(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", *command],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )

    def _send(self, how: signal.Signals) -> None:
        self._process.send_signal(how)

    def _wait(self) -> None:
        self._process.wait(timeout=60)


def _serve(command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Be `streamlit`, as its command line is."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(ROOT)
    os.environ |= environment
    # What was imported before may have asked for it, before it was set.
    tempfile.tempdir = None
    tests = str(ROOT / "tests")
    sys.path[:] = [place for place in sys.path if not place.startswith(tests)]
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = ["streamlit", *command]
    from streamlit.web.cli import main

    main()
