"""The similarity rule: the cosine to the best matching cell."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from protoecg.network.shape import Pooling


class Similarities(NamedTuple):
    """What a branch sees in a batch: values (batch, prototypes), and the cell of each."""

    values: Tensor
    cells: Tensor


class PrototypeLayer(nn.Module):
    """Compares every cell with every prototype: (batch, latent, cells) to `Similarities`.

    The similarity of an ECG to a prototype is the cosine (-1 to 1) of the prototype to the most
    similar cell; training, projection, inference and display all use this rule. With `pooling`
    "mean" it is the mean over all cells instead, while the best one is shown: the published
    rule, kept to be measured against.
    """

    def __init__(self, prototypes: int, latent: int, pooling: Pooling = "best") -> None:
        super().__init__()
        self.pooling = pooling
        self.vectors = nn.Parameter(torch.randn(prototypes, latent))

    def forward(self, latents: Tensor) -> Similarities:
        """Compare the latents with the prototypes."""
        return self.compare(latents, self.vectors)

    def compare(self, latents: Tensor, vectors: Tensor) -> Similarities:
        """Compare the latents with (p, latent) vectors."""
        cosines = _cosines(latents, vectors)
        best = Similarities(*cosines.max(dim=2))
        return best if self.pooling == "best" else Similarities(cosines.mean(dim=2), best.cells)

    def parts(self, latents: Tensor, cells: Tensor, count: int) -> Tensor:
        """Split the cosines to (batch, prototypes) `cells` by `count` equal parts of a latent.

        Returns
        -------
        what each part adds, (batch, prototypes, count)
        """
        shape = (*cells.shape, latents.shape[1])
        chosen = normalize(latents.float(), dim=1).mT.gather(1, cells[:, :, None].expand(shape))
        products = chosen * normalize(self.vectors, dim=1)
        return products.unflatten(2, (count, -1)).sum(dim=3)


def best_cells(latents: Tensor, vectors: Tensor) -> Similarities:
    """Cosine of each of the (p, latent) vectors to its best cell of (batch, latent, cells)."""
    return Similarities(*_cosines(latents, vectors).max(dim=2))


def _cosines(latents: Tensor, vectors: Tensor) -> Tensor:
    return normalize(vectors, dim=1) @ normalize(latents.float(), dim=1)
