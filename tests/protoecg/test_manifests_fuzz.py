"""Damaged bundles, cards, indices, cases and study settings: each is used or refused in words.

PROTOECG_FUZZ=600 pytest --log-cli-level=INFO tests/protoecg/test_manifests_fuzz.py -k card damages
cards for ten minutes; PROTOECG_SEED begins another run.
"""

import json
import shutil
import time
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from damage import damaged
from test_readers_fuzz import LOG, SEED, tries

from protoecg.bundle import load_bundle
from protoecg.card.document import FORMAT, VERSION, CardError, read_card
from protoecg.evidence.neighbours import NeighboursError, read_neighbours
from protoecg.prototypes.manifest import BundleError
from review_db.studies.design import DesignError, design_from_toml
from review_db.studies.items.case_file import read_cases

DEMO = Path(__file__).resolve().parents[2] / "models" / "demo"
SECONDS = 2.0
HOSTILE = (None, True, -1, 0, 2**70, 1e308, float("nan"), "", "x" * 9999, [], {}, [[]], {"a": 1})
ECG = {"record": "r/1", "sha256": "0" * 64}
EXPLAINED = {
    "bundle": "Demo",
    "matches": [
        {"statement": "PVC", "window_s": [2.0, 2.95], "prototype": {**ECG, "window_s": [4.1, 5.05]}}
    ],
}
CASES = {
    "matches": [
        {
            "case": "c1",
            "prototype": "morphology-PVC-1",
            "ecg": ECG,
            "window_s": [2.0, 2.95],
            "similarity": 0.8,
        }
    ],
    "pairs": [{"case": "c2", "statement": "PVC", "ecg": ECG, "a": EXPLAINED, "b": EXPLAINED}],
    "readings": [
        {
            "case": "c3",
            "statement": "PVC",
            "truth": ["PVC", "SR"],
            "ecg": ECG,
            "explanation": EXPLAINED,
        }
    ],
}
STUDY = """
name = "pilot"
reviewers = ["R01", "R02"]
seed = 1
two_stages = true
[sample]
size = 12
[blinding]
statement = true
"""


@pytest.fixture(scope="module")
def demo():
    if not (DEMO / "bundle.json").is_file():
        pytest.skip("models/demo is not there: train it with `make demo`")
    return load_bundle(DEMO)


@pytest.fixture
def folder(demo, tmp_path):
    """A copy of a bundle with a card."""
    shutil.copytree(DEMO, tmp_path / "bundle", ignore=shutil.ignore_patterns("waveforms"))
    card = {
        "format": FORMAT,
        "version": VERSION,
        "revision": demo.revision,
        "measurements": {"evaluation": {"macro": {"auroc": [0.9, 0.8, 0.95]}}},
    }
    (tmp_path / "bundle" / "card.json").write_text(json.dumps(card))
    (tmp_path / "bundle" / "cases.json").write_text(json.dumps(CASES))
    (tmp_path / "bundle" / "study.toml").write_text(STUDY)
    return tmp_path / "bundle"


def with_checksums(folder):
    """Load a bundle whose checksums fit whatever its files hold."""
    head = json.loads((folder / "bundle.json").read_text())
    head["sha256"] = {
        name: sha256((folder / name).read_bytes()).hexdigest() for name in head["sha256"]
    }
    (folder / "bundle.json").write_text(json.dumps(head))
    return load_bundle(folder)


def beside(read, demo, folder):
    return read(replace(demo, path=folder))


READERS = {
    "bundle.json": (lambda demo, folder: load_bundle(folder), BundleError),
    "prototypes.json": (lambda demo, folder: with_checksums(folder), BundleError),
    "weights.safetensors": (lambda demo, folder: with_checksums(folder), BundleError),
    "familiarity.safetensors": (lambda demo, folder: with_checksums(folder), BundleError),
    "card.json": (partial(beside, read_card), CardError),
    "neighbours.json": (partial(beside, read_neighbours), NeighboursError),
    "neighbours.safetensors": (partial(beside, read_neighbours), NeighboursError),
    "cases.json": (lambda demo, folder: read_cases(folder / "cases.json"), DesignError),
    "study.toml": (
        lambda demo, folder: design_from_toml(
            (folder / "study.toml").read_text("utf-8", "replace")
        ),
        DesignError,
    ),
}


def changed(content: bytes, random: Random) -> bytes:
    """Return a manifest with damaged bytes, or JSON with something else in one place."""
    try:
        document = json.loads(content)
    except ValueError:
        return damaged(content, random)
    if random.random() < 0.4:
        return damaged(content, random)
    at = document
    while isinstance(at, dict | list) and at:
        key = random.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if random.random() < 0.3 or not isinstance(at[key], dict | list) or not at[key]:
            at[key] = random.choice(HOSTILE)
            break
        at = at[key]
    return json.dumps(document).encode()


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_manifest_is_used_or_refused_in_time_but_never_breaks(name, demo, folder):
    read, error = READERS[name]
    good, head = (folder / name).read_bytes(), (folder / "bundle.json").read_bytes()
    random, refused, tried = Random(f"{name} {SEED}"), 0, 0
    for _ in tries():
        (folder / "bundle.json").write_bytes(head)
        (folder / name).write_bytes(changed(good, random))
        began = time.process_time()
        try:
            read(demo, folder)
        except error as reason:
            refused += 1
            assert len(str(reason)) > 20
        tried += 1
        assert time.process_time() - began < SECONDS
    LOG.info(f"{name}: seed {SEED}, {tried} tries, {refused} refused")
    assert refused


@pytest.mark.parametrize("name", READERS)
def test_the_manifest_as_it_is_is_used(name, demo, folder):
    READERS[name][0](demo, folder)
