import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import streamlit as st
from sqlalchemy import Engine
from streamlit import config
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.testing.v1 import AppTest

from protoecg.bundle import Bundle, load_bundle
from review_db import open_database

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "models" / "demo"

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _no_secrets(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what this machine's own secrets say of sign-in out of the tests."""
    nowhere = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    config.set_option("secrets.files", [str(nowhere)])


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with a copy of the demo bundle, no PTB-XL, cache or network."""
    if not (DEMO / "bundle.json").is_file():
        pytest.skip("models/demo is not there: train it with `make demo`")
    folder = tmp_path / "models"
    shutil.copytree(DEMO, folder / "demo")
    monkeypatch.setenv("PROTOECG_MODELS", str(folder))
    monkeypatch.setenv("PROTOECG_OPEN_REVIEWERS", "yes")
    monkeypatch.setenv("PROTOECG_DATABASE_URL", f"sqlite:///{tmp_path / 'ratings.db'}")
    monkeypatch.setenv("PROTOECG_PTBXL", str(tmp_path / "no ptbxl"))
    monkeypatch.setenv("PROTOECG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PROTOECG_PHYSIONET", "http://127.0.0.1:9/")
    monkeypatch.setenv("PROTOECG_FETCH", "off")
    st.cache_resource.clear()
    return folder


@pytest.fixture
def demo(models: Path) -> Bundle:
    return load_bundle(models / "demo")


@pytest.fixture
def real_without_ecgs(models: Path) -> Bundle:
    """A bundle that is not simulated, none of whose source ECGs is on this machine."""
    shutil.copytree(models / "demo", models / "real")
    shutil.rmtree(models / "real" / "waveforms")
    head = json.loads((models / "real" / "bundle.json").read_text())
    head |= {"simulated": False, "name": "A real bundle"}
    (models / "real" / "bundle.json").write_text(json.dumps(head))
    return load_bundle(models / "real")


@pytest.fixture
def engine(models: Path) -> Engine:
    engine = open_database()
    yield engine
    engine.dispose()


@pytest.fixture
def page(models: Path) -> Open:
    """Opens a page as a browser would that comes with these query parameters."""

    def opened(name: str, state: dict | None = None, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
        app.session_state["navigated"] = True
        for key, value in (state or {}).items():
            app.session_state[key] = value
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        assert not app.exception
        return app

    return opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next key comes while the callback of the one before runs: where that pauses, it ends."""
    for name in ("__getitem__", "query_params"):
        monkeypatch.setattr(SafeSessionState, name, pausing(getattr(SafeSessionState, name)))


def pausing(unpaused: Callable[..., object]) -> Callable[..., object]:
    def paused(*args: object) -> object:
        if in_callback():
            raise RerunException(RerunData())
        return unpaused(*args)

    return paused


def in_callback() -> bool:
    # A test's own thread has no such state.
    with suppress(RuntimeError):
        return ThreadState.get().run_location is RunLocation.CALLBACK
    return False
