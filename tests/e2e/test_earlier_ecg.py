import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from protoecg.ecg import LEADS
from protoecg.simulate import example

THEN, NOW = "Left bundle branch block", "Atrial fibrillation"
OFFER = "Compare with an earlier ECG"
PARTS = "What changed about a finding"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The earlier and the later ECG, each as a file."""
    folder = tmp_path_factory.mktemp("ecgs")
    paths = folder / "earlier.npz", folder / "later.npz"
    for path, title in zip(paths, (THEN, NOW), strict=True):
        ecg = example(title)
        np.savez(path, signal=ecg.signal, leads=np.array(LEADS), rate=ecg.rate)
    return paths


def compare(tab: Page, url: str, earlier: Path, later: Path) -> None:
    tab.goto(f"{url}/explain?bundle=demo")
    tab.locator("input[type=file]").first.set_input_files(later)
    expect(tab.get_by_text("What it adds up to")).to_be_visible()
    tab.get_by_role("button", name=OFFER).click()
    uploader = tab.get_by_test_id("stPopoverBody")
    uploader.locator("input[type=file]").set_input_files(earlier)
    expect(tab.get_by_text(PARTS)).to_be_visible()
    # It would cover what was asked for.
    expect(uploader).to_have_count(0)
    # What is clicked while the page is still being written may be lost.
    expect(tab.locator(".js-plotly-plot")).to_have_count(2)
    expect(tab.get_by_test_id("stStatusWidget")).to_have_count(0)


def rates(tab: Page) -> list[str]:
    """The heart rates of the earlier ECG and of the later one, beside their difference."""
    row = tab.get_by_role("row").filter(has_text="Heart rate, bpm")
    expect(row).to_be_visible()
    return row.get_by_role("cell").all_inner_texts()[:2]


def test_another_ecg_is_not_covered_by_the_place_that_it_was_taken_at(server, tab, files):
    tab.goto(f"{server.url}/explain?bundle=demo")
    tab.locator("input[type=file]").first.set_input_files(files[0])
    expect(tab.get_by_role("heading", name="earlier.npz")).to_be_visible()
    tab.get_by_role("button", name="Another ECG").click()
    place = tab.get_by_test_id("stPopoverBody")
    place.locator("input[type=file]").set_input_files(files[1])
    expect(tab.get_by_role("heading", name="later.npz")).to_be_visible()
    expect(place).to_have_count(0)


def test_a_reload_keeps_both_uploads_and_the_finding_that_is_taken_apart(server, tab, files):
    compare(tab, server.url, *files)
    expect(tab.get_by_text(re.compile(r"Newly likely: [^.]*\(AFIB\)"))).to_be_visible()
    before = rates(tab)
    assert all(rate.isdecimal() for rate in before) and before[0] != before[1]
    tab.get_by_text("All findings of either ECG").click()
    expect(tab.get_by_role("cell", name=">99 % → <1 %", exact=True).first).to_be_visible()
    # A list that is opened while the page still scrolls is closed by that.
    tab.get_by_label("Statement", exact=True).scroll_into_view_if_needed()
    tab.wait_for_timeout(500)
    tab.get_by_label("Statement", exact=True).click()
    tab.get_by_role("option", name=re.compile("CLBBB.*no longer likely")).click()
    expect(tab).to_have_url(re.compile("finding=CLBBB"))
    expect(tab.locator(".js-plotly-plot text", has_text="morphology-CLBBB")).to_have_count(0)
    tab.get_by_text("The exact change").click()
    expect(tab.locator(".js-plotly-plot text", has_text="morphology-CLBBB").first).to_be_visible()
    chosen = tab.url

    tab.reload()

    expect(tab.get_by_text(re.compile(r"Newly likely: [^.]*\(AFIB\)"))).to_be_visible()
    expect(tab.locator(".js-plotly-plot text", has_text="morphology-CLBBB").first).to_be_visible()
    assert tab.url == chosen
    assert rates(tab) == before

    tab.get_by_role("button", name=OFFER).click()
    tab.get_by_role("button", name="Swap the two").click()

    expect(tab.get_by_text(re.compile(r"No longer likely: [^.]*\(AFIB\)"))).to_be_visible()
    # The table stands below both figures, and is written after them.
    row = tab.get_by_role("row").filter(has_text="Heart rate, bpm")
    expect(row.get_by_role("cell").first).to_have_text(before[1])
    assert rates(tab) == before[::-1]


def test_a_bad_earlier_file_gets_its_sentence_and_leaves_the_ecg_as_it_was(
    server, tab, files, tmp_path
):
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7 ...")
    tab.goto(f"{server.url}/explain?bundle=demo")
    tab.locator("input[type=file]").first.set_input_files(files[1])
    tab.get_by_role("button", name=OFFER).click()

    uploader = tab.get_by_test_id("stPopoverBody")
    uploader.locator("input[type=file]").set_input_files(tmp_path / "scan.pdf")

    expect(uploader.get_by_text("A printed ECG has no samples in it")).to_be_visible()
    expect(tab.get_by_text("What it adds up to")).to_be_visible()
    assert "earlier_ecg" not in tab.url
