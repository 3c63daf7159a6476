"""What a curation must not bring back: windows that were rejected, and what is like them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from protoecg.bundle import Bundle
from protoecg.prototypes.curation import Change, Proposals, curations
from protoecg.prototypes.prototype import Prototype
from training.curate.pool import Pool


@dataclass(frozen=True, eq=False)
class Rejected:
    """Windows that must not come back.

    Parameters
    ----------
    identities : theirs, of whatever bundle
    vectors : by statement, those that are or were retired, (k, latent), as the network sees them
    """

    identities: frozenset[str]
    vectors: Mapping[str, Tensor]

    def likeness(self, statement: str, vector: Tensor) -> float:
        """Return the largest cosine of a vector (latent,) to what was retired of a statement."""
        if statement not in self.vectors:
            return -1.0
        return float((self.vectors[statement] @ normalize(vector, dim=0)).max())


def rejected(bundle: Bundle, known: Pool, proposals: Proposals) -> Rejected:
    """Return what was rejected by ratings, is to be retired, or was by earlier curations.

    Of earlier ones those windows are compared that the index keeps.
    """
    before = [c for curation in curations(bundle.about) for c in curation.changes]
    by_name = {prototype.name: prototype for prototype in bundle.prototypes}
    vectors: dict[str, list[Tensor]] = {}
    for proposal in proposals.retired:
        prototype = by_name[proposal.prototype]
        vectors.setdefault(prototype.statement, []).append(vector_of(bundle, prototype))
    for change in before:
        vectors.setdefault(change.statement, []).extend(_kept(bundle, known, change))
    return Rejected(
        frozenset((*proposals.rejected, *(change.identity for change in before))),
        {code: normalize(torch.stack(of), dim=1) for code, of in vectors.items() if of},
    )


def vector_of(bundle: Bundle, prototype: Prototype) -> Tensor:
    """Return the vector (latent,) that stands for a prototype of a bundle."""
    column = bundle.prototypes.index(prototype) - bundle.network.columns(prototype.branch).start
    return bundle.network.branches[prototype.branch].prototypes.vectors[column]


def _kept(bundle: Bundle, known: Pool, change: Change) -> Iterator[Tensor]:
    """Yield the latent of a window that was retired, where the index keeps it."""
    name = bundle.labels[change.statement].branch
    cell = bundle.network.branches[name].cell(change.window_s)
    for row in np.flatnonzero(known.table["record"].to_numpy() == change.record):
        for place in np.flatnonzero(known.ecgs.cells[name][row] == cell):
            stored = known.ecgs.latents[name][row, place].astype(np.float32)
            yield torch.from_numpy(known.ecgs.bases[name] @ stored)
