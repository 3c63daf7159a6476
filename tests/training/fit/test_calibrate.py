import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.network.shape import BranchShape
from protoecg.prototypes.manifest import Decision
from training.fit.calibrate import (
    LEAST_LIKELY,
    LIKELY,
    calibrate,
    cross_fit,
    lowest_with,
    platt,
    thresholds,
    worth,
)
from training.judgement import FEW_POSITIVES, Judgement, fused, linear
from training.metrics import brier


def drawn(logits, seed=0):
    return (np.random.default_rng(seed).uniform(size=len(logits)) < expit(logits)).astype(float)


def both(logits, labels):
    """One statement as columns."""
    return logits[:, None], labels[:, None]


def test_calibrated_logits_stay_as_they_are():
    logits = np.random.default_rng(1).normal(-1, 2, 20_000)
    scale, shift = platt(*both(logits, drawn(logits)))
    assert scale == pytest.approx([1], abs=0.05)
    assert shift == pytest.approx([0], abs=0.07)


def test_a_known_distortion_is_undone():
    logits = np.random.default_rng(2).normal(-1, 2, 20_000)
    scale, shift = platt(*both((logits - 0.7) / 2.0, drawn(logits)))
    assert scale == pytest.approx([2.0], abs=0.12)
    assert shift == pytest.approx([0.7], abs=0.1)


@given(seed=st.integers(0, 10_000), prevalence=st.sampled_from([0.0, 0.01, 0.3, 1.0]))
@settings(max_examples=40, deadline=None)
def test_platt_keeps_the_order_even_of_scores_that_are_wrong_way_round(seed, prevalence):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (60, 3))
    labels = (rng.uniform(size=(60, 3)) < prevalence).astype(float)
    scale, shift = platt(logits, labels)
    assert (scale > 0).all() and np.isfinite([scale, shift]).all()


def test_a_single_statement_is_as_likely_as_a_general_minimiser_makes_it():
    from scipy.optimize import minimize

    logits = np.random.default_rng(3).normal(-2, 2, 300)
    labels = drawn(0.4 * logits + 1)

    def loss(parameters):
        z = np.exp(parameters[0]) * logits + parameters[1]
        return np.logaddexp(0, z).sum() - (labels * z).sum() + parameters @ parameters / 2

    log_scale, shift = minimize(loss, np.zeros(2)).x
    ours = platt(*both(logits, labels))
    assert np.log(ours[0]) == pytest.approx([log_scale], abs=1e-3)
    assert ours[1] == pytest.approx([shift], abs=1e-3)


def test_a_rare_statement_is_scaled_as_the_others_are():
    rng = np.random.default_rng(4)
    logits = rng.normal(-1, 2, (4_000, 6))
    labels = np.stack([drawn(2 * z + 1, c) for c, z in enumerate(logits.T)], axis=1)
    labels[:, 5] = 0
    scale, shift = platt(logits, labels)
    alone, _ = platt(*both(logits[:, 5], labels[:, 5]))
    assert scale[:5] == pytest.approx(np.full(5, 2.0), abs=0.2)
    assert abs(scale[5] - 2) < abs(alone[0] - 2)
    assert shift[5] < shift[:5].min()


@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), levels=st.integers(2, 50))
@settings(max_examples=150, deadline=None)
def test_no_lower_threshold_is_as_precise(seed, n, levels):
    rng = np.random.default_rng(seed)
    probability = rng.integers(1, levels + 1, n) / (levels + 1)
    labels = (rng.uniform(size=n) < probability).astype(float)
    found = lowest_with(labels, probability, 0.6)
    precise = [t for t in set(probability) if labels[probability >= t].mean() >= 0.6]
    assert found == (min(precise) if precise else 0.5)


def test_likely_is_set_by_all_statements_together_and_possible_below_it():
    rng = np.random.default_rng(5)
    logits = rng.normal(-3, 2, (20_000, 4))
    probability = expit(logits)
    labels = (rng.uniform(size=logits.shape) < probability).astype(float)
    # A rare one, of whose 60 most probable ECGs six are labelled.
    probability[:, 3], labels[:, 3] = 0.0001, 0
    probability[:60, 3], labels[:6, 3] = 0.01, 1
    at = thresholds(labels, probability)
    called = probability >= at.likely
    assert labels[called].mean() >= LIKELY
    assert len(set(at.likely)) == 1 and (at.possible <= at.likely).all()
    # What is rare may be possible at a lower probability.
    assert at.possible[3] == 0.01 < at.possible[0] == at.possible[1]


def test_a_model_that_is_nearly_always_right_calls_nothing_likely_that_is_not():
    probability = np.linspace(0.001, 0.999, 1_000)[:, None].repeat(8, axis=1)
    labels = (probability > 0.85).astype(float)
    assert (thresholds(labels, probability).likely >= LEAST_LIKELY).all()


