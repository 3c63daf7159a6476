"""What a server keeps of an upload, by its own count of what it holds."""

import io
import operator
import zipfile

import numpy as np
import pytest
import requests
from playwright.sync_api import expect

from protoecg.ecg import LEADS
from protoecg.simulate import simulate

SECONDS = 120_000


@pytest.fixture(scope="module")
def csv():
    signal = simulate({"SR"}, seed=7, rate=500).ecg.signal
    written = io.StringIO()
    np.savetxt(written, signal.T, "%.4f", ",", header=",".join(LEADS), comments="")
    return written.getvalue().encode()


def uploads_held(server):
    answer = requests.get(f"{server.url}/_stcore/metrics", timeout=60)
    answer.raise_for_status()
    metrics = answer.text
    return [line for line in metrics.splitlines() if "UploadedFileManager" in line]


def counted(tab, server, wanted):
    """Return what the server holds once that is as wanted: it counts anew every five seconds."""
    for _ in range(300):
        if wanted(held := uploads_held(server)):
            break
        tab.wait_for_timeout(100)
    return held


def test_of_an_ecg_nothing_stays_but_what_was_read(own_server, tab, csv):
    tab.set_default_timeout(SECONDS)
    tab.goto(f"{own_server.url}/explain?bundle=demo")
    ecg = {"name": "ecg.csv", "mimeType": "text/csv", "buffer": csv}
    tab.locator("input[type=file]").first.set_input_files(ecg)
    expect(tab.get_by_label("Sampling rate in Hz")).to_have_value("500", timeout=SECONDS)
    assert counted(tab, own_server, bool)

    tab.get_by_role("button", name="Explain with these").click()

    expect(tab.get_by_text("What it adds up to")).to_be_visible(timeout=SECONDS)
    assert counted(tab, own_server, operator.not_) == []


def test_of_an_archive_the_batch_alone_stays(own_server, tab, csv):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("ecg.csv", csv)
    file = {"name": "a.zip", "mimeType": "application/zip", "buffer": written.getvalue()}
    tab.set_default_timeout(SECONDS)
    tab.goto(f"{own_server.url}/batch?bundle=demo")
    tab.locator("input[type=file]").first.set_input_files(file)

    tab.get_by_role("button", name="Explain all by").click()

    expect(tab.get_by_role("button", name="Remove this batch")).to_be_visible(timeout=SECONDS)
    assert uploads_held(own_server) == []
