"""Curation where the data set is not: candidates come from the index, their ECGs from PhysioNet."""

import json
import shutil

import pytest
from physionet import serving
from test_curate import ordinary

from protoecg.bundle import load_bundle
from protoecg.evidence.neighbours import write_neighbours
from protoecg.prototypes.curation import Proposals, Rule
from training.curate.desk import Desk
from training.curate.pool import pool

NOTHING = Proposals(retired=(), rejected=(), rated=0)


@pytest.fixture
def real(indexed, tmp_path, monkeypatch):
    """The tiny bundle as one of real ECGs, none of which is on this machine."""
    folder = tmp_path / "real"
    shutil.copytree(indexed, folder)
    shutil.rmtree(folder / "waveforms")
    ecgs = pool(load_bundle(indexed), None).ecgs
    head = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(head | {"simulated": False}))
    write_neighbours(load_bundle(folder), ecgs)
    monkeypatch.setenv("PROTOECG_PTBXL", str(tmp_path / "none"))
    monkeypatch.setenv("PROTOECG_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PROTOECG_FETCH", raising=False)
    return load_bundle(folder)


def test_the_ecgs_of_candidates_are_fetched(real, simulated_root, tmp_path, monkeypatch):
    with serving(simulated_root) as physionet:
        monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
        found = Desk(real, None).candidates(ordinary(real).name, NOTHING, Rule())
    assert found
    records = {candidate.prototype.record for candidate in found}
    assert all((tmp_path / "cache" / f"{record}.dat").is_file() for record in records)


def test_nothing_is_fetched_where_that_is_turned_off(real, simulated_root, monkeypatch):
    monkeypatch.setenv("PROTOECG_FETCH", "off")
    with serving(simulated_root) as physionet:
        monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
        assert Desk(real, None).candidates(ordinary(real).name, NOTHING, Rule()) == []
        assert not physionet.asked


def test_without_a_network_there_are_none(real, monkeypatch):
    monkeypatch.setenv("PROTOECG_PHYSIONET", "http://127.0.0.1:9/")
    assert Desk(real, None).candidates(ordinary(real).name, NOTHING, Rule()) == []
