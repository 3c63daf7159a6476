import numpy as np
import pytest
import torch

from protoecg.bundle import load_bundle
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.network.shape import BranchShape
from training.data import ptbxl
from training.measure.audit import LABELLED, NOT_LABELLED, audit, cross_fitted, suspects


def two_mislabelled(n=400):
    """Similarities that tell two statements, with two labels turned round."""
    network = ProtoECGNet(
        {"rhythm": BranchShape("strip", (8,), (), 8, ("SR", "AFIB"))}, ("SR", "AFIB")
    )
    s = torch.rand(n, 2, generator=torch.Generator().manual_seed(0))
    y = (s > 0.7).float()
    y[0, 0], y[1, 0] = 1, 0
    s[0, 0], s[1, 0] = 0.02, 0.98
    return network, s, y


def test_turned_labels_are_those_least_borne_out():
    network, s, y = two_mislabelled()
    logits = cross_fitted(network, s, y, np.arange(len(s)))
    surprise = np.where(y.numpy() > 0, -logits, logits)[:, 0]
    assert set(np.argsort(-surprise)[:2]) == {0, 1}
    doubted = suspects(logits, y.numpy())
    assert doubted[0, 0] and not doubted[1, 0]


def test_no_patient_has_a_part_in_the_judgement_of_their_own_ecgs():
    network, s, y = two_mislabelled()
    patients = np.arange(len(s)) // 2
    before = cross_fitted(network, s, y, patients)
    turned = y.clone()
    turned[:2] = 1 - turned[:2]
    after = cross_fitted(network, s, turned, patients)
    assert np.array_equal(after[:2], before[:2])
    assert not np.array_equal(after, before)


def test_the_list_begins_with_the_most_doubtful_and_names_ecg_and_statement(
    tiny_bundle, simulated_root
):
    bundle = load_bundle(tiny_bundle.path)
    found = audit(bundle, simulated_root)
    assert len(found) and list(found["rank"]) == list(range(1, len(found) + 1))
    for row in found.itertuples():
        assert (row.statement in row.statements.split()) is (row.doubt == LABELLED)
        assert (row.probability < 0.5) is (row.doubt == LABELLED)
    assert set(found["doubt"]) <= {LABELLED, NOT_LABELLED}
    assert set(found["fold"]) <= set(bundle.about["config"]["train_folds"])


def test_a_data_set_that_the_bundle_does_not_know_is_refused(tiny_bundle, ptbxl_root):
    with pytest.raises(ptbxl.DataError, match="not trained on PTB-XL"):
        audit(load_bundle(tiny_bundle.path), ptbxl_root)
