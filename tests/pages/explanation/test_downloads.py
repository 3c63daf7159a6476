import json
import sys
from datetime import date
from functools import partial
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from pages.explanation import downloads
from pages.explanation.explained import ExplainedECG
from protoecg import wording
from protoecg.evidence.change import CHANGED, finding_changes
from protoecg.explain import explain
from protoecg.measure import delineate
from protoecg.simulate import example
from protoecg.summary import in_words
from protoecg.taken import Taken


def test_each_download_is_offered_and_made_only_on_click(page, monkeypatch):
    for name in ("protoecg.printing.report", "protoecg.printing.raster"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    app = page("explain", example="Atrial fibrillation")

    buttons = [button.proto for button in app.get("download_button")]
    papers = ["PDF, A4", "PNG, A4", "PDF, Letter", "PNG, Letter"]
    assert [button.label for button in buttons] == [*papers, "Explanation, JSON"]
    assert all(button.deferred_file_id and not button.url for button in buttons)
    assert not {"protoecg.printing.report", "protoecg.printing.raster"} & set(sys.modules)


def seen(title, bundle):
    ecg = example(title)
    return ExplainedECG(title, ecg, explain(ecg, bundle), delineate(ecg))


def test_the_downloads_are_the_page_the_picture_of_it_and_every_number(demo):
    now = seen("Atrial fibrillation", demo)

    page = partial(downloads.report, now, demo, None, "letter")
    assert page().startswith(b"%PDF")
    assert Image.open(BytesIO(downloads.picture(page))).size == (3300, 2550)
    document = json.loads(downloads.numbers(now, demo))
    assert document.pop("revision") == demo.revision
    assert document == json.loads(json.dumps(now.explanation.to_json()))


def test_with_an_earlier_ecg_the_downloads_tell_what_changed(demo):
    now = seen("Atrial fibrillation", demo)
    then = seen("Left bundle branch block", demo)

    (page,) = pypdfium2.PdfDocument(downloads.report(now, demo, then, "A4"))
    printed = " ".join(page.get_textpage().get_text_range().split())
    assert f"Since the earlier ECG, {then.ecg.source}" in printed
    document = json.loads(downloads.numbers(now, demo, then))["earlier"]
    assert document["source"] == then.ecg.source
    rate = document["measurements"][0]
    assert rate["difference"] == rate["now"] - rate["then"]
    changes = finding_changes(then.explanation, now.explanation)
    for change, row in zip(changes, document["findings"], strict=True):
        assert (row["code"], row["kind"]) == (change.code, change.kind)
        assert row["measured"] + sum(match["amount"] for match in row["matches"]) == pytest.approx(
            row["amount"]
        )
        if change.kind in CHANGED:
            then_and_now = (change.then.probability, change.now.probability)
            probabilities = " to ".join(map(wording.probability, then_and_now))
            assert f"{change.kind.capitalize()}: {in_words(change.now)}, {probabilities}" in printed


def test_when_and_of_whom_it_was_taken_is_given_where_it_is_wanted(demo):
    now, then = seen("Atrial fibrillation", demo), seen("Left bundle branch block", demo)
    taken = Taken.of(date(2021, 3, 3), age=64), Taken.of(date(2019, 5, 6), age=62)

    for wanted in (taken, downloads.NOT_SHOWN):
        (page,) = pypdfium2.PdfDocument(downloads.report(now, demo, then, "A4", wanted))
        words = " ".join(page.get_textpage().get_text_range().split())
        document = json.loads(downloads.numbers(now, demo, then, wanted))
        is_shown = wanted is taken
        assert ("2021-03-03 · 64 years" in words) == is_shown
        assert ("2019-05-06 · 62 years" in words) == is_shown
        assert ("taken" in document, "taken" in document["earlier"]) == (is_shown,) * 2


def test_the_page_says_where_its_downloads_tell_of_an_earlier_ecg(page):
    text = "Each with what changed since the earlier ECG."
    for query, is_shown in (({}, False), ({"earlier_example": "Left bundle branch block"}, True)):
        app = page("explain", example="Atrial fibrillation", **query)
        assert (text in [caption.value for caption in app.caption]) == is_shown
