"""The app, served on a free port with a database and settings of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]


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
        command = [sys.executable, "-m", "streamlit", "run", "app.py"]
        settings = [f"--server.port={self.port}", "--server.headless=true"]
        settings.append(f"--secrets.files={self.secrets}")
        own = {"PROTOECG_DATABASE_URL": self.database, "OMP_NUM_THREADS": "1"}
        own |= {"PROTOECG_FETCH": "off", "PROTOECG_OPEN_REVIEWERS": "yes"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command + settings,
                cwd=ROOT,
                env=os.environ | own | self._environment,
                stdout=log,
                stderr=log,
            )
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
        self._process.send_signal(how)
        self._process.wait(timeout=60)
