"""Sparse linear layers on frozen similarities: the fusion, and each branch alone.

Only a statement's own prototypes may speak for it, all others only against: a premature beat is
not explained by an ECG that stands for something else. All of its own have one weight, so that what
is most alike contributes most; the others' are a logistic lasso. Its penalty is a share of the
smallest one that empties the statement, since one penalty for all empties the rare ones first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from protoecg.labels import LabelSet, Statement
from protoecg.network.protoecgnet import ProtoECGNet
from training.fit.config import FusionConfig
from training.fit.loop import Data
from training.fit.ranks import shared_out
from training.judgement import parts
from training.metrics import auroc, matches_needed

STEPS = 300


@torch.no_grad()
def similarities(network: ProtoECGNet, data: Data) -> Tensor:
    """Similarity of each ECG to each prototype, all branches: (n, p) on the CPU."""

    def see(rows: Tensor) -> list[Tensor]:
        return [torch.cat([network(x).similarities.cpu() for x in data.rows(rows)])]

    return shared_out(see, torch.arange(len(data.y)))[0]


def fit_all(
    network: ProtoECGNet,
    seen: Sequence[Tensor],
    labels: Sequence[Tensor],
    config: FusionConfig,
    log: Callable[..., None],
    label_set: LabelSet,
) -> None:
    """Fit `network.fusion` and every `network.solo` in place.

    Parameters
    ----------
    seen : similarities of training and validation ECGs, (n, p) each
    labels : their statements, (n, c) each
    label_set : that the statements belong to
    """
    owned = owned_by(network)
    fit = partial(_fit, config=config)
    fit(
        network.fusion,
        seen,
        labels,
        owned,
        _by_branch([label_set[code] for code in network.statements]),
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


def _by_branch(statements: Sequence[Statement]) -> dict[str, list[int]]:
    """Group statements by the branch that reads them, whether or not the network has it."""
    of: dict[str, list[int]] = {}
    for index, statement in enumerate(statements):
        of.setdefault(statement.branch, []).append(index)
    return of


def owned_by(network: ProtoECGNet) -> Tensor:
    """Whether each prototype stands for each statement: (p, c) bool."""
    owners = [owner for branch in network.branches.values() for owner in branch.shape.owners]
    return torch.tensor([[owner == code for code in network.statements] for owner in owners])


def likeness(s: Tensor, y: Tensor, owned: Tensor, share: float | Tensor) -> tuple[Tensor, Tensor]:
    """Fit weights (c, p) and biases (c,): one weight for all own prototypes, the others' by lasso.

    Own weights are at least zero, the others' at most.

    Parameters
    ----------
    s, y, share : as for `lasso`
    owned : (p, c) bool, the prototypes of each statement
    """
    count = owned.sum(dim=0).clamp(min=1)
    own = s @ owned.float() / count
    x, mean, scale = _standardised(s)
    z, own_mean, own_scale = _standardised(own)
    prior = y.mean(dim=0).clamp(1e-6, 1 - 1e-6)
    pull, own_pull = x.T @ (y - prior) / len(s), (z * (y - prior)).mean(dim=0)
    penalty = share * torch.maximum(-pull.amin(dim=0).clamp(max=0), own_pull.abs())
    # A row a statement and a row a prototype: products of few columns take nearly twice as long.
    x, z, y = torch.cat([x, torch.ones(len(s), 1)], dim=1).T.contiguous(), z.T, y.T
    step = 4 * len(s) / (torch.linalg.eigvalsh(x @ x.T)[-1] + len(s))

    def slope(w: Tensor) -> Tensor:
        off = (w[:, :-1] @ x).addcmul_(z, w[:, -1:]).sigmoid_().sub_(y)
        return torch.cat([off @ x.T, (z * off).sum(dim=1, keepdim=True)], dim=1) / len(s)

    def shrink(w: Tensor) -> Tensor:
        against = (w[:, :-2] + step * penalty[:, None]).clamp(max=0).masked_fill(owned.T, 0.0)
        return torch.cat([against, w[:, -2:-1], w[:, -1:].clamp(min=0)], dim=1)

    bias, none = torch.logit(prior)[:, None], torch.zeros(len(prior), 1)
    w = _descend(torch.cat([torch.zeros_like(pull.T), bias, none], dim=1), step, slope, shrink)
    against, own_weight = w[:, :-2] / scale, w[:, -1] / own_scale
    weight = against + (owned * own_weight / count).T
    return weight, w[:, -2] - against @ mean - own_mean * own_weight


def lasso(s: Tensor, y: Tensor, may_support: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Fit weights (c, p) and biases (c,) of a logistic lasso with signs.

    Parameters
    ----------
    s : (n, p) similarities
    y : (n, c) labels, 0 or 1
    may_support : (p, c) bool; where false, the weight is at most zero
    share : of the smallest penalty that empties a statement

    Notes
    -----
    Similarities are standardised while fitting; weights and biases are returned for the
    similarities as they are.
    """
    x, mean, scale = _standardised(s)
    prior = y.mean(dim=0).clamp(1e-6, 1 - 1e-6)
    pull = x.T @ (y - prior) / len(s)
    penalty = share * torch.where(may_support, pull, pull.clamp(max=0)).abs().amax(dim=0)
    x = torch.cat([x, torch.ones(len(s), 1)], dim=1)
    step = 4 * len(s) / torch.linalg.matrix_norm(x, 2) ** 2

    def slope(w: Tensor) -> Tensor:
        return x.T @ (torch.sigmoid(x @ w) - y) / len(s)

    def shrink(w: Tensor) -> Tensor:
        return torch.cat([_shrink(w[:-1], step * penalty, may_support), w[-1:]])

    start = torch.cat([torch.zeros_like(pull), torch.logit(prior)[None]])
    w = _descend(start, step, slope, shrink)
    weight = w[:-1] / scale[:, None]
    return weight.T.contiguous(), w[-1] - mean @ weight


