"""What a browser alone shows of how an ECG opens: its model after a batch, and its wide paper."""

import re
import zipfile
from io import BytesIO
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from pages.ecg.drawing import LATE
from protoecg.simulate import example


def archive() -> bytes:
    """A batch of one ECG."""
    ecg, content = BytesIO(), BytesIO()
    np.save(ecg, example("Atrial fibrillation").signal)
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("a.npy", ecg.getvalue())
    return content.getvalue()


def test_an_ecg_of_a_batch_opens_with_the_model_of_the_batch(server, tab):
    tab.goto(f"{server.url}/batch?bundle=ptbxl")
    uploaded = {"name": "a.zip", "mimeType": "application/zip", "buffer": archive()}
    tab.locator("input[type=file]").set_input_files(uploaded)
    tab.get_by_text("for files that do not say them").click()
    tab.get_by_label("Sampling rate").fill("500")
    tab.get_by_label("Sampling rate").press("Tab")
    expect(tab.get_by_text("a.zip")).to_be_visible()
    tab.get_by_role("button", name="Explain all").click()
    expect(tab.get_by_role("button", name="Explain it")).to_be_visible()
    tab.get_by_role("button", name=re.compile("^Model: ")).click()
    tab.get_by_test_id("stPopoverBody").get_by_test_id("stSelectbox").click()
    tab.get_by_role("option", name="(demo)").click()
    expect(tab.get_by_role("button", name=re.compile(r"Model: .*\(demo\)"))).to_be_visible()
    tab.keyboard.press("Escape")

    expect(tab.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    expect(tab.locator("[data-testid=stDataFrame] canvas").first).to_be_visible()
    # A cell of the first row, below the names of the columns. After a list was open the table
    # answers a pointer that came by moving, as people's do, not one that is suddenly there.
    tab.get_by_test_id("stDataFrame").hover(position={"x": 100, "y": 50})
    tab.wait_for_timeout(200)
    tab.get_by_test_id("stDataFrame").click(position={"x": 120, "y": 60})

    expect(tab.get_by_text("What it adds up to")).to_be_visible()
    expect(tab.get_by_role("button", name=re.compile(r"Model: .*\(ptbxl\)"))).to_be_visible()


@pytest.mark.parametrize(
    ("example", "finding", "late"),
    [
        ("Anteroseptal myocardial infarction", "ASMI", True),
        ("Left ventricular hypertrophy", "LVH", False),
    ],
)
def test_wide_paper_begins_at_the_half_in_which_the_window_is(server, tab, example, finding, late):
    query = urlencode({"bundle": "demo", "example": example, "finding": finding, "speed": 50})
    tab.goto(f"{server.url}/start?{query}")
    paper = tab.locator("[class*='st-key-frame-'][class*='query']")
    label = paper.locator(
        ".js-plotly-plot text:not(.updatemenu-item-text)", has_text="compared below"
    )
    expect(label).to_be_visible()
    shown, marked = paper.bounding_box(), label.bounding_box()
    assert shown["x"] < marked["x"] < shown["x"] + shown["width"] - marked["width"]
    expect(tab.get_by_text(LATE).first).to_be_visible(visible=late)
