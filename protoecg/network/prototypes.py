"""The one similarity rule: the cosine to the best matching cell."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class Similarities(NamedTuple):
    """What a branch sees in a batch: values (batch, prototypes), and the cell of each."""

    values: Tensor
    cells: Tensor


class PrototypeLayer(nn.Module):
    """Compares every cell with every prototype: (batch, latent, cells) to `Similarities`.

    The similarity of an ECG to a prototype is the cosine (-1 to 1) of the prototype to the most
    similar cell; training, projection, inference and display all use this rule.
    """

    def __init__(self, prototypes: int, latent: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(prototypes, latent))

    def forward(self, latents: Tensor) -> Similarities:
        """Return the best cell for each prototype."""
        return best_cells(latents, self.vectors)


def best_cells(latents: Tensor, vectors: Tensor) -> Similarities:
    """Cosine of each of the (p, latent) vectors to its best cell of (batch, latent, cells)."""
    cosines = normalize(vectors, dim=1) @ normalize(latents.float(), dim=1)
    return Similarities(*cosines.max(dim=2))
