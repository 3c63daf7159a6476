"""Which statements a network calls in the ECGs of a fold: to fit it, and to measure it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from protoecg.network.protoecgnet import ProtoECGNet

FEW_POSITIVES = 10
# Logits (n, c) that are added to those of the prototypes.
Offset = np.ndarray | float


@dataclass(frozen=True, eq=False)
class Judgement:
    """Which statements a model calls in n ECGs.

    Parameters
    ----------
    probability : (n, c)
    called : (n, c) bool, whether each statement is likely
    possible : (n, c) bool, whether it is likely or possible
    cross_fitted : whether no ECG had a part in the scales and thresholds that judge it
    """

    probability: np.ndarray
    called: np.ndarray
    possible: np.ndarray
    cross_fitted: bool


@torch.no_grad()
def linear(layer: nn.Linear, seen: Tensor) -> np.ndarray:
    """Return a layer's logits (n, c) of similarities (n, p) on the CPU, wherever the layer is."""
    return (seen @ layer.weight.T.cpu() + layer.bias.cpu()).numpy()


def fused(network: ProtoECGNet, seen: Tensor, offset: Offset = 0.0) -> np.ndarray:
    """Return the logits (n, c) of similarities (n, p), plus an offset.

    Parameters
    ----------
    offset : (n, c) logits that measurements add, see `protoecg.measured.curves`
    """
    return linear(network.fusion, seen) + offset


def rare(labels: np.ndarray) -> np.ndarray:
    """Whether too few ECGs carry each statement of (n, c) labels to rely on what they say."""
    return labels.sum(axis=0) < FEW_POSITIVES


def parts(network: ProtoECGNet) -> list[tuple[str, list[int], list[int]]]:
    """Of each branch: its name, its columns of the similarities, its own statements."""
    return [
        (name, list(network.columns(name)), list(map(network.statements.index, own)))
        for name, branch in network.branches.items()
        for own in [branch.shape.statements]
    ]
