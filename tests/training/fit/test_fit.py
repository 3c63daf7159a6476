import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256

import pytest
import torch

from protoecg.bundle import load_bundle
from training.fit.config import ConfigError, read_config
from training.fit.run import Fit
from training.fit.setup import Setup

CPU = torch.device("cpu")


def fit(config, root, work, out):
    return Fit(Setup(read_config(config), root, work, CPU)).run(out)


def digest(bundle, file):
    return sha256((bundle.path / file).read_bytes()).hexdigest()


def command(config, root, work, out):
    arguments = ["--data", root, "--out", out, "--config", config, "--work", work]
    return [sys.executable, "-m", "training", "fit", "--device", "cpu", *map(str, arguments)]


def test_a_run_ends_in_a_bundle_of_every_statement(tiny_bundle):
    assert tiny_bundle.simulated
    assert set(tiny_bundle.network.branches) == {"rhythm", "morphology", "global"}
    assert set(tiny_bundle.decisions) == set(tiny_bundle.statements)
    assert {p.statement for p in tiny_bundle.prototypes} == set(tiny_bundle.statements)


def test_members_see_the_prototypes_that_the_first_network_chose(tiny_bundle, tiny_work):
    branch = tiny_bundle.network.branches["morphology"]
    first, partner = branch.backbone.members
    assert branch.prototypes.vectors.shape[1] == 2 * branch.shape.latent
    assert not torch.equal(first.body[0][0].weight, partner.body[0][0].weight)
    stages = [(e.get("branch"), e["stage"]) for e in tiny_bundle.about["log"]]
    assert stages.index(("morphology", "anchored")) < stages.index(("partner", "projected"))
    of_each = [
        torch.load(tiny_work / f"{name}-anchored.pt", weights_only=True)["module"]
        for name in ("morphology", "partner")
    ]
    assert torch.equal(of_each[0]["inputs"], of_each[1]["inputs"])


def test_a_statement_has_no_more_prototypes_than_patients(tiny_bundle):
    taken = [(p.statement, p.patient) for p in tiny_bundle.prototypes]
    assert len(set(taken)) == len(taken)
    assert all(p.statement in p.statements for p in tiny_bundle.prototypes)


def test_the_bundle_tells_how_it_was_made(tiny_bundle):
    about = tiny_bundle.about
    assert about["config"]["seed"] == 3
    assert about["training_ecgs"] + about["validation_ecgs"] < 120
    stages = {entry["stage"] for entry in about["log"]}
    assert {"pretrain", "joint", "projected", "anchored", "fusion", "bundle"} <= stages


def test_a_branch_without_joint_epochs_goes_from_its_projection_to_anchored_training(
    tiny_config, simulated_root, tmp_path
):
    config = read_config(tiny_config)
    settings = replace(config.branches["global"], joint_epochs=0, lasso_start=0.5)
    config = replace(config, teacher=0, branches={"global": settings}, teachers={})
    Fit(Setup(config, simulated_root, tmp_path, CPU)).branches.trained("global")
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["stage"] for entry in log] == ["pretrain", "projected", "begun", "anchored"]


def test_a_bundle_of_simulated_ecgs_carries_them(tiny_bundle):
    for prototype in tiny_bundle.prototypes:
        file = tiny_bundle.path / "waveforms" / f"{prototype.record}.dat"
        assert sha256(file.read_bytes()).hexdigest() == prototype.sha256


