"""A machine without PTB-XL: a real bundle whose ECGs come from a server in PhysioNet's place."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from physionet import PhysioNet, serving
from streamlit.testing.v1 import AppTest

from pages.ecg.recordings import recordings
from pages.shell.words import plain
from protoecg.bundle import Bundle
from protoecg.readers import Recording
from protoecg.simulate import simulate

AFIB = "Atrial fibrillation"


@pytest.fixture(autouse=True)
def _fetches(real_without_ecgs: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROTOECG_FETCH")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def physionet(demo: Bundle, monkeypatch: pytest.MonkeyPatch) -> Iterator[PhysioNet]:
    with serving(demo.path / "waveforms") as server:
        monkeypatch.setenv("PROTOECG_PHYSIONET", server.url)
        yield server


@pytest.fixture
def upload() -> str:
    """The token of an ECG that somebody uploaded."""
    ecg = simulate({"AFIB"}, seed=5, rate=500).ecg
    return recordings().add(Recording(ecg.signal, ecg.rate, "own.csv", ()))


def words(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.header]
    return "\n".join(element.value for element in elements)


def shown(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def model(app: AppTest) -> str:
    return app.selectbox(key="model").value


def until(app: AppTest, what) -> AppTest:
    deadline = time.monotonic() + 60
    while not what(app) and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    assert what(app)
    return app


def test_an_upload_meets_the_real_model_and_an_example_the_simulated_one(page, physionet, upload):
    assert model(page("explain")) == "real"
    assert model(page("explain", ecg=upload)) == "real"
    app = page("explain", example=AFIB)
    assert model(app) == "demo"
    assert "simulated" in words(app)


def test_who_chooses_a_model_gets_it_for_any_ecg(page, physionet, upload):
    assert model(page("explain", ecg=upload, bundle="demo")) == "demo"
    assert model(page("explain", example=AFIB, bundle="real")) == "real"

    app = page("explain", ecg=upload)
    app.selectbox(key="model").select("demo").run()
    assert "demo" in app.query_params["bundle"]
    assert model(app) == "demo"


def test_the_choice_stays_on_another_page(page, physionet):
    app = page("library", bundle="demo")
    kept = app.session_state["chosen model"]

    other = page("model_card")
    other.session_state["chosen model"] = kept

    assert model(other.run()) == "demo"


def test_the_ecgs_come_by_themselves_and_are_asked_for_once(page, physionet, upload):
    app = page("explain", ecg=upload)
    assert page("library") and page("rate")

    until(app, lambda app: shown(app) == 2)

    assert len(physionet.asked) == len(set(physionet.asked))


def test_while_they_come_all_that_is_known_is_shown(page, physionet, upload):
    physionet.breaks_off_after = 0

    app = until(page("explain", ecg=upload), lambda app: "it is tried again" in words(app))

    assert shown(app) == 1
    for known in ("Closely resembles", "records100", "years", "Labelled Atrial fibrillation"):
        assert known in words(app)
    (line,) = [text for text in words(app).splitlines() if "not on this machine" in text]
    assert "No connection to" in line


def test_a_server_that_is_not_there_is_named_and_the_page_is_whole(page, upload):
    app = until(page("explain", ecg=upload), lambda app: "not on this machine" in words(app))

    assert "No connection to 127.0.0.1; it is tried again by itself" in words(app)
    assert shown(app) == 1 and "Closely resembles" in words(app)


def test_a_network_that_swallows_everything_keeps_no_page_waiting(page, upload, monkeypatch):
    # Were a page to wait for an answer, it would take longer than any page of these tests may.
    monkeypatch.setattr("protoecg.prototypes.fetching.TIMEOUT_S", 600)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PROTOECG_PHYSIONET", f"http://127.0.0.1:{silent.getsockname()[1]}/")

        app = page("explain", ecg=upload)

        assert shown(app) == 1 and "Closely resembles" in words(app)
        assert "Getting the prototypes' ECGs from 127.0.0.1" in app.get("progress")[0].proto.text


def test_fetching_can_be_turned_off(page, physionet, upload, monkeypatch):
    monkeypatch.setenv("PROTOECG_FETCH", "off")

    app = page("explain", ecg=upload)

    assert plain("Fetching is turned off here (PROTOECG_FETCH)") in words(app)
    assert physionet.asked == []


def test_a_prototype_is_rated_once_its_ecg_has_come(page, physionet):
    app = page("rate", reviewer="R01")

    until(app, lambda app: shown(app) > 0)

    assert "Not rated yet" in words(app)


def test_the_library_says_once_what_is_missing(page, upload):
    app = until(page("library"), lambda app: "not on this machine" in words(app))

    assert words(app).count("not on this machine") == 1


def test_local_ptbxl_is_taken_without_asking_anybody(
    page, demo: Bundle, physionet, upload, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PROTOECG_PTBXL", str(Path(demo.path) / "waveforms"))

    assert shown(page("explain", ecg=upload)) == 2
    assert physionet.asked == []
