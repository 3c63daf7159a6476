"""Ratings change the model, in the browser: from the proposals to the study of the newcomers.

On real PTB-XL, with prototypes spoiled on purpose. `python -m pytest -m slow -s
tests/e2e/test_curation.py` prints figures of docs/curation.md.
"""

import re
import sys
from pathlib import Path

import pytest
from curating import Coordinator, Judge, rate
from playwright.sync_api import expect
from spoiling import NOISY, PAUSE, WRONG, rated, spoil, spoiled_copy

from protoecg.bundle import load_bundle
from protoecg.card.document import read_card
from protoecg.prototypes.curation import curations
from training.curate.comparison import summary

ROOT = Path(__file__).resolve().parents[2]
# Kept between runs: the first takes a pass over all ECGs of the data set.
WORK = ROOT / "runs" / "curate"
OTHERS = {"R11": -1, "R12": 0, "R13": 1}
WIDE = {"width": 1440, "height": 900}


@pytest.mark.slow
def test_ten_spoiled_prototypes_are_replaced_by_eye_and_their_newcomers_rated(
    browser, tab, make_server, ptbxl_root, tmp_path, capsys
):
    bundle, models = load_bundle(ROOT / "models" / "ptbxl"), tmp_path / "models"
    spoiled = spoil(bundle, ptbxl_root, {WRONG: 4, NOISY: 3, PAUSE: 3})
    copy = spoiled_copy(bundle, ptbxl_root, spoiled, models / "spoiled", WORK)
    named = {copy.prototypes[column].name for column in spoiled}
    places = {"PROTOECG_MODELS": str(models), "PROTOECG_PTBXL": str(ptbxl_root)}
    server = make_server(tmp_path, **places)
    rated(server.database, copy, spoiled)

    coordinator = Coordinator(tab, server.url, "spoiled")
    coordinator.open()
    for name in named:
        coordinator.look_at(name)
        coordinator.take_the_best()
    coordinator.make()
    # A server that is killed loses neither what was chosen nor what was measured.
    expect(tab.get_by_text(re.compile(r"random: [1-9]"))).to_be_visible(timeout=3_600_000)
    server.kill()
    server.start()
    coordinator.open()
    coordinator.make()
    coordinator.made(within_s=3600)
    made = load_bundle(models / "spoiled-curated-1")
    changes = curations(made.about)[0].changes
    assert named == {change.retired for change in changes} and all(c.new for c in changes)
    document = dict(read_card(made))["curation"]
    assert document["per_part"]["fused"]["difference"] > min(document["random"]["refitted"])
    assert all(one["exact"] and one["speaks"] for one in document["changed"])

    design = tmp_path / "newcomers.toml"
    coordinator.draft(design, list(OTHERS))
    keys = coordinator.study("spoiled-curated-1", design, len(OTHERS))
    judges = [
        Judge(browser.new_context(viewport=WIDE).new_page(), server.url, code, key, strictness)
        for (code, strictness), key in zip(OTHERS.items(), keys, strict=True)
    ]
    assert list(rate(judges)) == list(OTHERS)
    assert all(len({at for at, *_ in judge.given}) >= 2 * len(changes) for judge in judges)
    coordinator.end("spoiled-curated-1", design)

    tab.goto(f"{server.url}/model_card?bundle=spoiled-curated-1")
    rise = tab.get_by_text("reviewers who did not decide (R11, R12, R13): newcomers less stayed")
    expect(rise).to_be_visible(timeout=60_000)
    with capsys.disabled():
        sys.stdout.write(f"\n{summary(document)}{rise.inner_text()}\n")
    new = next(p for p in made.prototypes if p.name == changes[0].new)
    tab.goto(f"{server.url}/explain?bundle=spoiled-curated-1")
    ecg = [ptbxl_root / f"{new.record}{suffix}" for suffix in (".hea", ".dat")]
    tab.locator("input[type=file]").first.set_input_files(ecg)
    tab.get_by_text(made.labels[new.statement].description, exact=False).first.click()
    expect(tab.get_by_text(new.record).first).to_be_visible(timeout=60_000)
