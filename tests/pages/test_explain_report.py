import json
import sys
from functools import partial
from io import BytesIO

from PIL import Image

from pages.shared import downloads
from protoecg.explain import explain
from protoecg.simulate import example


def test_each_download_is_offered_and_made_only_on_click(page, monkeypatch):
    for name in ("protoecg.report", "protoecg.raster"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    app = page("explain", example="Atrial fibrillation")

    buttons = [button.proto for button in app.get("download_button")]
    papers = ["PDF, A4", "PNG, A4", "PDF, Letter", "PNG, Letter"]
    assert [button.label for button in buttons] == [*papers, "Explanation, JSON"]
    assert all(button.deferred_file_id and not button.url for button in buttons)
    assert not {"protoecg.report", "protoecg.raster"} & set(sys.modules)


def test_the_downloads_are_the_page_the_picture_of_it_and_every_number(demo):
    ecg = example("Atrial fibrillation")
    explanation = explain(ecg, demo)

    page = partial(downloads.report, ecg, demo, explanation, "letter")
    assert page().startswith(b"%PDF")
    assert Image.open(BytesIO(downloads.picture(page))).size == (3300, 2550)
    told = json.loads(downloads.numbers(explanation, demo))
    assert told.pop("revision") == demo.revision
    assert told == json.loads(json.dumps(explanation.to_json()))
