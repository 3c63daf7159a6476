"""Losses that shape the prototypes; all are scalars, smaller is better.

`s` is a (batch, p) similarity, `y` the (batch, c) labels, `a` the (p, c) assignment of each
prototype to its class, all float. The published terms (arXiv 2504.08713) and where they differ
here are in `docs/method.md`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def clustering(s: Tensor, y: Tensor, a: Tensor) -> Tensor:
    """Minus the mean, over every (ECG, class present), of the best own-class similarity."""
    best = _masked(s[:, :, None], a[None]).amax(dim=1)
    has_prototypes = a.any(dim=0)
    present = y * has_prototypes
    return -(torch.where(present > 0, best, 0.0)).sum() / present.sum().clamp(min=1)


def separation(s: Tensor, y: Tensor, a: Tensor) -> Tensor:
    """Mean over the batch of the best similarity to a prototype of an absent class."""
    absent = 1 - y @ a.T
    return _masked(s, absent).amax(dim=1).mean()


def diversity(vectors: Tensor) -> Tensor:
    """Squared Frobenius norm of (cosine matrix - identity), divided by p squared."""
    cosine = _cosine_matrix(vectors)
    return (cosine - torch.eye(len(cosine), device=cosine.device)).square().mean()


def contrastive(vectors: Tensor, a: Tensor, co_occurrence: Tensor) -> Tensor:
    """Pull prototypes of co-occurring classes together, push the others apart.

    Pairs of one class are left out: as published, the term also pulls the prototypes of a class
    into one vector.

    Parameters
    ----------
    co_occurrence : (c, c), Jaccard index of the labels on the training folds
    """
    cosine = _cosine_matrix(vectors)
    other = 1 - a @ a.T
    near = (a @ co_occurrence @ a.T) * other
    far = (1 - a @ co_occurrence @ a.T) * other
    attraction = (cosine * near).sum() / near.sum().clamp(min=1e-6)
    repulsion = (cosine * far).sum() / far.sum().clamp(min=1e-6)
    return -(attraction - repulsion) / len(cosine) ** 0.5


def forgetting(vectors: Tensor, forgotten: Tensor, same: Tensor, margin: float) -> Tensor:
    """Mean, over the prototypes that have any, of the hinge to the most similar forgotten window.

    A forgetting loss as ProtoPDebug's (Bontempelli et al., ICLR 2023), on cosines and above a
    margin.

    Parameters
    ----------
    vectors, forgotten : (p, latent), (f, latent)
    same : (p, f) bool, which windows each prototype is to keep away from
    margin : cosine from which on it costs
    """
    cosine = normalize(vectors, dim=1) @ normalize(forgotten, dim=1).T
    nearest = _masked(cosine, same).amax(dim=1)
    has = same.any(dim=1)
    return (torch.relu(nearest - margin) * has).sum() / has.sum().clamp(min=1)


def jaccard(y: Tensor) -> Tensor:
    """Jaccard index of every two classes of the (n, c) labels: (c, c)."""
    both = y.T @ y
    count = y.sum(dim=0)
    return both / (count[:, None] + count[None] - both).clamp(min=1)


def _cosine_matrix(vectors: Tensor) -> Tensor:
    unit = normalize(vectors, dim=1)
    return unit @ unit.T


def _masked(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(mask == 0, -1.0)
