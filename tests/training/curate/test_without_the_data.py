"""Curation where the data set is not: candidates come from the index, their ECGs from PhysioNet."""

import json
import shutil

import pytest
from physionet import serving
from test_curate import opinions, ordinary

from protoecg.bundle import load_bundle
from protoecg.evidence.neighbours import write_neighbours
from protoecg.prototypes.curation import Proposals, Rule
from training.__main__ import main
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
        found = Desk(real, None).candidates(ordinary(real).name, NOTHING, Rule()).candidates
    assert found
    records = {candidate.prototype.record for candidate in found}
    assert all((tmp_path / "cache" / f"{record}.dat").is_file() for record in records)


def test_whoever_waits_is_told_how_many_are_found(real, simulated_root, monkeypatch):
    counts = []
    with serving(simulated_root) as physionet:
        monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
        desk, name = Desk(real, None), ordinary(real).name
        found = desk.candidates(name, NOTHING, Rule(), on_found=counts.append)
    assert sorted(counts) == counts and set(range(1, len(found.candidates) + 1)) <= set(counts)


def test_nothing_is_asked_for_twice(real, simulated_root, monkeypatch):
    first, second = two_of_a_statement(real)
    with serving(simulated_root) as physionet:
        monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
        found = Desk(real, None).candidates(first, NOTHING, Rule()).candidates
    (gone, *_) = (f"/{candidate.prototype.record}.hea" for candidate in found)
    monkeypatch.setenv("PROTOECG_CACHE", f"{real.path}/another cache")
    with serving(simulated_root) as physionet:
        monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
        physionet.broken[gone] = 404
        desk = Desk(real, None)
        for name, again in ((first, False), (first, True), (second, False)):
            seen = desk.candidates(name, NOTHING, Rule(), again=again)
        assert seen.words.startswith("1 ECG that might stand for the statement cannot be had: ")
        assert physionet.asked.count(gone) == 1
        assert len(physionet.asked) == len(set(physionet.asked))


def test_a_connection_that_fails_is_said_and_another_try_goes_on(real, simulated_root, monkeypatch):
    name = ordinary(real).name
    with serving(simulated_root) as physionet:
        monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
        desk = Desk(real, None)
        physionet.breaks_off_after = 4
        broken_off = desk.candidates(name, NOTHING, Rule())
        assert "No connection to " in broken_off.words
        asked = len(physionet.asked)
        # To look again by itself is not to try again.
        assert desk.candidates(name, NOTHING, Rule()) is broken_off
        assert len(physionet.asked) == asked
        physionet.breaks_off_after = None
        whole = desk.candidates(name, NOTHING, Rule(), again=True)
    assert not whole.words and len(whole.candidates) > len(broken_off.candidates)
    came = {f"/{candidate.prototype.record}.dat" for candidate in broken_off.candidates}
    assert not came & set(physionet.asked[asked:])


def test_nothing_is_fetched_where_that_is_turned_off(real, simulated_root, monkeypatch):
    monkeypatch.setenv("PROTOECG_FETCH", "off")
    with serving(simulated_root) as physionet:
        monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
        found = Desk(real, None).candidates(ordinary(real).name, NOTHING, Rule())
        assert not found.candidates and "PROTOECG_FETCH" in found.words
        assert not physionet.asked


def test_without_a_network_there_are_none(real, monkeypatch):
    monkeypatch.setenv("PROTOECG_PHYSIONET", "http://127.0.0.1:9/")
    found = Desk(real, None).candidates(ordinary(real).name, NOTHING, Rule())
    assert not found.candidates and "No connection to " in found.words


def test_a_curation_whose_candidates_cannot_be_had_is_refused_in_a_sentence(
    real, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("PROTOECG_PHYSIONET", "http://127.0.0.1:9/")
    bad = ordinary(real).name
    ratings = opinions(real, {bad: 1})
    ratings.to_csv(tmp_path / "opinions.csv", index=False)
    rule, out = tmp_path / "rule.toml", tmp_path / "out"
    arguments = ["--bundle", real.path, "--ratings", tmp_path, "--rule", rule, "--out", out]
    command = ["curate", *map(str, arguments), "--work", str(tmp_path / "work")]
    for chosen in ("", f'[chosen]\n"{bad}" = "{candidate(real)} 0.00"'):
        rule.write_text(f"representativeness = 2\n{chosen}")
        assert main(command) == 1
        printed = capsys.readouterr().err.splitlines()[-1]
        assert bad in printed and "cannot be had: No connection to " in printed and not out.exists()


def candidate(bundle):
    """A record whose first window the index has."""
    known = pool(bundle, None)
    rows = known.ecgs.cells["morphology"]
    return known.table["record"][int((rows == 0).any(axis=1).argmax())]


def two_of_a_statement(bundle):
    first = ordinary(bundle)
    of = [p.name for p in bundle.prototypes if p.statement == first.statement]
    return of[:2]
