"""The search for settings: what it varies, what it shares, and that it survives a kill."""

import os
import shutil
from dataclasses import replace
from hashlib import sha256

import optuna
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.__main__ import main
from training.commands.options import CONFIGS
from training.fit.config import BranchConfig, Config, ConfigError, LossWeights, read_config
from training.fit.run import Fit
from training.fit.setup import Setup
from training.search.tune import Search, changed_settings, link, space, write_config

CPU = torch.device("cpu")
INPUTS = ["train.npy", "train.json", "validation.npy", "validation.json"]
SHARED = (
    "train.npy",
    "validation.npy",
    "teacher.npy",
    "morphology-pretrain.pt",
    "partner-pretrain.pt",
    "rhythm.pt",
)


def contents(folder):
    """Checksum of every file under a folder, by its name."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(f.relative_to(folder)): sha256(f.read_bytes()).hexdigest() for f in files}


def search(config, root, work, branch="morphology"):
    return Search(read_config(config), root, work, CPU, branch)


@pytest.fixture(scope="module")
def root(tmp_path_factory, simulated_root):
    """The simulated data set without the signals of fold 10, the test fold."""
    from training.data.ptbxl import load

    root = tmp_path_factory.mktemp("data") / "no_test_fold"
    shutil.copytree(simulated_root, root)
    for record in load(root).folds([10]).table["record"]:
        (root / f"{record}.dat").unlink()
    return root


@pytest.fixture(scope="module")
def started(tmp_path_factory, tiny_bundle, tiny_work):
    """Return a function that makes a work folder in which the base run is trained."""

    def start():
        work = tmp_path_factory.mktemp("tune")
        shutil.copytree(tiny_work, work / "base")
        return work

    return start


@pytest.fixture(scope="module")
def before(tiny_bundle, tiny_work):
    return contents(tiny_work)


@pytest.fixture(scope="module")
def tuned(started, before, tiny_config, root):
    """Work folder of a search by two trials."""
    work = started()
    command = ["--data", root, "--config", tiny_config, "--branch", "morphology"]
    command = ["tune", *command, "--trials", "2", "--work", work, "--device", "cpu"]
    assert main([str(a) for a in command]) == 0
    return work


@pytest.fixture(scope="module")
def study(tuned, tiny_config, root):
    return search(tiny_config, root, tuned).run(2)


def test_the_first_figure_is_that_of_the_settings_as_given(study, tiny_bundle, tiny_config):
    first = study.trials[0]
    assert first.value == tiny_bundle.about["validation"]["macro_auroc"]
    unchanged = changed_settings(read_config(tiny_config), first.params)
    assert unchanged == changed_settings(read_config(tiny_config), {})


def test_a_trial_is_judged_by_the_validation_figure_of_its_bundle(study, tuned):
    from protoecg.bundle import load_bundle

    assert [trial.number for trial in study.trials] == [0, 1, 2]
    for trial in study.trials[1:]:
        bundle = load_bundle(tuned / f"trial-{trial.number}" / "bundle")
        assert trial.value == bundle.about["validation"]["macro_auroc"]


def test_the_best_settings_read_back_as_those_of_the_best_trial(study, tuned, tiny_config):
    best = read_config(tuned / "best.toml")
    given = read_config(tiny_config)
    morphology = best.branches["morphology"]
    assert study.best_value == max(trial.value for trial in study.trials)
    for path, value in study.best_params.items():
        assert getattr(morphology, path.split(".")[-1]) == value
    untouched = {**best.branches, "morphology": given.branches["morphology"]}
    assert replace(best, branches=untouched) == given


def test_what_pretraining_made_is_linked_and_stays_as_it_was(tuned, before):
    base = contents(tuned / "base")
    assert {name: base[name] for name in before if name != "log.jsonl"} == {
        name: digest for name, digest in before.items() if name != "log.jsonl"
    }
    for name in SHARED:
        assert (tuned / "trial-1" / name).samefile(tuned / "base" / name)


def test_a_trial_trains_its_branch_anew_and_no_other(tuned):
    base, trial = contents(tuned / "base"), contents(tuned / "trial-1")
    for name in ("morphology-joint.pt", "morphology-anchored.pt", "morphology.pt"):
        assert trial[name] != base[name]
    assert not {"rhythm-joint.pt", "global-joint.pt"} & set(trial)


def test_a_finished_search_is_not_run_again(study, tuned, tiny_config, root):
    files = {f: f.stat().st_mtime_ns for f in tuned.rglob("*.pt")}
    again = search(tiny_config, root, tuned).run(2)
    assert [t.params for t in again.trials] == [t.params for t in study.trials]
    assert {f: f.stat().st_mtime_ns for f in tuned.rglob("*.pt")} == files


def test_a_search_killed_within_a_trial_ends_as_one_that_was_not(
    study, started, tiny_config, root, monkeypatch
):
    """The kill is an interrupt as the checkpoint of a stage is written."""
    work = started()
    real = os.replace

    def killed(part, file):
        real(part, file)
        if str(file).endswith("trial-1/morphology-joint.pt"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            search(tiny_config, root, work).run(1)
    checkpoint = work / "trial-1" / "morphology-joint.pt"
    written = checkpoint.stat().st_mtime_ns
    resumed = search(tiny_config, root, work).run(1)
    assert checkpoint.stat().st_mtime_ns == written
    assert [(t.number, t.params, t.value) for t in resumed.trials] == [
        (t.number, t.params, t.value) for t in study.trials[:2]
    ]


def test_a_trial_killed_before_its_settings_were_drawn_is_given_up(
    tuned, tiny_config, root, tmp_path
):
    work = shutil.copytree(tuned, tmp_path / "work")
    search(tiny_config, root, work).run(2).ask()
    states = [trial.state.name for trial in search(tiny_config, root, work).run(2).trials]
    assert states == ["COMPLETE", "COMPLETE", "COMPLETE", "FAIL"]


def test_a_trial_is_repeated_by_its_settings_file_alone(
    tiny_bundle, tiny_config, tiny_work, root, tmp_path
):
    """Nothing of the base run but what both have in common shaped it."""
    config = read_config(tiny_config)
    config = replace(config, branches={"morphology": config.branches["morphology"]})
    for folder in (tmp_path / "tune" / "base", tmp_path / "work"):
        folder.mkdir(parents=True)
        link(tiny_work, folder, INPUTS)
    Search(config, root, tmp_path / "tune", CPU).run(1)
    trial = tmp_path / "tune" / "trial-1"
    tried = read_config(trial / "config.toml")
    assert tried.teacher != config.teacher and tried.losses != config.losses
    Fit(Setup(tried, root, tmp_path / "work", CPU)).run(tmp_path / "bundle")
    base, alone = contents(tmp_path / "tune" / "base"), contents(tmp_path / "bundle")
    assert alone["weights.safetensors"] == contents(trial / "bundle")["weights.safetensors"]
    assert alone["weights.safetensors"] != base["bundle/weights.safetensors"]


@pytest.mark.parametrize(
    "change", [{"fusion": replace(Config("").fusion, tolerance=0.5)}, {"name": "Other"}]
)
def test_a_work_folder_of_another_search_is_refused(change, study, tuned, tiny_config, root):
    other = replace(read_config(tiny_config), **change)
    with pytest.raises(ConfigError, match="from other settings or of another branch"):
        Search(other, root, tuned, CPU, "morphology").run(2)
    with pytest.raises(ConfigError, match="from other settings or of another branch"):
        search(tiny_config, root, tuned, "rhythm").run(2)


def test_a_branch_that_the_settings_lack_is_refused(tiny_config):
    config = replace(read_config(tiny_config), branches={})
    with pytest.raises(ConfigError, match="No branch rhythm"):
        space(config, "rhythm")


@pytest.mark.parametrize("branch", [None, "rhythm", "morphology", "global"])
@pytest.mark.parametrize("name", ["demo", "ptbxl", "held_out"])
def test_every_range_holds_the_setting_as_given(name, branch):
    config = read_config(CONFIGS / f"{name}.toml")
    ranges = space(config, branch)
    settings = changed_settings(config, {})
    for path, found in ranges.items():
        value = settings
        for key in path.split("."):
            value = value[key]
        assert found.low <= value <= found.high
        assert found.low < found.high


def test_only_settings_after_pretraining_are_varied():
    """Pre-trained files are shared, so that nothing which shapes them may vary."""
    config = read_config(CONFIGS / "ptbxl.toml")
    keys = {
        path.split(".")[-1] for branch in [None, *config.branches] for path in space(config, branch)
    }
    assert keys <= {
        "teacher", "clustering", "separation", "diversity", "contrastive", "l1",
        "prototypes_per_statement", "joint_learning_rate", "anchored_learning_rate",
    }  # fmt: skip


def test_what_has_no_effect_is_not_varied():
    config = read_config(CONFIGS / "ptbxl.toml")
    idle = replace(config.branches["rhythm"], anchored_epochs=0)
    config = replace(config, branches={"rhythm": idle}, losses=LossWeights(contrastive=0.0))
    config = replace(config, teacher=0.0)
    assert "branches.rhythm.anchored_learning_rate" not in space(config, "rhythm")
    assert not {"losses.contrastive", "teacher"} & set(space(config, None))


weights = st.floats(1e-9, 10)
branches = st.builds(
    BranchConfig,
    view=st.sampled_from(["strip", "window"]),
    widths=st.lists(st.integers(1, 500), min_size=1).map(tuple),
    strides=st.lists(st.integers(1, 4)).map(tuple),
    unique_patients=st.booleans(),
    joint_learning_rate=weights,
)
configs = st.builds(
    Config,
    name=st.text(),
    seed=st.integers(0, 2**31),
    teacher=st.floats(0, 1),
    carry_waveforms=st.booleans(),
    losses=st.builds(LossWeights, l1=weights),
    branches=st.fixed_dictionaries({"rhythm": branches}, optional={"global": branches}),
    teachers=st.dictionaries(st.sampled_from(["a", "b c", "ü.x"]), branches),
)


@given(config=configs)
def test_written_settings_read_back_equal(config, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "written.toml"
    write_config(file, changed_settings(config, {}), "# Any heading\n")
    assert read_config(file) == config


def test_files_are_copied_where_links_are_not_possible(tmp_path, monkeypatch):
    source, folder = tmp_path / "base", tmp_path / "trial"
    source.mkdir(), folder.mkdir()
    (source / "a.npy").write_bytes(b"inputs")

    def refuse(*_):
        raise OSError("no links on this file system")

    monkeypatch.setattr(os, "link", refuse)
    link(source, folder, ["a.npy"])
    assert contents(folder) == contents(source)
    assert not (folder / "a.npy").samefile(source / "a.npy")


def test_the_study_can_be_read_with_optuna(study, tuned):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(tuned / "study.log")))
    assert optuna.load_study(study_name=None, storage=storage).best_value == study.best_value
