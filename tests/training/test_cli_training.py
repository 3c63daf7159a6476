import json
import shutil

import pytest

from protoecg.prototypes.manifest import revision
from training.__main__ import main


def refused(capsys, *arguments):
    """Run a command that must fail and return the one line that says why."""
    assert main([str(a) for a in arguments]) == 1
    out, err = capsys.readouterr()
    lines = err.rstrip("\n").split("\n")
    assert len(lines) == 1 and lines[0] and not out
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize("command", [[], ["fit"], ["evaluate"], ["download"], ["simulate"]])
def test_help_says_what_a_command_does(command, capsys):
    assert main([*command, "--help"]) == 0
    assert "Usage: python -m training" in capsys.readouterr().out


@pytest.mark.parametrize("command", [[], ["fit"], ["dance"], ["evaluate", "--fold", "ten"]])
def test_a_command_that_is_none_is_a_usage_error(command, capsys):
    assert main(command) == 2
    assert "Usage:" in capsys.readouterr().err


def test_simulate_writes_a_data_set_and_never_over_one(tmp_path, capsys):
    assert main(["simulate", str(tmp_path / "set"), "--n", "3"]) == 0
    capsys.readouterr()
    assert "already holds a data set" in refused(capsys, "simulate", tmp_path / "set", "--n", "3")


def test_fit_on_a_folder_without_data_says_where_to_get_them(tmp_path, capsys, tiny_config):
    printed = refused(
        capsys, "fit", "--data", tmp_path / "none", "--out", tmp_path / "out",
        "--work", tmp_path / "work", "--config", tiny_config,
    )  # fmt: skip
    assert "python -m training download" in printed


def test_fit_with_bad_settings_names_the_setting(tmp_path, capsys, simulated_root):
    (tmp_path / "bad.toml").write_text('name = "x"\nlearning_speed = 3\n')
    printed = refused(
        capsys, "fit", "--data", simulated_root, "--out", tmp_path / "out",
        "--work", tmp_path / "work", "--config", tmp_path / "bad.toml",
    )  # fmt: skip
    assert "learning_speed" in printed


def test_fit_goes_on_from_a_finished_run_and_writes_the_bundle(
    tmp_path, capsys, tiny_bundle, tiny_config, tiny_work, simulated_root
):
    arguments = ["--data", simulated_root, "--out", tmp_path / "out", "--config", tiny_config]
    command = ["fit", *arguments, "--work", tiny_work, "--device", "cpu"]
    assert main([str(a) for a in command]) == 0
    assert (tmp_path / "out" / "bundle.json").is_file()
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'out'}: Tiny, revision {revision(tmp_path / 'out')}" in printed
    assert f"trained on {tiny_bundle.about['training_ecgs']} ECGs" in printed


def test_evaluate_writes_its_figures(tmp_path, capsys, tiny_bundle, simulated_root):
    file = tmp_path / "figures.json"
    command = ["evaluate", "--bundle", tiny_bundle.path, "--data", simulated_root]
    assert main([str(a) for a in [*command, "--fold", 10, "--json", file]]) == 0
    figures = json.loads(file.read_text())
    assert {"n", "macro_auroc", "per_branch", "per_statement"} <= set(figures)
    assert f"{figures['n']} ECGs of fold 10" in capsys.readouterr().out


@pytest.mark.parametrize("fold", [0, 11])
def test_evaluate_on_a_fold_that_is_none_fails(fold, tmp_path, capsys, tiny_bundle, simulated_root):
    printed = refused(
        capsys, "evaluate", "--bundle", tiny_bundle.path, "--data", simulated_root,
        "--fold", fold, "--json", tmp_path / "figures.json",
    )  # fmt: skip
    assert f"no ECG of fold {fold}" in printed


def test_evaluate_without_a_bundle_fails(tmp_path, capsys, simulated_root):
    printed = refused(
        capsys, "evaluate", "--bundle", tmp_path, "--data", simulated_root,
        "--fold", 10, "--json", tmp_path / "figures.json",
    )  # fmt: skip
    assert "no bundle" in printed


def test_neighbours_are_indexed_once_and_again(tmp_path, capsys, tiny_bundle, simulated_root):
    copy = shutil.copytree(tiny_bundle.path, tmp_path / "tiny")
    command = ["neighbours", "--bundle", str(copy), "--data", str(simulated_root)]
    assert main(command) == 0
    assert " ECGs, 0." in capsys.readouterr().out
    first = (copy / "neighbours.safetensors").read_bytes()
    assert main(command) == 0
    assert (copy / "neighbours.safetensors").read_bytes() == first

    command = ["recall", "--bundle", copy, "--data", simulated_root, "--fold", 9, "--n", 3]
    assert main([str(a) for a in [*command, "--branch", "rhythm", "--json", copy / "f.json"]]) == 0
    figures = json.loads((copy / "f.json").read_text())
    # A strip has one latent, so that nothing but rounding can come between.
    assert figures["overlap"] > 0.8 and figures["rounding_max"] < 0.05
    assert figures["similarity"] == pytest.approx(figures["similarity_of_all"], abs=0.02)


def test_recall_needs_an_index(tmp_path, capsys, tiny_bundle, simulated_root):
    printed = refused(
        capsys, "recall", "--bundle", tiny_bundle.path, "--data", simulated_root, "--fold", 9,
        "--json", tmp_path / "figures.json",
    )  # fmt: skip
    assert "python -m training neighbours" in printed


def test_neighbours_of_other_data_are_refused(tmp_path, capsys, tiny_bundle):
    assert main(["simulate", str(tmp_path / "other"), "--n", "20", "--seed", "9"]) == 0
    capsys.readouterr()
    printed = refused(
        capsys, "neighbours", "--bundle", tiny_bundle.path, "--data", tmp_path / "other"
    )  # fmt: skip
    assert "is not the data set" in printed
