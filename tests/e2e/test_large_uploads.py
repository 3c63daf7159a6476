"""Uploads as large as a page says, and larger ones, as a browser sends them."""

import os
import re
import zipfile
from io import BytesIO

import numpy as np
from playwright.sync_api import expect

from protoecg.simulate import example


def test_an_archive_of_more_than_one_ecg_may_have_is_taken_by_batch(server, tab, tmp_path):
    ecg = example("Atrial fibrillation")
    written = BytesIO()
    np.savez(written, signal=ecg.signal, rate=ecg.rate)
    with zipfile.ZipFile(tmp_path / "ecgs.zip", "w") as archive:
        archive.writestr("ecg.npz", written.getvalue())
        archive.writestr("film.bin", os.urandom(60_000_000))
    tab.set_default_timeout(120_000)
    tab.goto(f"{server.url}/batch?bundle=demo")
    tab.locator("input[type=file]").set_input_files(tmp_path / "ecgs.zip")
    expect(tab.get_by_text("ecgs.zip")).to_be_visible()
    tab.get_by_role("button", name=re.compile("Explain all")).click()
    expect(tab.get_by_text(re.compile("1 explained .* 1 not read"))).to_be_visible()


def test_what_is_larger_than_a_page_takes_is_refused_in_words(server, tab, tmp_path):
    for page, largest in (("batch", 200), ("explain", 20)):
        # Playwright hands files of this size over by their name alone.
        size = max(largest + 5, 60) * 2**20
        path = tmp_path / f"{page}.zip"
        with path.open("wb") as file:
            file.truncate(size)
        tab.goto(f"{server.url}/{page}?bundle=demo")
        tab.locator("input[type=file]").first.set_input_files(path)
        expect(
            tab.get_by_text(re.compile(rf"must be {largest}(\.0)?\s?MB or smaller"))
        ).to_be_visible()
        expect(tab.get_by_text("AxiosError")).to_have_count(0)


def test_more_files_than_a_field_takes_are_refused_in_words(server, tab, tmp_path):
    for number in range(1_001):
        (tmp_path / f"{number}.csv").write_text("1,2")
    tab.goto(f"{server.url}/explain?bundle=demo")
    tab.locator("input[type=file]").first.set_input_files(sorted(tmp_path.iterdir()))
    text = tab.get_by_text("These are 1,001 files, and a field takes 1,000 at once.")
    expect(text.first).to_be_visible()