def test_the_same_seed_gives_the_same_bundle(
    tiny_bundle, tiny_config, simulated_root, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("again")
    again = fit(tiny_config, simulated_root, folder / "work", folder / "bundle")
    assert digest(again, "weights.safetensors") == digest(tiny_bundle, "weights.safetensors")
    assert digest(again, "prototypes.json") == digest(tiny_bundle, "prototypes.json")
    assert again.decisions == tiny_bundle.decisions


def test_a_finished_run_is_not_trained_again(
    tiny_bundle, tiny_config, tiny_work, simulated_root, tmp_path
):
    checkpoints = {f: f.stat().st_mtime_ns for f in tiny_work.glob("*.pt")}
    again = fit(tiny_config, simulated_root, tiny_work, tmp_path / "bundle")
    assert digest(again, "weights.safetensors") == digest(tiny_bundle, "weights.safetensors")
    assert {f: f.stat().st_mtime_ns for f in tiny_work.glob("*.pt")} == checkpoints


@pytest.mark.parametrize(
    "reached",
    [
        "train.npy",
        "morphology-anchored.pt",
        "rhythm-joint.pt",
    ],
)
def test_a_run_killed_and_resumed_ends_as_one_that_was_not(
    reached, tiny_bundle, tiny_config, simulated_root, tmp_path
):
    work, out = tmp_path / "work", tmp_path / "bundle"
    run = subprocess.Popen(
        command(tiny_config, simulated_root, work, out), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (work / reached).exists():
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    assert not (out / "bundle.json").exists()
    resumed = fit(tiny_config, simulated_root, work, out)
    assert digest(resumed, "weights.safetensors") == digest(tiny_bundle, "weights.safetensors")
    assert resumed.prototypes == tiny_bundle.prototypes


def test_leftovers_of_a_kill_while_writing_do_no_harm(
    tiny_bundle, tiny_config, tiny_work, simulated_root, tmp_path
):
    work = tmp_path / "work"
    shutil.copytree(tiny_work, work)
    whole = (work / "global.pt").read_bytes()
    (work / "global.pt").unlink()
    (work / "global.part").write_bytes(whole[: len(whole) // 2])
    (work / "global-joint.part").write_bytes(b"")
    resumed = fit(tiny_config, simulated_root, work, tmp_path / "bundle")
    assert digest(resumed, "weights.safetensors") == digest(tiny_bundle, "weights.safetensors")


@pytest.mark.parametrize(("given", "name"), [("Mine", "Mine"), ("", "Clinic 7")])
def test_a_bundle_without_a_name_has_that_of_its_data_set(
    given, name, tiny_config, simulated_root, tmp_path
):
    data = shutil.copytree(simulated_root, tmp_path / "data")
    (data / "dataset.json").write_text('{"name": "Clinic 7"}', encoding="utf-8")
    config = replace(read_config(tiny_config), name=given)
    assert Setup(config, data, tmp_path / "work", CPU).name == name


def test_a_work_folder_of_other_settings_is_refused(
    tiny_bundle, tiny_config, tiny_work, simulated_root
):
    other = replace(read_config(tiny_config), seed=4)
    with pytest.raises(ConfigError, match="other settings or other data"):
        Fit(Setup(other, simulated_root, tiny_work, CPU))


def test_a_work_folder_of_other_data_is_refused(tiny_bundle, tiny_config, tiny_work, tmp_path):
    from training.data.simulated import write_dataset

    write_dataset(tmp_path / "other", 30, seed=6)
    with pytest.raises(ConfigError, match="other settings or other data"):
        Fit(Setup(read_config(tiny_config), tmp_path / "other", tiny_work, CPU))


def test_branches_trained_side_by_side_end_as_those_trained_in_turn(
    tiny_bundle, tiny_config, simulated_root, tmp_path
):
    fit = Fit(Setup(read_config(tiny_config), simulated_root, tmp_path / "work", CPU))
    fit.branches.side_by_side(2)
    whole = fit.run(tmp_path / "bundle")
    assert digest(whole, "weights.safetensors") == digest(tiny_bundle, "weights.safetensors")


def test_what_was_written_is_what_loads(tiny_bundle):
    assert load_bundle(tiny_bundle.path).prototypes == tiny_bundle.prototypes


BRANCH = '[branches.rhythm]\nview = "strip"\nwidths = [8]\nstrides = []\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"\nseeds = 1', "seeds: Unexpected"),
        ('name = "x"\n[losses]\nlove = 1', "losses.love: Unexpected"),
        ('name = "x"\n[branches.soul]\nview = "strip"', "Unknown branch soul"),
        ('name = "x"\nbranches = 3', "branches: .*dictionary"),
        ('name = "x"\n[branches.rhythm]\nview = "strip"', "branches.rhythm.widths: Field required"),
        ('name = "x"\nteacher = 1.5', "teacher: .*less than or equal to 1"),
        ('name = "x"\nlearning_rate = inf', "learning_rate: .*finite"),
        ('name = "x"\n[losses]\nl1 = -1.0', "losses.l1: .*greater than or equal to 0"),
        ('name = "x"\n[fusion]\nshares = [0.1, 1.0]', "fusion.shares.1: .*less than 1"),
        ('name = "x"\n[fusion]\nsupport = "all"', "fusion.support: .*'own' or 'any'"),
        ('name = "x"\ntrain_folds = []', "train_folds: .*at least 1"),
        ('name = "x"', "There is no branch to train"),
        (
            f'name = "x"\ntrain_folds = [8, 9]\n{BRANCH}',
            "Fold 9 is in train_folds and in validation_folds",
        ),
        (f'name = "x"\n{BRANCH}{BRANCH}'.replace("branches", "teachers", 1), "as a branch"),
        ("name = ", "cannot be read as TOML"),
    ],
)
def test_settings_that_cannot_be_used_are_named(text, words, tmp_path):
    (tmp_path / "bad.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        read_config(tmp_path / "bad.toml")


@pytest.mark.parametrize("name", ["demo", "ptbxl", "by_lead"])
def test_the_settings_that_come_along_can_be_read(name):
    from training.commands.options import CONFIGS

    assert set(read_config(CONFIGS / f"{name}.toml").branches) == {"rhythm", "morphology", "global"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('view = "strip"', 'view = "keyhole"', "view: .*'strip'"),
        ('view = "strip"', 'view = "leads"', "multiple of 12"),
        ("strides = [2, 1]", "strides = [2, 1, 2]", "cannot be built"),
        ("live = 4", "lasso_start = 1.5", "lasso_start: .*less than or equal to 1"),
    ],
)
def test_a_branch_that_cannot_be_built_is_refused(
    tiny_config, simulated_root, tmp_path, old, new, message
):
    text = tiny_config.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "bad.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        Fit(Setup(read_config(tmp_path / "bad.toml"), simulated_root, tmp_path / "work", CPU))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["partner"]', '["stranger"]', "stranger.*expected a teacher"),
        ('["partner"]', '["partner", "partner"]', "named once"),
        (
            '[teachers.partner]\nview = "leads"',
            '[teachers.partner]\nview = "strip"',
            "partner.*view",
        ),
    ],
)
def test_a_member_that_does_not_fit_is_refused(
    tiny_config, simulated_root, tmp_path, old, new, message
):
    text = tiny_config.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "bad.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        Fit(Setup(read_config(tmp_path / "bad.toml"), simulated_root, tmp_path / "work", CPU))
