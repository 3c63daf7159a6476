"""Evaluation and the neighbours index on Ray: the answers of one process."""

import json
import os
import shutil
import signal

import numpy as np
import pytest

from protoecg.batch.on_ray import Ray
from protoecg.bundle import load_bundle
from protoecg.evidence.neighbours import read_neighbours
from training.__main__ import main
from training.data import ptbxl
from training.engine import by_ray, here
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
    told = list(two(summed_by_the_second, data, "on Ray"))
    assert mark.exists() and len(told) > 1
    for answer, expected in zip(told, here(summed, data, "here"), strict=True):
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
