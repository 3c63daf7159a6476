"""Probabilities and thresholds from the validation fold."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from protoecg.bundle import Decision
from protoecg.network.protoecgnet import ProtoECGNet

FEW_POSITIVES = 10


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
    logits = (seen @ fusion.weight.T.cpu() + fusion.bias.cpu()).numpy()
    decisions = {}
    for column, code in enumerate(network.statements):
        labels = y[:, column].numpy()
        scale, shift = platt(logits[:, column], labels)
        fusion.weight[column] *= scale
        fusion.bias[column] = fusion.bias[column] * scale + shift
        positives = int(labels.sum())
        few = positives < FEW_POSITIVES
        probability = expit(scale * logits[:, column] + shift)
        threshold = 0.5 if few else best_f1_threshold(labels, probability)
        decisions[code] = Decision(threshold, positives, few)
    return decisions


def platt(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Scale and shift of the logits (n,) that maximise the likelihood of the labels.

    A Gaussian prior of width one around (log-scale 0, shift 0) keeps them where there are few
    positives; the scale is positive, so that the order of ECGs stays. After Platt, Advances in
    Large Margin Classifiers (1999).
    """

    def loss(parameters: np.ndarray) -> float:
        z = np.exp(parameters[0]) * logits + parameters[1]
        return float(np.logaddexp(0, z).sum() - (labels * z).sum() + parameters @ parameters / 2)

    log_scale, shift = minimize(loss, np.zeros(2), bounds=[(-2, 2), (-10, 10)]).x
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
