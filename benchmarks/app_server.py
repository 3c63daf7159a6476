"""The app on a free port, with a database and settings of its own, to measure."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from benchmarks.ours import ROOT

START_S = 60


@contextmanager
def app_server(database: str, folder: Path, **settings: str) -> Iterator[str]:
    """Start the app on a database's URL, its log in `folder`; yield its address, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    command += ["--server.headless=true", f"--secrets.files={folder / 'none.toml'}"]
    environment = os.environ | {"PROTOECG_DATABASE_URL": database, "OMP_NUM_THREADS": "1"}
    environment |= settings
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(url: str) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        try:
            if requests.get(url, timeout=1).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        time.sleep(0.1)
    raise SystemExit(f"The app did not start within {START_S} s.")
