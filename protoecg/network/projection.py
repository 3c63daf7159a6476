"""Projection: each prototype becomes the latent of a real training ECG, or a window of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from protoecg.network.protoecgnet import Branch
from protoecg.network.prototypes import Similarities, best_cells


class Source(NamedTuple):
    """Where a prototype comes from: the row of the training ECG, and the cell in it."""

    row: int
    cell: int


class Anchors(NamedTuple):
    """What gives each prototype's latent: inputs (p, 12, samples), and the cell in each."""

    inputs: Tensor
    cells: Tensor


@torch.no_grad()
def best_windows(branch: Branch, batches: Iterable[Tensor]) -> Similarities:
    """Return the window of each ECG that is most similar to each prototype: (n, p) each."""
    branch.eval()
    best = [_best(branch, x) for x in batches]
    return Similarities(*(torch.cat(part).cpu() for part in zip(*best, strict=True)))


def assign(
    seen: Similarities,
    owned: Tensor,
    labels: Tensor,
    patients: np.ndarray,
    unique: bool = True,
) -> list[Source]:
    """Give each prototype the ECG of its statement that is most like it.

    No two prototypes of a statement come from one patient: they are assigned together, so that
    the sum of their similarities is the largest possible (Hungarian algorithm).

    Parameters
    ----------
    seen : best windows of the ECGs, (n, p)
    owned : (p, c), the statement of each prototype
    labels : (n, c), statements that each ECG may stand for
    patients : (n,), patient of each ECG
    unique : otherwise each takes its own best, as published

    Raises
    ------
    ValueError
        If a statement has more prototypes than patients.
    """
    rows = np.empty(len(owned), dtype=int)
    owned, labels = owned.cpu(), labels.cpu()
    for statement in range(owned.shape[1]):
        mine = torch.nonzero(owned[:, statement]).flatten().numpy()
        carriers = torch.nonzero(labels[:, statement]).flatten().numpy()
        values = seen.values[carriers][:, mine].numpy()
        chosen = one_per_patient(values, patients[carriers]) if unique else values.argmax(axis=0)
        rows[mine] = carriers[chosen]
    return [Source(int(row), int(seen.cells[row, p])) for p, row in enumerate(rows)]


def crop(branch: Branch, x: np.ndarray, sources: list[Source]) -> Anchors:
    """Return the model input of each prototype: all that it rests on."""
    inputs, cells = [], []
    for row, cell in sources:
        start, end = branch.input_samples(cell)
        inputs.append(torch.from_numpy(np.array(x[row][:, start:end])))
        cells.append(cell if branch.shape.view == "wide" else 0)
    return Anchors(torch.stack(inputs), torch.tensor(cells))


def latents(branch: Branch, anchors: Anchors) -> Tensor:
    """Latents of the anchors by this backbone, (p, latent)."""
    cells = branch.backbone(anchors.inputs)
    return cells[torch.arange(len(cells)), :, anchors.cells]


@torch.no_grad()
def embed(branch: Branch, anchors: Anchors) -> None:
    """Set the prototypes to the latents of their anchors by this backbone."""
    branch.eval()
    parts = zip(anchors.inputs.split(64), anchors.cells.split(64), strict=True)
    branch.prototypes.vectors.copy_(torch.cat([latents(branch, Anchors(*p)) for p in parts]))


def _best(branch: Branch, x: Tensor) -> Similarities:
    seen = best_cells(branch.backbone(x), branch.prototypes.vectors)
    return Similarities(seen.values.float(), seen.cells.to(torch.int16))


def one_per_patient(values: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Candidate (row of `values`, (candidates, p)) for each prototype, patients all different."""
    unique, number = np.unique(patients, return_inverse=True)
    if len(unique) < values.shape[1]:
        raise ValueError(
            f"{values.shape[1]} prototypes of a statement that only {len(unique)} patients have; "
            "one patient can give one."
        )
    best = np.full((len(unique), values.shape[1]), -np.inf)
    np.maximum.at(best, number, values)
    patient, prototype = linear_sum_assignment(best, maximize=True)
    chosen = np.empty(values.shape[1], dtype=int)
    for p, k in zip(patient, prototype, strict=True):
        rows = np.flatnonzero(number == p)
        chosen[k] = rows[np.argmax(values[rows, k])]
    return chosen
