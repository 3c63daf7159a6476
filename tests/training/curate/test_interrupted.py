"""A curation that is killed, or finds no room on the disk, goes on as if nothing had been."""

import importlib
import json
import os
import resource
import signal
import sys
from contextlib import contextmanager

import pytest
from test_curate import RULE, opinions, ordinary

from protoecg.prototypes.curation import Proposals, Rule, curations
from protoecg.prototypes.manifest import read_manifest, revision
from protoecg.storage.files import checksum
from training.__main__ import main
from training.curate.progress import curation_progress

# After each of these the process is killed: where it is defined, and which time.
STEPS = (
    ("review_db.curation.proposals", "propose_from", 1),
    ("training.curate.run", "suspects", 1),
    ("training.curate.run", "swaps", 1),
    ("training.curate.similarity", "_seen", 1),
    ("training.curate.finish", "_partial_fit", 1),
    ("training.curate.finish", "_validation", 1),
    ("training.curate.comparison", "compare", 1),
    ("training.curate.finish", "_drawn", 8),
    ("training.curate.finish", "_drawn", 15),
    ("training.curate.run", "save_bundle", 1),
    ("training.curate.run", "write_neighbours", 1),
    ("training.curate.run", "write_card", 1),
)


@pytest.fixture
def arguments(tmp_path, bundle, simulated_root):
    """Of the command, by which its folder is made and in which work folder."""
    (tmp_path / "export").mkdir()
    ratings = opinions(bundle, {ordinary(bundle).name: 1})
    ratings.to_csv(tmp_path / "export" / "opinions.csv", index=False)
    (tmp_path / "rule.toml").write_text(RULE)

    def named(out, work):
        given = ["--bundle", bundle.path, "--ratings", tmp_path / "export", "--data"]
        given += [simulated_root, "--rule", tmp_path / "rule.toml"]
        return [*map(str, ["curate", *given, "--out", tmp_path / out, "--work", tmp_path / work])]

    return named


@contextmanager
def kept(*folders):
    """Whatever happens, these folders are as they were."""
    before = [contents(folder) for folder in folders]
    yield
    assert [contents(folder) for folder in folders] == before


def contents(folder):
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): checksum(file) for file in files}


def in_child(act):
    """Do something in a process of its own; return how that ended, and what it said."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child:
        os.close(theirs)
        with os.fdopen(ours, "rb") as words:
            printed = words.read().decode()
        return os.waitpid(child, 0)[1], printed
    os.dup2(theirs, 1)
    os.dup2(theirs, 2)
    os.close(theirs)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    code = 99
    try:
        code = act()
        sys.stderr.flush()
    finally:
        os._exit(code)


def killed_after(module, name, times):
    """Have this process killed when a function has returned so many times."""
    place = importlib.import_module(module)
    real, left = getattr(place, name), [times]

    def step(*args, **kwargs):
        found = real(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(place, name, step)


def bits(folder):
    """What a bundle is, but for when it was begun and the revision that follows from that."""
    manifest = read_manifest(folder)
    names = {curations(manifest.about)[-1].date: "DATE", revision(folder): "REVISION"}
    names[checksum(folder / "bundle.json")] = "REVISION"
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".json":
            text = file.read_text()
            for value, name in names.items():
                text = text.replace(value, name)
            found[file.name] = text
        elif file.is_file():
            found[file.name] = checksum(file)
    return found


def test_killed_after_each_step_it_goes_on_to_the_same_bundle(arguments, bundle, tmp_path):
    assert main(arguments("clean", "work of the clean one")) == 0
    command = arguments("killed", "work")
    with kept(bundle.path, tmp_path / "export"):
        for step in STEPS:
            ended, _ = in_child(lambda step=step: killed_after(*step) or main(command))
            assert os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL, step
            assert not (tmp_path / "killed").exists()
        assert main(command) == 0
    assert bits(tmp_path / "killed") == bits(tmp_path / "clean")
    # Nothing of the kills is left, and what it kept of itself is gone with its end.
    assert not [*tmp_path.glob(".killed*"), *(tmp_path / "work").glob("begun-*")]


def test_draws_that_were_measured_before_a_kill_are_not_measured_again(
    arguments, tmp_path, monkeypatch
):
    command = arguments("out", "work")
    in_child(lambda: killed_after("training.curate.finish", "_drawn", 8) or main(command))
    (file,) = (tmp_path / "work").glob("begun-*.json")
    document = json.loads(file.read_text())
    assert len(document["draws"]) == 7
    document["draws"][0] = [0.25, 0.5]
    file.write_text(json.dumps(document))
    assert main([*command, "--json", str(tmp_path / "figures.json")]) == 0
    chance = json.loads((tmp_path / "figures.json").read_text())["random"]
    assert len(chance["refitted"]) == 20 and chance["refitted"][0] == 0.25


def test_the_same_rule_goes_on_in_whatever_order_it_names_windows(bundle, tmp_path):
    chosen = {"one": "a 1.00", "other": "b 2.00"}
    nothing = Proposals(retired=(), rejected=(), rated=0)
    begun = curation_progress(tmp_path, bundle, nothing, Rule(chosen=chosen))
    begun.add(0.1, 0.2)
    turned = Rule(chosen=dict(reversed(chosen.items())))
    assert curation_progress(tmp_path, bundle, nothing, turned).draws == [(0.1, 0.2)]


@pytest.mark.parametrize("full", ["at once", "after the similarities"])
def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on(
    arguments, bundle, tmp_path, full
):
    command = arguments("out", "work")
    largest = max(file.stat().st_size for file in bundle.path.iterdir())
    room = 100 if full == "at once" else largest - 1

    def act():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        return main(command)

    with kept(bundle.path, tmp_path / "export"):
        ended, printed = in_child(act)
        assert os.WEXITSTATUS(ended) == 1
        sentence = printed.splitlines()[-1]
        assert sentence.startswith("There is no room left to write ") and "Free some" in sentence
        assert not [*tmp_path.glob("out"), *tmp_path.glob(".out*")]
        assert not list((tmp_path / "work").glob(".*.part"))
        assert main(command) == 0
