"""Prototypes of another group's model, from their files to the ratings that they take home."""

import csv
import io
import json
import zipfile

import pytest
from playwright.sync_api import expect

from protoecg.prototypes.gathering import gather
from protoecg.prototypes.records import write_record
from protoecg.simulate import simulate


@pytest.fixture
def theirs(tmp_path):
    """A folder of models with one set, of two windows of simulated ECGs."""
    for name, statements in (("one", ["PVC", "SR"]), ("two", ["AFIB"])):
        write_record(tmp_path / name, simulate(statements, seed=3, rate=500).ecg.signal, 500)
    entries = [
        {"statement": "PVC", "branch": "beats", "record": "one", "window_s": [4.0, 5.2]},
        {"statement": "X1", "words": "a sign of theirs", "branch": "beats", "record": "two"},
    ]
    manifest = {"name": "Theirs", "source": "A group, 2026", "prototypes": entries}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return gather(tmp_path / "manifest.json", tmp_path / "models" / "theirs")


def test_another_groups_prototype_is_rated_and_exported(make_server, theirs, tab, tmp_path):
    server = make_server(tmp_path, PROTOECG_MODELS=str(theirs.path.parent))
    tab.goto(f"{server.url}/library")
    expect(tab.get_by_text("A group, 2026")).to_be_visible()
    expect(tab.locator(".js-plotly-plot .main-svg").first).to_be_visible()

    tab.goto(f"{server.url}/rate?reviewer=R01")
    expect(tab.get_by_role("heading", name="Ventricular premature complex")).to_be_visible()
    expect(tab.locator(".js-plotly-plot .main-svg, canvas").first).to_be_visible()
    tab.get_by_role("button", name="Clarity: open").click()
    tab.get_by_role("button", name="Good: slight noise").click()
    expect(tab.get_by_text("Saved.")).to_be_visible()

    tab.goto(f"{server.url}/results")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="All ratings as CSV").click()
    with zipfile.ZipFile(download.value.path()) as files:
        (row,) = csv.DictReader(io.StringIO(files.read("ratings_long.csv").decode()))
    assert (row["bundle"], row["prototype"], row["question"], row["value"]) == (
        *("Theirs", "beats-PVC-1", "clarity", "4"),
    )
