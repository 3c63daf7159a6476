"""The end of a real server, by the signals that systems and people end it with."""

import io
import shutil
import signal
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from servers import ColdServer

from protoecg.simulate import example

# What ends here is measured, not how long a busy machine takes to draw a page.
SECONDS = 120


@pytest.fixture
def own_server(browser, tmp_path):
    """A server as people begin it, whom signals meet as they do theirs."""
    server = ColdServer(tmp_path)
    yield server
    server.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_file_of_ratings_alone_holds_them_once_the_server_has_ended(
    own_server, tab, tmp_path, how
):
    tab.set_default_timeout(SECONDS * 1000)
    tab.goto(f"{own_server.url}/rate?bundle=demo")
    tab.get_by_role("textbox", name="Your reviewer code").fill("R01")
    tab.get_by_role("button", name="Start").click()
    tab.get_by_role("button", name="Clarity: open").click()
    tab.get_by_role("button", name="Good: slight noise").click()
    expect(tab.get_by_text("Saved.")).to_be_visible(timeout=SECONDS * 1000)
    own_server.end(how)
    file = Path(own_server.database.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(shutil.copyfile(file, tmp_path / "copy.db"))) as connection:
        rated = connection.execute("SELECT reviewer, question, value FROM rating_event").fetchall()
    assert rated == [("R01", "clarity", "4")]


def test_what_a_killed_server_kept_of_a_batch_is_gone_at_the_next_start(
    browser, make_server, tab, tmp_path
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = make_server(tmp_path, TMPDIR=str(temporary))
    ecg, archive = io.BytesIO(), io.BytesIO()
    np.savez(ecg, signal=example("Atrial fibrillation").signal, rate=500)
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("of-a-patient.npz", ecg.getvalue())
    tab.set_default_timeout(SECONDS * 1000)
    tab.goto(f"{server.url}/batch?bundle=demo")
    file = {"name": "a.zip", "mimeType": "application/zip", "buffer": archive.getvalue()}
    tab.locator("input[type=file]").first.set_input_files(file)
    tab.get_by_role("button", name="Explain all by").click()
    expect(tab.get_by_text("1 explained")).to_be_visible(timeout=SECONDS * 1000)
    left = [table for table in temporary.rglob("findings.csv") if b"patient" in table.read_bytes()]
    assert left

    server.kill()
    assert left[0].exists()
    server.start()

    assert not list(temporary.rglob("findings.csv"))
