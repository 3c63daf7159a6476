"""Sparse linear layers on frozen similarities: the fusion, and each branch alone.

Each statement's weights are a logistic lasso. Its penalty is a share of the smallest one that
empties the statement, since one penalty for all empties the rare ones first. Only the statement's
own prototypes may speak for it, all others only against: a premature beat is not explained by an
ECG that stands for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from protoecg.explanation import Prototype
from protoecg.network.protoecgnet import ProtoECGNet
from training.config import FusionConfig
from training.loop import Data
from training.metrics import auroc

STEPS = 600


@torch.no_grad()
def similarities(network: ProtoECGNet, data: Data) -> Tensor:
    """Similarity of each ECG to each prototype, all branches: (n, p) on the CPU."""
    return torch.cat([network(x).similarities.cpu() for x in data.batches()])


def fit_all(
    network: ProtoECGNet,
    prototypes: Sequence[Prototype],
    seen: Sequence[Tensor],
    labels: Sequence[Tensor],
    config: FusionConfig,
    log: Callable[..., None],
) -> None:
    """Fit `network.fusion` and every `network.solo` in place.

    Parameters
    ----------
    seen : similarities of training and validation ECGs, (n, p) each
    labels : their statements, (n, c) each
    """
    owned = owners(prototypes, network.statements) | (config.support == "any")
    _fit(network.fusion, seen, labels, owned, config, lambda **k: log(stage="fusion", **k))
    for name, columns, statements in parts(network):
        _fit(
            network.solo[name],
            [s[:, columns] for s in seen],
            [y[:, statements] for y in labels],
            owned[columns][:, statements],
            config,
            lambda name=name, **k: log(stage="solo", branch=name, **k),
        )


def parts(network: ProtoECGNet) -> list[tuple[str, list[int], list[int]]]:
    """Of each branch: its name, its columns of the similarities, its own statements."""
    found, start = [], 0
    for name, branch in network.branches.items():
        of_each = branch.shape.owners
        statements = [network.statements.index(code) for code in dict.fromkeys(of_each)]
        found.append((name, list(range(start, start + len(of_each))), statements))
        start += len(of_each)
    return found


def owners(prototypes: Sequence[Prototype], statements: Sequence[str]) -> Tensor:
    """Whether each prototype stands for each statement: (p, c) bool."""
    return torch.tensor([[code == p.statement for code in statements] for p in prototypes])


def lasso(s: Tensor, y: Tensor, may_support: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Fit weights (c, p) and biases (c,) of a logistic lasso with signs, by FISTA.

    Parameters
    ----------
    s : (n, p) similarities
    y : (n, c) labels, 0 or 1
    may_support : (p, c) bool; where false, the weight is at most zero
    share : of the smallest penalty that empties a statement

    Notes
    -----
    Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009) 183. Similarities are standardised while
    fitting; weights and biases are returned for the similarities as they are.
    """
    mean, scale = s.mean(dim=0), s.std(dim=0).clamp(min=1e-6)
    x = torch.cat([(s - mean) / scale, torch.ones(len(s), 1)], dim=1)
    prior = y.mean(dim=0).clamp(1e-6, 1 - 1e-6)
    pull = x[:, :-1].T @ (y - prior) / len(s)
    penalty = share * torch.where(may_support, pull, pull.clamp(max=0)).abs().amax(dim=0)
    step = 4 * len(s) / torch.linalg.matrix_norm(x, 2) ** 2
    w = torch.cat([torch.zeros_like(pull), torch.logit(prior)[None]])
    ahead, t = w, 1.0
    for _ in range(STEPS):
        slope = x.T @ (torch.sigmoid(x @ ahead) - y) / len(s)
        new = ahead - step * slope
        new[:-1] = _shrink(new[:-1], step * penalty, may_support)
        t_new = (1 + (1 + 4 * t * t) ** 0.5) / 2
        ahead = new + (t - 1) / t_new * (new - w)
        w, t = new, t_new
    weight = w[:-1] / scale[:, None]
    return weight.T.contiguous(), w[-1] - mean @ weight


def _shrink(w: Tensor, by: Tensor, may_support: Tensor) -> Tensor:
    shrunk = w.sign() * (w.abs() - by).clamp(min=0)
    return torch.where(may_support, shrunk, shrunk.clamp(max=0))


def _fit(
    layer: nn.Linear,
    seen: Sequence[Tensor],
    labels: Sequence[Tensor],
    may_support: Tensor,
    config: FusionConfig,
    log: Callable[..., None],
) -> None:
    """Take, of the shares tried, the sparsest that validates within the tolerance."""
    tried = []
    for share in sorted(config.shares, reverse=True):
        weight, bias = lasso(seen[0], labels[0], may_support, share)
        scores = (seen[1] @ weight.T + bias).numpy()
        figure = float(np.nanmean(auroc(labels[1].numpy(), scores)))
        used = float((weight != 0).sum(dim=1).float().median())
        log(share=share, validation_macro_auroc=round(figure, 4), median_prototypes=used)
        tried.append((figure, weight, bias))
    best = max(figure for figure, _, _ in tried)
    _, weight, bias = next(t for t in tried if t[0] >= best - config.tolerance)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
