"""Evaluation, projection and the neighbours index on Ray: the answers of one process."""

import json
import os
import shutil
import signal

import numpy as np
import pytest
import torch

from protoecg.batch.on_ray import Ray
from protoecg.bundle import load_bundle
from protoecg.evidence.neighbours import read_neighbours
from training.__main__ import main
from training.data import ptbxl
from training.engine import by_ray, here
from training.fit.loop import Data
from training.fit.nearest import in_memory, on_engine
from training.neighbours import index

pytest.importorskip("ray")


def test_a_process_that_is_lost_costs_no_answer_and_no_order(simulated_root, tmp_path):
    data, mark = ptbxl.load(simulated_root), tmp_path / "killed"

    def summed(x):
        return x.sum(dim=(1, 2)).numpy()

    def summed_by_the_second(x):
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x.sum(dim=(1, 2)).numpy()

    two = by_ray(Ray(None, 2))
    answers = list(two(summed_by_the_second, data, "on Ray"))
    assert mark.exists() and len(answers) > 1
    for answer, expected in zip(answers, here(summed, data, "here"), strict=True):
        np.testing.assert_array_equal(answer, expected)


def test_what_goes_wrong_in_another_process_is_said_as_it_is_here(simulated_root, tmp_path, capsys):
    root = shutil.copytree(simulated_root, tmp_path / "data")
    record = ptbxl.load(root).folds([9]).table["record"].iloc[0]
    (root / f"{record}.hea").unlink()
    with pytest.raises(ptbxl.DataError, match=f"lacks the record {record}. Name a data set"):
        list(by_ray(Ray(None, 1))(len, ptbxl.load(root), "on Ray"))


def test_evaluate_and_neighbours_say_on_ray_what_they_say_in_one_process(
    tiny_bundle, simulated_root, tmp_path
):
    bundles = [shutil.copytree(tiny_bundle.path, tmp_path / name) for name in ("here", "there")]
    index(load_bundle(bundles[0]), simulated_root)
    data = ["--data", str(simulated_root)]
    assert main(["neighbours", "--bundle", str(bundles[1]), *data, "--ray", "auto"]) == 0
    one, other = (read_neighbours(load_bundle(bundle)) for bundle in bundles)
    for name, latents in one.latents.items():
        np.testing.assert_array_equal(latents, other.latents[name])
        np.testing.assert_array_equal(one.cells[name], other.cells[name])
    figures = []
    for bundle, more in zip(bundles, ([], ["--ray", "auto"]), strict=True):
        file = tmp_path / f"{bundle.name}.json"
        asked = ["evaluate", "--bundle", str(bundle), *data, "--fold", "9", "--json", str(file)]
        assert main([*asked, *more]) == 0
        figures.append(json.loads(file.read_text()))
    assert figures[0] == figures[1]


@pytest.mark.parametrize("name", ["rhythm", "morphology"])
def test_projection_takes_the_same_windows_on_ray_though_a_process_is_killed(
    tiny_bundle, simulated_root, tmp_path, name
):
    dataset, mark = ptbxl.load(simulated_root), tmp_path / "killed"
    branch = load_bundle(tiny_bundle.path).network.branches[name]
    x = torch.cat(list(ptbxl.batches(dataset, "here"))).numpy()
    rows = torch.arange(len(x))[1::2]
    one = in_memory(Data(x, torch.zeros(len(x), 1), torch.device("cpu")))(branch, rows)

    def killed_once(*_):
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    branch.backbone.register_forward_pre_hook(killed_once)
    other = on_engine(by_ray(Ray(None, 2)), dataset)(branch, rows)
    assert mark.exists()
    np.testing.assert_allclose(one.values, other.values, atol=1e-6)
    np.testing.assert_array_equal(one.cells, other.cells)


def test_a_bundle_is_refitted_on_ray_as_in_one_process(tiny_bundle, simulated_root, tmp_path):
    made = []
    for name, more in (("here", []), ("there", ["--ray", "auto"])):
        paths = {"--bundle": tiny_bundle.path, "--data": simulated_root, "--out": tmp_path / name}
        words = [str(part) for pair in paths.items() for part in pair]
        assert main(["refit", *words, "--work", str(tmp_path / f"work-{name}"), *more]) == 0
        made.append(load_bundle(tmp_path / name))
    assert made[0].prototypes == made[1].prototypes
    assert made[0].decisions == made[1].decisions


def test_ray_and_processes_side_by_side_are_refused(simulated_root, tmp_path, capsys):
    paths = ["--data", str(simulated_root), "--out", str(tmp_path / "out")]
    assert main(["fit", *paths, "--ray", "auto", "--processes", "2"]) == 2
    assert "leave one out" in capsys.readouterr().err
