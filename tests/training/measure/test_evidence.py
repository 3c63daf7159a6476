import json

import numpy as np
import pytest
import torch

from training.__main__ import main
from training.data import ptbxl
from training.measure.evidence import measure, summary


@pytest.fixture(scope="module")
def results(tiny_bundle, simulated_root):
    return measure(tiny_bundle, simulated_root, 9)


def test_measurements_are_what_the_two_aurocs_differ_by(results, tiny_bundle):
    added = results["measurements"]
    assert added["difference"] == pytest.approx(added["with"] - added["without"])
    low, high = added["difference_interval"]
    assert low <= added["difference"] <= high
    of_each = [own for own in added["per_statement"].values() if own["with"] is not None]
    for part in ("with", "without"):
        assert np.mean([own[part] for own in of_each]) == pytest.approx(added[part])


def test_a_bundle_without_measurements_loses_nothing_by_leaving_them_out(
    tiny_bundle, simulated_root
):
    bare = type(tiny_bundle)(**{**vars(tiny_bundle), "measured": None})
    assert measure(bare, simulated_root, 9)["measurements"]["difference"] == 0


def test_of_equal_own_weights_the_most_similar_prototype_leads(tiny_bundle, simulated_root):
    data = ptbxl.load(simulated_root).folds([9])
    leading = measure(tiny_bundle, simulated_root, 9)["leading"]
    assert 0 < leading["calls"] <= len(data.table) * len(tiny_bundle.statements)
    assert leading["most_similar"] == 1
    assert 1 <= leading["matches"] <= len(tiny_bundle.prototypes)


def test_unequal_weights_let_another_one_lead(tiny_bundle, simulated_root):
    weight = tiny_bundle.network.fusion.weight
    before = weight.clone()
    with torch.inference_mode():
        weight[:, 1::2] *= 100
    try:
        assert measure(tiny_bundle, simulated_root, 9)["leading"]["most_similar"] < 1
    finally:
        with torch.inference_mode():
            weight.copy_(before)


def test_the_command_prints_the_figures(results, tmp_path, tiny_bundle, simulated_root, capsys):
    file = tmp_path / "evidence.json"
    command = ["evidence", "--bundle", tiny_bundle.path, "--data", simulated_root]
    assert main([str(part) for part in [*command, "--fold", 9, "--json", file]]) == 0
    assert json.loads(file.read_text()) == results
    assert capsys.readouterr().out == summary(results)
