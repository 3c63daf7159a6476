"""A machine without PTB-XL, in a real browser; a server of our own is in PhysioNet's place."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from physionet import PhysioNet, serving
from playwright.sync_api import Page, expect
from servers import ROOT, Server

from protoecg.ecg import LEADS
from protoecg.simulate import simulate

ONE = "records100/00000/00946_lr"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The demo bundle, and a copy of it that passes for one of real ECGs and carries none."""
    folder = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "demo", folder / "demo")
    without = shutil.ignore_patterns("waveforms")
    shutil.copytree(ROOT / "models" / "demo", folder / "real", ignore=without)
    head = json.loads((folder / "real" / "bundle.json").read_text())
    head |= {"simulated": False, "name": "Real"}
    (folder / "real" / "bundle.json").write_text(json.dumps(head))
    return folder


@pytest.fixture
def physionet() -> Iterator[PhysioNet]:
    with serving(ROOT / "models" / "demo" / "waveforms") as server:
        yield server


@pytest.fixture
def fresh(make_server: Callable[..., Server], tmp_path: Path) -> Callable[..., Server]:
    """Starts the app on a machine that has fetched nothing yet."""

    def started(physionet: str, **environment: str) -> Server:
        return make_server(
            tmp_path,
            PROTOECG_FETCH="on",
            PROTOECG_PTBXL=str(tmp_path / "no ptbxl"),
            PROTOECG_CACHE=str(tmp_path / "cache"),
            PROTOECG_PHYSIONET=physionet,
            NO_PROXY="127.0.0.1",
            **environment,
        )

    return started


@pytest.fixture
def file(tmp_path: Path) -> Path:
    ecg = simulate({"PVC", "SR"}, seed=7, rate=500).ecg
    rows = [",".join(LEADS), *(",".join(f"{v:.3f}" for v in row) for row in ecg.signal.T)]
    seconds = np.arange(ecg.signal.shape[1]) / ecg.rate
    times = ["time", *(f"{second:.3f}" for second in seconds)]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(f"{time},{row}" for time, row in zip(times, rows, strict=True)))
    return path


def open_cold(tab: Page, server: Server) -> None:
    tab.goto(server.url)
    # A cold server imports and loads everything first.
    expect(tab.get_by_text("A worked example")).to_be_visible(timeout=120_000)


def upload(tab: Page, server: Server, *files: Path) -> None:
    open_cold(tab, server)
    tab.locator("input[type=file]").first.set_input_files(list(files))
    expect(tab).to_have_url(re.compile(r"\becg="))


def test_a_worked_example_is_open_before_anything_is_uploaded(tab, fresh, models, physionet):
    open_cold(tab, fresh(physionet.url, PROTOECG_MODELS=str(models)))

    expect(tab.get_by_text("A simulated ECG, explained by")).to_be_visible()
    expect(tab.locator(".js-plotly-plot")).to_have_count(2)


def test_the_pictures_of_an_upload_come_by_themselves(tab, fresh, models, physionet, file):
    upload(tab, fresh(physionet.url, PROTOECG_MODELS=str(models)), file)

    expect(tab.get_by_role("button", name="Model: Real (real)").first).to_be_visible()
    expect(tab.locator(".js-plotly-plot")).to_have_count(2)
    assert len(physionet.asked) == len(set(physionet.asked))


def test_a_server_that_breaks_off_is_said_and_gone_on_with(tab, fresh, models, physionet, file):
    physionet.breaks_off_after = 0
    upload(tab, fresh(physionet.url, PROTOECG_MODELS=str(models)), file)
    expect(tab.get_by_text("it is tried again by itself")).to_be_visible()
    expect(tab.locator(".js-plotly-plot").first).to_be_visible()

    physionet.breaks_off_after = None

    expect(tab.locator(".js-plotly-plot")).to_have_count(2)


def test_without_a_network_everything_but_the_pictures_is_shown(tab, fresh, models, file):
    upload(tab, fresh("http://127.0.0.1:9/", PROTOECG_MODELS=str(models)), file)

    # What the case is compared with is drawn of this ECG, in all leads.
    expect(tab.get_by_role("heading", name="Ventricular premature complex")).to_be_visible()
    expect(tab.get_by_text("not on this machine. No connection to")).to_have_count(1)
    expect(tab.locator(".js-plotly-plot")).to_have_count(2)
    expect(tab.get_by_text("Labelled ")).to_be_visible()


def test_a_real_ecg_meets_the_real_model(tab, fresh, ptbxl_root, tmp_path):
    if not (ROOT / "models" / "ptbxl" / "bundle.json").is_file():
        pytest.skip("models/ptbxl is not there")
    with serving(ptbxl_root) as physionet:
        upload(tab, fresh(physionet.url), *(ptbxl_root / f"{ONE}{end}" for end in (".hea", ".dat")))

        block = tab.get_by_role("heading", name="Complete left bundle branch block", exact=True)
        expect(block).to_be_visible()
        expect(tab.get_by_text("abstains")).to_have_count(0)
        expect(tab.get_by_role("button", name="Model: PTB-XL (ptbxl)").first).to_be_visible()
        expect(tab.locator(".js-plotly-plot")).to_have_count(2)
    assert list((tmp_path / "cache").glob("records100/*/*.dat"))
