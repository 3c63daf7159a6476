"""The app in a real browser: one server, one Chromium."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from protoecg.bundle import Bundle, load_bundle

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


@pytest.fixture(scope="session", autouse=True)
def _bundle() -> None:
    if not (ROOT / "models" / "demo" / "bundle.json").is_file():
        pytest.skip("models/demo is not there: train it with `make demo`")


@pytest.fixture(scope="session")
def demo_folder() -> Path:
    return ROOT / "models" / "demo"


@pytest.fixture(scope="session")
def demo(demo_folder: Path) -> Bundle:
    return load_bundle(demo_folder)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import expect, sync_playwright

    from benchmarks.browser import chromium_path

    chromium = chromium_path()
    if chromium is None:
        pytest.skip("no Chromium on this machine: install the system's package `chromium`")
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


@pytest.fixture(scope="session")
def make_server() -> Iterator[Callable[..., Server]]:
    """Starts servers that are set up otherwise."""
    servers: list[Server] = []

    def made(*settings: object, **environment: str) -> Server:
        servers.append(Server(*settings, **environment))
        return servers[-1]

    yield made
    for server in servers:
        server.kill()


@pytest.fixture
def own_server(browser, tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill."""
    server = Server(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(30_000)
    yield tab
    context.close()
