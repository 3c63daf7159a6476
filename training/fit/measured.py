"""Measurements as evidence: each statement's logit as a sum of curves, one a quantity.

A logistic regression on piecewise linear curves with a group lasso over the quantities, so that
few of them speak for a statement (Yuan and Lin, J. R. Statist. Soc. B 68 (2006) 49). Curves are
centred on the training ECGs in which the quantity is known: what is unsure adds nothing, which is
what an ordinary value adds on average.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from protoecg.labels import Statement
from protoecg.measure import QUANTITIES
from protoecg.measured.curves import Curve, MeasuredEvidence
from training.fit.kinds import may_speak, must_rise

PERCENTILES = (0.2, 2, 15, 40, 60, 85, 98, 99.8)
MIN_KNOWN = 500
SHARE = 0.2
STEPS = 150


@dataclass(frozen=True)
class _Ramps:
    """A quantity's part of the design: from each knot to the next, a ramp from 0 to 1.

    Parameters
    ----------
    quantity : one of `QUANTITIES`
    knots : ascending
    mean : of each ramp over the ECGs in which the quantity is known
    """

    quantity: str
    knots: np.ndarray
    mean: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the centred ramps of values (n,): (n, knots - 1), 0 where they are NaN."""
        return np.where(np.isnan(values)[:, None], 0, ramps(values, self.knots) - self.mean)

    def curve(self, rises: np.ndarray) -> Curve:
        """Return the curve that rises by so much from each knot to the next."""
        logits = np.concatenate([[0.0], np.cumsum(rises)]) - rises @ self.mean
        return Curve(self.quantity, tuple(self.knots.tolist()), tuple(logits.tolist()))


def ramps(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return how far values (n,) are from each knot to the next: (n, knots - 1), 0 to 1."""
    return np.clip((values[:, None] - knots[:-1]) / np.diff(knots), 0, 1)


def fit(
    values: np.ndarray, labels: np.ndarray, statements: Sequence[Statement], share: float = SHARE
) -> MeasuredEvidence:
    """Fit each statement's curves by themselves.

    Parameters
    ----------
    values : (n, len(QUANTITIES)), NaN where unsure
    labels : (n, c), 0 or 1
    statements : of the columns of `labels`
    share : of the smallest penalty that empties a statement
    """
    parts = list(_parts_of(values))
    if not parts:
        return MeasuredEvidence({})
    columns = dict(zip(QUANTITIES, values.T, strict=True))
    design = np.hstack([part(columns[part.quantity]) for part in parts]).astype(np.float32)
    group = np.repeat(np.arange(len(parts)), [len(part.mean) for part in parts])
    names = [part.quantity for part in parts]
    rises = _group_lasso(
        torch.from_numpy(design),
        torch.from_numpy(labels),
        torch.from_numpy(group),
        torch.from_numpy(may_speak(names, statements)),
        torch.from_numpy(must_rise(names, statements)),
        share,
    )
    return MeasuredEvidence(
        {
            statement.code: tuple(
                part.curve(own)
                for index, part in enumerate(parts)
                if (own := of_one[group == index]).any()
            )
            for statement, of_one in zip(statements, rises.T.double().numpy(), strict=True)
        }
    )


def _parts_of(values: np.ndarray) -> Iterator[_Ramps]:
    for quantity, column in zip(QUANTITIES, values.T.astype(float), strict=True):
        known = column[~np.isnan(column)]
        if len(known) < MIN_KNOWN:
            continue
        knots = np.unique(np.percentile(known, PERCENTILES).round(3))
        if len(knots) > 1:
            yield _Ramps(quantity, knots, ramps(known, knots).mean(axis=0))


def _group_lasso(
    x: Tensor, y: Tensor, group: Tensor, allowed: Tensor, sign: Tensor, share: float
) -> Tensor:
    """Fit (columns, c) rises by FISTA, as `training.fit.fuse.lasso` does, group by group.

    Parameters
    ----------
    x : (n, columns)
    y : (n, c) labels
    group : (columns,) of each column
    allowed : (groups, c) whether a group may speak for a statement
    sign : (groups, c) 1 or -1 where all rises of a group have this sign, else 0
    share : of the smallest penalty that empties a statement
    """
    scale = x.std(dim=0).clamp(min=0.02)
    x = torch.cat([x / scale, torch.ones(len(x), 1)], dim=1)
    prior = y.mean(dim=0).clamp(1e-6, 1 - 1e-6)
    size = torch.bincount(group).sqrt()[:, None]
    allowed, sign = allowed[group], sign[group]
    pull = _signed(x[:, :-1].T @ (y - prior) / len(x), sign) * allowed
    penalty = share * (_norms(pull, group) / size).amax(dim=0) * size
    step = 4 * len(x) / torch.linalg.matrix_norm(x.T @ x, 2)
    w = torch.cat([torch.zeros_like(pull), torch.logit(prior)[None]])
    extrapolated, t = w, 1.0
    for _ in range(STEPS):
        slope = x.T @ (torch.sigmoid(x @ extrapolated) - y) / len(x)
        new = extrapolated - step * slope
        free = _signed(new[:-1], sign) * allowed
        norms = _norms(free, group).clamp(min=1e-12)
        new[:-1] = free * (1 - step * penalty / norms).clamp(min=0)[group]
        t_new = (1 + (1 + 4 * t * t) ** 0.5) / 2
        extrapolated = new + (t - 1) / t_new * (new - w)
        w, t = new, t_new
    return w[:-1] / scale[:, None]


def _signed(w: Tensor, sign: Tensor) -> Tensor:
    return torch.where(sign == 0, w, sign * (sign * w).clamp(min=0))


def _norms(w: Tensor, group: Tensor) -> Tensor:
    squares = torch.zeros(int(group.max()) + 1, w.shape[1])
    return squares.index_add(0, group, w**2).sqrt()
