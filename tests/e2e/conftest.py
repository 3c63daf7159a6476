"""The app in a real browser: one server, one Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """`streamlit run app.py` on a free port, with a database of its own unless one is named."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.database = database or f"sqlite:///{folder / 'ratings.db'}"
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
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command + settings,
                cwd=ROOT,
                env=os.environ | {"PROTOECG_DATABASE_URL": self.database, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
            )
        for _ in range(300):
            try:
                if requests.get(f"{self.url}/_stcore/health", timeout=1).ok:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"The app did not start: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture(scope="session", autouse=True)
def _bundle() -> None:
    if not (ROOT / "models" / "demo" / "bundle.json").is_file():
        pytest.skip("models/demo is not there: train it with `make demo`")


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine: install the system's package `chromium`")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


@pytest.fixture
def own_server(app_on: Callable[[str], Server]) -> Server:
    return app_on("")


@pytest.fixture
def app_on(browser, tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    """Start a server that a test may kill, on a database of its own or the one named."""
    started: list[Server] = []

    def start(database: str = "") -> Server:
        started.append(Server(tmp_path, database))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(30_000)
    yield tab
    context.close()
