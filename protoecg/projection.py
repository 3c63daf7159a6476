"""Projection: each prototype becomes the latent of a real training ECG, or a window of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from protoecg.network.protoecgnet import Branch
from protoecg.network.prototypes import Similarities


class Source(NamedTuple):
    """Where a prototype comes from: the row of the training ECG, and the cell in it."""

    row: int
    cell: int


@torch.no_grad()
def project(
    branch: Branch,
    batches: Iterable[Tensor],
    owned: Tensor,
    labels: Tensor,
    patients: np.ndarray,
) -> list[Source]:
    """Move each prototype onto its best matching window among the ECGs of its statement.

    No two prototypes of a statement come from one patient: they are assigned together, so that
    the sum of their similarities is the largest possible (Hungarian algorithm).

    Parameters
    ----------
    batches : model inputs of all training ECGs, in order
    owned : (p, c), the statement of each prototype
    labels : (n, c), statements of each ECG
    patients : (n,), patient of each ECG

    Raises
    ------
    ValueError
        If a statement has more prototypes than patients.
    """
    branch.eval()
    latents_of_best = [_best(branch, x) for x in batches]
    seen = Similarities(*(torch.cat(part).cpu() for part in zip(*latents_of_best, strict=True)))
    rows = np.empty(len(owned), dtype=int)
    owned, labels = owned.cpu(), labels.cpu()
    for statement in range(owned.shape[1]):
        mine = torch.nonzero(owned[:, statement]).flatten().numpy()
        carriers = torch.nonzero(labels[:, statement]).flatten().numpy()
        values = seen.values[carriers][:, mine].numpy()
        rows[mine] = carriers[_one_per_patient(values, patients[carriers])]
    return [Source(int(row), int(seen.cells[row, p])) for p, row in enumerate(rows)]


def crop(branch: Branch, x: np.ndarray, sources: list[Source]) -> Tensor:
    """Return the model input of each prototype, (p, 12, samples): all that it rests on."""
    windows = []
    for row, cell in sources:
        start, end = branch.window_samples(cell)
        windows.append(torch.from_numpy(np.array(x[row][:, start:end])))
    return torch.stack(windows)


@torch.no_grad()
def embed(branch: Branch, windows: Tensor) -> None:
    """Set the prototypes to the latents of their windows, (p, 12, samples), by this backbone."""
    branch.eval()
    latents = torch.cat([branch.backbone(part) for part in windows.split(64)])
    branch.prototypes.vectors.copy_(latents.squeeze(2))


def _best(branch: Branch, x: Tensor) -> Similarities:
    seen = branch(x)
    return Similarities(seen.values.float(), seen.cells.to(torch.int16))


def _one_per_patient(values: np.ndarray, patients: np.ndarray) -> np.ndarray:
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
