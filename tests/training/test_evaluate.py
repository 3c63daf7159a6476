import numpy as np
import pytest
import torch

from protoecg.signals import model_input
from training import evaluate as module
from training import ptbxl
from training.evaluate import evaluate
from training.metrics import auroc
from training.ptbxl import DataError


@pytest.fixture(scope="module")
def figures(tiny_bundle, simulated_root):
    return evaluate(tiny_bundle, simulated_root, 10)


def by_hand(bundle, root):
    data = ptbxl.load(root).folds([10])
    x = np.stack([model_input(ptbxl.read_record(root, r)) for r in data.table["record"]])
    with torch.inference_mode():
        output = bundle.network(torch.from_numpy(x))
    return output, data.labels(bundle.statements)


def test_every_ecg_of_the_fold_is_measured_once(figures, simulated_root):
    assert figures["n"] == len(ptbxl.load(simulated_root).folds([10]).table) > 0
    assert figures["fold"] == 10


def test_the_macro_auroc_is_that_of_the_logits_that_are_explained(
    figures, tiny_bundle, simulated_root
):
    output, labels = by_hand(tiny_bundle, simulated_root)
    expected = auroc(labels, output.logits.numpy())
    # Float rounding may part or join near-equal logits, worth a pair or two.
    assert figures["macro_auroc"] == pytest.approx(np.nanmean(expected), abs=0.005)


def test_every_statement_has_its_figure_or_none_where_it_cannot_have_one(
    figures, tiny_bundle, simulated_root
):
    _, labels = by_hand(tiny_bundle, simulated_root)
    assert set(figures["per_statement"]) == set(tiny_bundle.statements)
    for code, count in zip(tiny_bundle.statements, labels.sum(axis=0), strict=True):
        told = figures["per_statement"][code]
        assert told["positives"] == count
        assert (told["auroc"] is None) == (count in (0, len(labels)))
    values = [v["auroc"] for v in figures["per_statement"].values() if v["auroc"] is not None]
    assert figures["macro_auroc"] == pytest.approx(np.mean(values))


def test_each_branch_is_measured_alone_on_its_own_statements(figures, tiny_bundle, simulated_root):
    output, labels = by_hand(tiny_bundle, simulated_root)
    start = 0
    for name, branch in tiny_bundle.network.branches.items():
        owners = branch.shape.owners
        columns = [tiny_bundle.statements.index(c) for c in dict.fromkeys(owners)]
        with torch.inference_mode():
            logits = tiny_bundle.network.solo[name](
                output.similarities[:, start : start + len(owners)]
            )
        values = auroc(labels[:, columns], logits.numpy())
        assert figures["per_branch"][name]["statements"] == np.sum(~np.isnan(values))
        assert figures["per_branch"][name]["macro_auroc"] == pytest.approx(
            np.nanmean(values), abs=0.005
        )
        start += len(owners)
    assert set(figures["per_branch"]) == set(tiny_bundle.network.branches)


def test_the_size_of_batches_does_not_matter(figures, tiny_bundle, simulated_root, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    alone = evaluate(tiny_bundle, simulated_root, 10)
    assert alone["n"] == figures["n"]
    assert alone["macro_auroc"] == pytest.approx(figures["macro_auroc"], abs=0.005)


def test_evaluating_does_not_change_the_bundle(tiny_bundle, simulated_root):
    before = {k: v.clone() for k, v in tiny_bundle.network.state_dict().items()}
    evaluate(tiny_bundle, simulated_root, 10)
    assert all(torch.equal(v, before[k]) for k, v in tiny_bundle.network.state_dict().items())


def test_a_fold_without_ecgs_is_an_error(tiny_bundle, simulated_root):
    with pytest.raises(DataError, match="no ECG of fold 77"):
        evaluate(tiny_bundle, simulated_root, 77)
