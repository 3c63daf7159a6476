"""The app in a real browser: one server, one Chromium."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import ROOT, ColdServer, Server
from sqlalchemy import Engine

from protoecg.bundle import Bundle, load_bundle
from review_db import open_database


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
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--process-per-site"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = ColdServer(tmp_path_factory.mktemp("server"))
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
def engine(server: Server) -> Iterator[Engine]:
    """The database of the server that tests share; `name` keeps what they put there apart."""
    engine = open_database(server.database)
    yield engine
    engine.dispose()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """What no other test of the shared server calls its study or its reviewer."""
    return f"T{zlib.crc32(request.node.nodeid.encode()):08x}"


@pytest.fixture(scope="session")
def window(browser, server: Server):
    """A window whose tabs have one renderer: what it compiled for one tab it has for the next."""
    window = browser.new_context(viewport={"width": 1440, "height": 900})
    # The renderer ends with its last tab.
    window.new_page().goto(f"{server.url}/_stcore/health")
    yield window
    window.close()


@pytest.fixture
def tab(window):
    """A tab of a browser that knows nothing of earlier tests."""
    window.set_storage_state({"cookies": [], "origins": []})
    tab = window.new_page()
    tab.set_default_timeout(30_000)
    yield tab
    for left in window.pages[1:]:
        left.close()
