"""Probabilities and thresholds from the validation fold, and what they are worth there.

Scale and shift of each statement's logit are drawn towards those of all statements, the more so the
fewer ECGs carry it. One probability then means the same of all, and a statement that is too rare to
set a threshold by takes that of all: it is likely from the probability on from which at least
`LIKELY` of all calls are labelled (and from `LEAST_LIKELY` on), and possible from that on from
which at least `POSSIBLE` of the further calls are. Of rare statements `POSSIBLE_RARE` are enough:
they would else never be named.

Probabilities judged on the very ECGs that set their scale look better than they are. `cross_fit`
therefore repeats the calibration of `calibrate` in parts: the patients are split into `PARTS`, and
each part is judged by scales and thresholds that were set on all other parts. What a bundle says
about its own calibration is of these judgements; what it ships was set on all ECGs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.manifest import Decision, Worth
from training.judgement import Judgement, Offset, fused, rare

PARTS = 10
LIKELY, POSSIBLE, POSSIBLE_RARE = 2 / 3, 1 / 5, 1 / 20
LEAST_LIKELY = 0.4
# What so large a share of ECGs carries is likely only when it is rather there than not.
COMMON = 0.2
# Scales and shifts of statements are taken to vary at least so much (variance).
LEAST_SPREAD = 0.02
ROUNDS = 5
# Of the search for scales and shifts: how many steps, and how long one may be.
STEPS, LONGEST = 20, 1.0


class Thresholds(NamedTuple):
    """Probabilities from which each statement is likely, and from which it is possible: (c,)."""

    likely: np.ndarray
    possible: np.ndarray


@torch.no_grad()
def calibrate(
    network: ProtoECGNet, seen: Tensor, y: Tensor, offset: Offset = 0.0
) -> tuple[dict[str, Decision], dict[str, float]]:
    """Calibrate the fusion in place and choose each statement's thresholds.

    Scale and shift go into the weights and the bias, so that the logit that the contributions add
    up to is the calibrated one.

    Parameters
    ----------
    seen : (n, p) similarities of the validation ECGs
    y : (n, c) their statements
    offset : (n, c) logits that measurements add

    Returns
    -------
    the decisions, and the scale of each statement, by which the offset has to be scaled
    """
    labels = y.numpy()
    logits = fused(network, seen, offset)
    scale, shift = platt(logits, labels)
    move(network, range(len(network.statements)), scale, shift)
    decided = decide(labels, expit(scale * logits + shift))
    decisions = dict(zip(network.statements, decided, strict=True))
    return decisions, dict(zip(network.statements, scale.tolist(), strict=True))


@torch.no_grad()
def move(
    network: ProtoECGNet, columns: Sequence[int], scale: np.ndarray, shift: np.ndarray
) -> None:
    """Scale and shift the logits of some statements, by their weights and biases, in place.

    The offset has to be scaled likewise.

    Parameters
    ----------
    columns : of the statements
    scale, shift : (len(columns),)
    """
    fusion, chosen = network.fusion, list(columns)
    fusion.weight[chosen] *= torch.from_numpy(scale).to(fusion.weight)[:, None]
    moved = scale * fusion.bias[chosen].numpy(force=True) + shift
    fusion.bias[chosen] = torch.from_numpy(moved).to(fusion.bias)


def decide(labels: np.ndarray, probability: np.ndarray) -> list[Decision]:
    """Return when each statement is likely, and when it is possible.

    Parameters
    ----------
    labels, probability : (n, c)
    """
    at, few = thresholds(labels, probability), rare(labels)
    return [
        Decision(
            threshold=float(at.likely[column]),
            positives=int(labels[:, column].sum()),
            low_evidence=bool(few[column]),
            possible_from=float(at.possible[column]),
        )
        for column in range(labels.shape[1])
    ]


def cross_fit(
    network: ProtoECGNet,
    seen: Tensor,
    y: Tensor,
    patients: np.ndarray,
    offset: Offset = 0.0,
) -> Judgement:
    """Judge each validation ECG by the calibration of all other patients' ECGs.

    Parameters
    ----------
    network : as `calibrate` finds it, not as it leaves it
    seen, y, offset : as for `calibrate`
    patients : (n,) patient of each ECG
    """
    return cross_fitted(fused(network, seen, offset), y.numpy(), patients)


def cross_fitted(logits: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> Judgement:
    """Judge each ECG by scales and thresholds that all other patients' ECGs set.

    Parameters
    ----------
    logits, labels : (n, c)
    patients : (n,) patient of each ECG
    """
    probability = np.empty(logits.shape)
    likely, possible = (np.empty(logits.shape, dtype=bool) for _ in range(2))
    for part in _parts(patients):
        scale, shift = platt(logits[~part], labels[~part])
        at = thresholds(labels[~part], expit(scale * logits[~part] + shift))
        probability[part] = expit(scale * logits[part] + shift)
        likely[part] = probability[part] >= at.likely
        possible[part] = probability[part] >= at.possible
    return Judgement(probability, likely, possible, cross_fitted=True)


def worth(
    decisions: Mapping[str, Decision], judgement: Judgement, labels: np.ndarray
) -> dict[str, Decision]:
    """Return the decisions with what calls are worth by a judgement, of rare statements together.

    Parameters
    ----------
    labels : (n, c), in the order of the decisions
    """
    few, weighed = rare(labels), {}
    for column, (code, decision) in enumerate(decisions.items()):
        group = few if few[column] else np.arange(labels.shape[1]) == column
        likely, called = (
            _worth(calls[:, group], labels[:, group])
            for calls in (judgement.called, judgement.possible)
        )
        weighed[code] = replace(decision, likely=likely, called=called)
    return weighed


def _worth(called: np.ndarray, labels: np.ndarray) -> Worth:
    hits = float((called * labels).sum())
    return Worth(
        precision=hits / float(called.sum()) if called.any() else None,
        sensitivity=hits / float(labels.sum()) if labels.any() else None,
    )


def _parts(patients: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of each part of the patients, as masks."""
    _, patient = np.unique(patients, return_inverse=True)
    part = np.random.default_rng(0).permutation(patient.max() + 1) % PARTS
    yield from (part[patient] == number for number in np.unique(part))


