"""Probabilities and thresholds from the validation fold, and what they are worth there.

Probabilities judged on the very ECGs that set their scale look better than they are. `cross_fit`
therefore repeats the calibration of `calibrate` in parts: the patients are split into `PARTS`, and
each part is judged by scales and thresholds that were set on all other parts. What a bundle says
about its own calibration is said of these judgements; what it ships was set on all ECGs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.manifest import Decision
from training.judgement import Judgement, linear, rare

PARTS = 10


@torch.no_grad()
def calibrate(network: ProtoECGNet, seen: Tensor, y: Tensor) -> dict[str, Decision]:
    """Calibrate the fusion in place and choose each statement's threshold.

    Platt's scale and shift go into the weights and the bias, so that the logit that the
    contributions add up to is the calibrated one.

    Parameters
    ----------
    seen : (n, p) similarities of the validation ECGs
    y : (n, c) their statements
    """
    fusion = network.fusion
    logits, labels = linear(network.fusion, seen), y.numpy()
    few = rare(labels)
    decisions = {}
    for column, code in enumerate(network.statements):
        scale, shift, threshold = _fit(logits[:, column], labels[:, column], few[column])
        fusion.weight[column] *= scale
        fusion.bias[column] = fusion.bias[column] * scale + shift
        decisions[code] = Decision(threshold, int(labels[:, column].sum()), bool(few[column]))
    return decisions


def cross_fit(network: ProtoECGNet, seen: Tensor, y: Tensor, patients: np.ndarray) -> Judgement:
    """Judge each validation ECG by the calibration of all other patients' ECGs.

    Parameters
    ----------
    network : as `calibrate` finds it, not as it leaves it
    seen, y : as for `calibrate`
    patients : (n,) patient of each ECG
    """
    logits, labels = linear(network.fusion, seen), y.numpy()
    few = rare(labels)
    probability = np.empty(logits.shape)
    called = np.empty(logits.shape, dtype=bool)
    for part in _parts(patients):
        for column in range(logits.shape[1]):
            scale, shift, threshold = _fit(
                logits[~part, column], labels[~part, column], few[column]
            )
            probability[part, column] = expit(scale * logits[part, column] + shift)
            called[part, column] = probability[part, column] >= threshold
    return Judgement(probability, called, cross_fitted=True)


def _parts(patients: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of each part of the patients, as masks."""
    _, patient = np.unique(patients, return_inverse=True)
    part = np.random.default_rng(0).permutation(patient.max() + 1) % PARTS
    yield from (part[patient] == number for number in np.unique(part))


def _fit(logits: np.ndarray, labels: np.ndarray, few: np.bool) -> tuple[float, float, float]:
    """Scale, shift and threshold of a statement; one half where there are few positives."""
    scale, shift = platt(logits, labels)
    threshold = 0.5 if few else best_f1_threshold(labels, expit(scale * logits + shift))
    return scale, shift, threshold


def platt(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Scale and shift of the logits (n,) that maximise the likelihood of the labels.

    A Gaussian prior of width one around (log-scale 0, shift 0) keeps them where there are few
    positives; the scale is positive, so that the order of ECGs stays. After Platt, Advances in
    Large Margin Classifiers (1999).
    """

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = np.exp(parameters[0]) * logits
        z = scaled + parameters[1]
        off = expit(z) - labels
        value = np.logaddexp(0, z).sum() - (labels * z).sum() + parameters @ parameters / 2
        return value, np.array([(off * scaled).sum(), off.sum()]) + parameters

    log_scale, shift = minimize(loss, np.zeros(2), jac=True, bounds=[(-2, 2), (-10, 10)]).x
    return float(np.exp(log_scale)), float(shift)


def best_f1_threshold(labels: np.ndarray, probability: np.ndarray) -> float:
    """Threshold with the best F1, midway between two probabilities that occur.

    One half where all probabilities are the same, so that nothing can be told apart.
    """
    order = np.argsort(-probability)
    ranked, hits = probability[order], labels[order].cumsum()
    f1 = 2 * hits / (np.arange(1, len(labels) + 1) + labels.sum())
    # A threshold cannot part ECGs of equal probability.
    parting = np.flatnonzero(ranked[:-1] > ranked[1:])
    if not len(parting):
        return 0.5
    best = parting[np.argmax(f1[parting])]
    return float((ranked[best] + ranked[best + 1]) / 2)
