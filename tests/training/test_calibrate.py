import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.network.shape import BranchShape
from training.fit.calibrate import (
    best_f1_threshold,
    calibrate,
    cross_fit,
    platt,
)
from training.judgement import FEW_POSITIVES, linear
from training.metrics import brier


def drawn(logits, seed=0):
    return (np.random.default_rng(seed).uniform(size=len(logits)) < expit(logits)).astype(float)


def f1(labels, called):
    return 2 * (labels * called).sum() / max(labels.sum() + called.sum(), 1)


def test_calibrated_logits_stay_as_they_are():
    logits = np.random.default_rng(1).normal(-1, 2, 20_000)
    scale, shift = platt(logits, drawn(logits))
    assert scale == pytest.approx(1, abs=0.05)
    assert shift == pytest.approx(0, abs=0.07)


def test_a_known_distortion_is_undone():
    logits = np.random.default_rng(2).normal(-1, 2, 20_000)
    scale, shift = platt((logits - 0.7) / 2.0, drawn(logits))
    assert scale == pytest.approx(2.0, abs=0.12)
    assert shift == pytest.approx(0.7, abs=0.1)


@given(seed=st.integers(0, 10_000), prevalence=st.sampled_from([0.0, 0.01, 0.3, 1.0]))
@settings(max_examples=40, deadline=None)
def test_platt_keeps_the_order_even_of_scores_that_are_wrong_way_round(seed, prevalence):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, 60)
    labels = (rng.uniform(size=60) < prevalence).astype(float)
    scale, shift = platt(logits, labels)
    assert scale > 0 and np.isfinite([scale, shift]).all()


@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), levels=st.integers(2, 50))
@settings(max_examples=150, deadline=None)
def test_no_threshold_that_parts_the_ecgs_has_a_better_f1(seed, n, levels):
    rng = np.random.default_rng(seed)
    probability = rng.integers(1, levels + 1, n) / (levels + 1)
    labels = (rng.uniform(size=n) < probability).astype(float)
    threshold = best_f1_threshold(labels, probability)
    if len(set(probability)) == 1:
        assert threshold == 0.5
        return
    best = max(f1(labels, probability >= t) for t in sorted(set(probability))[1:])
    assert 0 <= threshold <= 1
    assert f1(labels, probability >= threshold) == pytest.approx(best)


def network(columns):
    torch.manual_seed(0)
    shape = {"rhythm": BranchShape("strip", (8, 8), (2,), 8, ("SR", "AFIB", "PACE"))}
    net = ProtoECGNet(shape, ("SR", "AFIB", "PACE")[:columns]).requires_grad_(False)
    net.fusion.weight *= 5
    return net


def test_calibration_goes_into_the_weights():
    net = network(2)
    seen = torch.rand(400, 3) * 2 - 1
    logits = (seen @ net.fusion.weight.T + net.fusion.bias).numpy()
    y = torch.from_numpy(np.stack([drawn(2 * z + 1, c) for c, z in enumerate(logits.T)], axis=1))
    expected = []
    for z, labels in zip(logits.T, y.T.numpy(), strict=True):
        scale, shift = platt(z, labels)
        expected.append(scale * z + shift)
    decisions = calibrate(net, seen, y.float())
    after = (seen @ net.fusion.weight.T + net.fusion.bias).numpy()
    assert after == pytest.approx(np.stack(expected, axis=1), abs=1e-4)
    for column, code in enumerate(("SR", "AFIB")):
        labels, probability = y[:, column].numpy(), expit(after[:, column])
        best = max(f1(labels, probability >= t) for t in sorted(probability)[1:])
        assert f1(labels, probability >= decisions[code].threshold) == pytest.approx(best)


def test_few_positives_are_said_and_give_no_threshold_of_their_own():
    net = network(3)
    seen = torch.rand(200, 3)
    y = torch.zeros(200, 3)
    y[: FEW_POSITIVES - 1, 0] = 1
    y[:FEW_POSITIVES, 1] = 1
    decisions = calibrate(net, seen, y)
    assert (decisions["SR"].low_evidence, decisions["SR"].threshold) == (True, 0.5)
    assert decisions["SR"].positives == FEW_POSITIVES - 1
    assert not decisions["AFIB"].low_evidence
    assert decisions["PACE"].low_evidence and decisions["PACE"].positives == 0


def told(n, seed=3):
    """A network, similarities, and labels that its second statement's logits draw."""
    net = network(2)
    seen = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (n, 3))).float()
    logits = linear(net.fusion, seen)
    y = np.stack([drawn(0 * logits[:, 0] - 1, seed), drawn(2 * logits[:, 1], seed + 1)], axis=1)
    return net, seen, torch.from_numpy(y).float()


def test_no_patient_has_a_part_in_the_judgement_of_their_own_ecgs():
    net, seen, y = told(200)
    patients = np.arange(200) // 2
    before = cross_fit(net, seen, y, patients)
    for patient in (0, 17, 99):
        own = patients == patient
        turned = y.clone()
        turned[own] = 1 - turned[own]
        after = cross_fit(net, seen, turned, patients)
        assert np.array_equal(after.probability[own], before.probability[own])
        assert np.array_equal(after.called[own], before.called[own])
        assert not np.array_equal(after.probability[~own], before.probability[~own])


def test_cross_fitting_does_not_calibrate_the_network():
    net, seen, y = told(60)
    before = net.fusion.weight.clone()
    assert cross_fit(net, seen, y, np.arange(60)).cross_fitted
    assert torch.equal(net.fusion.weight, before)


def test_with_many_ecgs_cross_fitted_probabilities_are_those_that_are_shipped():
    net, seen, y = told(8_000)
    judged = cross_fit(net, seen, y, np.arange(8_000))
    calibrate(net, seen, y)
    shipped = expit(linear(net.fusion, seen))
    assert judged.probability == pytest.approx(shipped, abs=0.02)


def test_cross_fitting_takes_back_what_calibration_gains_by_seeing_the_labels():
    gains = []
    for seed in range(8):
        net, seen, y = told(60, seed)
        judged = cross_fit(net, seen, y, np.arange(60))
        calibrate(net, seen, y)
        shipped = expit(linear(net.fusion, seen))
        labels = y.numpy()
        gains += [
            brier(labels[:, c], judged.probability[:, c]) - brier(labels[:, c], shipped[:, c])
            for c in range(2)
        ]
    assert np.mean(gains) > 0.002 and np.mean(np.array(gains) > 0) > 0.8


def test_where_positives_are_few_the_cross_fitted_threshold_is_one_half_too():
    net, seen, y = told(200)
    y[:, 1] = 0
    y[: FEW_POSITIVES - 1, 1] = 1
    judged = cross_fit(net, seen, y, np.arange(200))
    assert np.array_equal(judged.called[:, 1], judged.probability[:, 1] >= 0.5)


def test_ecgs_of_a_single_patient_are_judged_by_the_network_as_it_is():
    net, seen, y = told(30)
    judged = cross_fit(net, seen, y, np.zeros(30))
    assert judged.probability == pytest.approx(expit(linear(net.fusion, seen)))
