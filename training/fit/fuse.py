"""Sparse linear layers on frozen similarities: the fusion, and each branch alone.

Each statement's weights are a logistic lasso. Its penalty is a share of the smallest one that
empties the statement, since one penalty for all empties the rare ones first. Only the statement's
own prototypes may speak for it, all others only against: a premature beat is not explained by an
ECG that stands for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from protoecg.labels import STATEMENTS
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.prototype import Prototype
from training.fit.config import FusionConfig
from training.fit.loop import Data
from training.judgement import parts
from training.metrics import auroc, matches_needed

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
    fit = partial(_fit, config=config)
    fit(
        network.fusion,
        seen,
        labels,
        owned,
        _by_branch(network.statements),
        partial(log, stage="fusion"),
    )
    for name, columns, statements in parts(network):
        fit(
            network.solo[name],
            [s[:, columns] for s in seen],
            [y[:, statements] for y in labels],
            owned[columns][:, statements],
            {name: list(range(len(statements)))},
            partial(log, stage="solo"),
        )


def _by_branch(statements: Sequence[str]) -> dict[str, list[int]]:
    """Group statements by the branch that reads them, whether or not the network has it."""
    of: dict[str, list[int]] = {}
    for index, code in enumerate(statements):
        of.setdefault(STATEMENTS[code].branch, []).append(index)
    return of


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


class Tried(NamedTuple):
    """What a share gives on the validation ECGs, for one group of statements."""

    validation_macro_auroc: float
    median_prototypes: float
    median_matches: float


def _fit(
    layer: nn.Linear,
    seen: Sequence[Tensor],
    labels: Sequence[Tensor],
    may_support: Tensor,
    groups: Mapping[str, list[int]],
    log: Callable[..., None],
    config: FusionConfig,
) -> None:
    """Fit each share that is tried, and take of each group of statements the one to be chosen."""
    fits = {share: lasso(seen[0], labels[0], may_support, share) for share in config.shares}
    for name, group in groups.items():
        tried = {}
        for share in sorted(fits, reverse=True):
            weight, bias = (part[group] for part in fits[share])
            tried[share] = _try(weight, bias, seen[1], labels[1][:, group])
            log(branch=name, share=share, **tried[share]._asdict())
        chosen = choose(tried, config)
        with torch.no_grad():
            layer.weight[group], layer.bias[group] = (part[group] for part in fits[chosen])


def _try(weight: Tensor, bias: Tensor, s: Tensor, y: Tensor) -> Tried:
    figures = auroc(y.numpy(), (s @ weight.T + bias).numpy())
    known = figures[~np.isnan(figures)]
    needed = [matches_needed((s[y[:, c] > 0] * weight[c]).numpy()) for c in range(y.shape[1])]
    counts = np.concatenate(needed)
    return Tried(
        round(float(known.mean()), 4) if len(known) else 0.0,
        float((weight != 0).sum(dim=1).float().median()),
        float(np.median(counts[counts > 0])) if counts.any() else 0.0,
    )


def choose(tried: Mapping[float, Tried], config: FusionConfig) -> float:
    """Return the share to take, as `FusionConfig` says; of none that is short, any may be taken."""
    short = {k: t for k, t in tried.items() if t.median_matches <= config.matches} or tried
    best = max(t.validation_macro_auroc for t in short.values())
    enough = [k for k, t in short.items() if t.validation_macro_auroc >= best - config.tolerance]
    return max(enough)
