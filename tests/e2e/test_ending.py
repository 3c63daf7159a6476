"""The end of a real server, by the signals that systems and people end it with."""

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

# What ends here is measured, not how long a busy machine takes to draw a page.
SECONDS = 120


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