def test_what_most_ecgs_carry_is_likely_only_when_it_is_rather_there_than_not():
    probability = np.linspace(0.01, 0.99, 400)[:, None].repeat(2, axis=1)
    labels = (probability > 0.3).astype(float)
    labels[:, 1] *= np.arange(400) % 8 == 0
    at = thresholds(labels, probability)
    assert at.likely[0] >= 0.5


def test_decisions_say_what_calls_were_worth_and_rare_ones_together():
    labels = np.zeros((40, 3))
    labels[:20, 0], labels[:2, 1], labels[2:4, 2] = 1, 1, 1
    called = np.zeros((40, 3), dtype=bool)
    called[10:30, 0], called[0, 1], called[30, 2] = True, True, True
    judged = Judgement(called.astype(float), called, called, cross_fitted=True)
    plain = {code: Decision(0.5, 0, False) for code in ("SR", "WPW", "3AVB")}
    decisions = worth(plain, judged, labels)
    assert (decisions["SR"].likely.precision, decisions["SR"].likely.sensitivity) == (0.5, 0.5)
    assert decisions["WPW"].likely == decisions["3AVB"].likely
    assert (decisions["WPW"].likely.precision, decisions["WPW"].likely.sensitivity) == (0.5, 0.25)


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
    scale, shift = platt(logits, y.numpy())
    calibrate(net, seen, y.float())
    after = (seen @ net.fusion.weight.T + net.fusion.bias).numpy()
    assert after == pytest.approx(scale * logits + shift, abs=1e-4)


def test_few_positives_are_said():
    net = network(3)
    seen = torch.rand(200, 3)
    y = torch.zeros(200, 3)
    y[: FEW_POSITIVES - 1, 0] = 1
    y[:FEW_POSITIVES, 1] = 1
    decisions, _ = calibrate(net, seen, y)
    assert decisions["SR"].low_evidence
    assert decisions["SR"].positives == FEW_POSITIVES - 1
    assert not decisions["AFIB"].low_evidence
    assert decisions["PACE"].low_evidence and decisions["PACE"].positives == 0


def drawn_network(n, seed=3):
    """A network, similarities, and labels that its second statement's logits draw."""
    net = network(2)
    seen = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (n, 3))).float()
    logits = linear(net.fusion, seen)
    y = np.stack([drawn(0 * logits[:, 0] - 1, seed), drawn(2 * logits[:, 1], seed + 1)], axis=1)
    return net, seen, torch.from_numpy(y).float()


def test_no_patient_has_a_part_in_the_judgement_of_their_own_ecgs():
    net, seen, y = drawn_network(200)
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
    net, seen, y = drawn_network(60)
    before = net.fusion.weight.clone()
    assert cross_fit(net, seen, y, np.arange(60)).cross_fitted
    assert torch.equal(net.fusion.weight, before)


def test_with_many_ecgs_cross_fitted_probabilities_are_those_that_are_shipped():
    net, seen, y = drawn_network(8_000)
    judged = cross_fit(net, seen, y, np.arange(8_000))
    calibrate(net, seen, y)
    shipped = expit(linear(net.fusion, seen))
    assert judged.probability == pytest.approx(shipped, abs=0.02)


def test_cross_fitting_takes_back_what_calibration_gains_by_seeing_the_labels():
    gains = []
    for seed in range(8):
        net, seen, y = drawn_network(60, seed)
        judged = cross_fit(net, seen, y, np.arange(60))
        calibrate(net, seen, y)
        shipped = expit(linear(net.fusion, seen))
        labels = y.numpy()
        gains += [
            brier(labels[:, c], judged.probability[:, c]) - brier(labels[:, c], shipped[:, c])
            for c in range(2)
        ]
    assert np.mean(gains) > 0.002 and np.mean(np.array(gains) > 0) > 0.8


def test_ecgs_of_a_single_patient_are_judged_by_the_network_as_it_is():
    net, seen, y = drawn_network(30)
    judged = cross_fit(net, seen, y, np.zeros(30))
    assert judged.probability == pytest.approx(expit(linear(net.fusion, seen)))


def test_what_stands_beside_is_calibrated_with_the_rest():
    net, seen, y = drawn_network(400)
    offset = np.random.default_rng(1).normal(0, 1, (400, 2))
    logits = fused(net, seen, offset)
    scale, shift = platt(logits, y.numpy())
    _, scales = calibrate(net, seen, y, offset)
    assert list(scales.values()) == pytest.approx(scale)
    assert fused(net, seen, scale * offset) == pytest.approx(scale * logits + shift, abs=1e-4)