def platt(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales and shifts (c,) that maximise the likelihood of labels (n, c) by their logits.

    The log-scale and the shift of each statement have a Gaussian prior. It begins at zero, as wide
    as one, and is then moved to where those of the statements that are not rare lie, as wide as
    they are spread. Scales are positive, so that the order of ECGs stays.

    Notes
    -----
    Platt, Advances in Large Margin Classifiers (1999); parametric empirical Bayes after Morris,
    J. Am. Stat. Assoc. 78 (1983) 47.
    """
    mean, variance = np.zeros((2, 1)), np.ones((2, 1))
    enough = ~rare(labels)
    fitted = np.zeros((2, logits.shape[1]))
    for _ in range(ROUNDS):
        fitted = _scaled(logits, labels, fitted, mean, variance)
        if enough.sum() < 2:
            break
        mean = fitted[:, enough].mean(axis=1, keepdims=True)
        variance = fitted[:, enough].var(axis=1, keepdims=True) + LEAST_SPREAD
    return np.exp(fitted[0]), fitted[1]


def _scaled(
    logits: np.ndarray,
    labels: np.ndarray,
    start: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> np.ndarray:
    """Log-scales and shifts (2, c), by Fisher scoring from `start`."""
    log_scale, shift = start
    for _ in range(STEPS):
        scaled = np.exp(log_scale) * logits
        probability = expit(scaled + shift)
        off, certain = probability - labels, probability * (1 - probability)
        away = (np.stack([log_scale, shift]) - mean) / variance
        slope = np.stack([(off * scaled).sum(axis=0), off.sum(axis=0)]) + away
        cross = (certain * scaled).sum(axis=0)
        bend = np.stack([(certain * scaled**2).sum(axis=0), certain.sum(axis=0)]) + 1 / variance
        determinant = bend[0] * bend[1] - cross**2
        log_scale = log_scale - np.clip(
            (bend[1] * slope[0] - cross * slope[1]) / determinant, -LONGEST, LONGEST
        )
        shift = shift - np.clip(
            (bend[0] * slope[1] - cross * slope[0]) / determinant, -LONGEST, LONGEST
        )
        log_scale, shift = np.clip(log_scale, -2, 2), np.clip(shift, -10, 10)
    return np.stack([log_scale, shift])


def thresholds(labels: np.ndarray, probability: np.ndarray) -> Thresholds:
    """Choose thresholds by all statements together, as the module says.

    Parameters
    ----------
    labels, probability : (n, c)
    """
    few = rare(labels)
    common = labels.sum(axis=0) >= COMMON * max(len(labels), 1)
    sure = lowest_with(labels[:, ~common], probability[:, ~common], LIKELY)
    sure = max(sure, LEAST_LIKELY)
    further = np.where(probability < sure, probability, 0.0)
    usual, seldom = ~common & ~few, ~common & few
    perhaps = lowest_with(labels[:, usual], further[:, usual], POSSIBLE)
    of_rare = lowest_with(labels[:, seldom], further[:, seldom], POSSIBLE_RARE)
    likely = np.where(common, max(sure, 0.5), sure)
    return Thresholds(likely, np.minimum(np.where(few, of_rare, perhaps), likely))


def lowest_with(labels: np.ndarray, probability: np.ndarray, precision: float) -> float:
    """Lowest probability from which so large a share of calls is labelled; one half if none is.

    Nothing is called whose probability is zero.
    """
    order = np.argsort(-probability, axis=None, kind="stable")
    ranked, hits = probability.ravel()[order], labels.ravel()[order].cumsum()
    right = hits >= precision * np.arange(1, len(ranked) + 1)
    # A threshold cannot part calls of equal probability.
    last = ranked > np.append(ranked[1:], 0.0)
    lowest = ranked[right & last]
    return float(lowest[-1]) if len(lowest) else 0.5