def _standardised(s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the columns at mean zero and deviation one, and what they had."""
    mean, scale = s.mean(dim=0), s.std(dim=0).clamp(min=1e-6)
    return (s - mean) / scale, mean, scale


def _descend(
    start: Tensor,
    step: Tensor,
    slope: Callable[[Tensor], Tensor],
    shrink: Callable[[Tensor], Tensor],
) -> Tensor:
    """Minimise by FISTA (Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009) 183)."""
    w, extrapolated, t = start, start, 1.0
    for _ in range(STEPS):
        new = shrink(extrapolated - step * slope(extrapolated))
        t_new = (1 + (1 + 4 * t * t) ** 0.5) / 2
        extrapolated = new + (t - 1) / t_new * (new - w)
        w, t = new, t_new
    return w


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
    owned: Tensor,
    groups: Mapping[str, list[int]],
    log: Callable[..., None],
    config: FusionConfig,
) -> None:
    """Fit each share that is tried, and take of each group of statements the one to be chosen."""
    fits = {share: _weights(seen[0], labels[0], owned, share, config) for share in config.shares}
    for name, group in groups.items():
        tried = {}
        for share in sorted(fits, reverse=True):
            weight, bias = (part[group] for part in fits[share])
            tried[share] = _try(weight, bias, seen[1], labels[1][:, group])
            log(branch=name, share=share, **tried[share]._asdict())
        chosen = choose(tried, config)
        with torch.no_grad():
            layer.weight[group], layer.bias[group] = (part[group] for part in fits[chosen])


def _weights(
    s: Tensor, y: Tensor, owned: Tensor, share: float, config: FusionConfig
) -> tuple[Tensor, Tensor]:
    if config.support == "any":
        return lasso(s, y, torch.ones_like(owned), share)
    return likeness(s, y, owned, share)


def _try(weight: Tensor, bias: Tensor, s: Tensor, y: Tensor) -> Tried:
    results = auroc(y.numpy(), (s @ weight.T + bias).numpy())
    known = results[~np.isnan(results)]
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
