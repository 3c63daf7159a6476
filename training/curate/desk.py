"""A curation in the making: candidates to look at, and what a choice does to its statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protoecg.bundle import Bundle
from protoecg.prototypes.curation import Proposals, Rule
from protoecg.prototypes.prototype import Prototype
from training.curate.candidates import Candidate, Chooser, Found, suspects
from training.curate.partial_fit import FUSION, shares_of
from training.curate.pool import Pool, pool
from training.curate.rejected import rejected
from training.curate.similarity import approximate, nearest_kept
from training.fit.fuse import likeness
from training.metrics import auroc


@dataclass(frozen=True)
class Tally:
    """What chosen changes do to a statement, on the training ECGs and by the index alone.

    Parameters
    ----------
    before, after : prototypes that it has
    auroc_before, auroc_after : of its prototypes and those that speak against it, fitted anew
    """

    statement: str
    before: int
    after: int
    auroc_before: float
    auroc_after: float


@dataclass(eq=False)
class Desk:
    """What a coordinator has before them; slow to lay out, then quick.

    Parameters
    ----------
    root : the data set that the bundle was trained on, if it is here
    """

    bundle: Bundle
    root: Path | None
    _found: dict[str, Found] = field(default_factory=dict)
    _gone: dict[str, str] = field(default_factory=dict)
    _fits: dict[tuple[str, ...], float] = field(default_factory=dict)

    @cached_property
    def pool(self) -> Pool:
        """The training ECGs."""
        return pool(self.bundle, self.root)

    def candidates(
        self,
        name: str,
        proposals: Proposals,
        rule: Rule,
        *,
        on_found: Callable[[int], None] = lambda found: None,
        again: bool = False,
    ) -> Found:
        """Return the windows that may take the place of a prototype, the best first.

        Parameters
        ----------
        on_found : called during the search with how many are found
        again : look for them anew, as ECGs may be had now that could not be
        """
        against = proposals.rejected, [proposal.prototype for proposal in proposals.retired]
        key = f"{name} {rule.candidates} {against}"
        if again or key not in self._found:
            unwanted = rejected(self.bundle, self.pool, proposals)
            chooser = Chooser(
                self.bundle, self.pool, self._suspect, unwanted, rule.candidates, self._gone
            )
            self._found[key] = chooser.candidates(self._prototype(name), on_found=on_found)
        return self._found[key]

    def tally(self, chosen: Mapping[str, Candidate | None]) -> list[Tally]:
        """Return what changes do to the statements whose prototypes they change.

        Parameters
        ----------
        chosen : by name of a retired prototype, what takes its place; None for nothing
        """
        codes = dict.fromkeys(self._prototype(name).statement for name in chosen)
        return [self._tally(code, chosen) for code in codes]

    def _tally(self, code: str, chosen: Mapping[str, Candidate | None]) -> Tally:
        place = self.bundle.statements.index(code)
        prototypes = self.bundle.prototypes
        own = torch.tensor([p.statement == code for p in prototypes])
        speaks = own | (self.bundle.network.fusion.weight[place] != 0)
        columns = torch.nonzero(speaks).flatten().tolist()
        lost = {name for name, candidate in chosen.items() if candidate is None}
        kept = [c for c in columns if prototypes[c].name not in lost]
        left = int(own[kept].sum())
        return Tally(
            code,
            int(own.sum()),
            left,
            self._fitted(columns, own, place, {}),
            self._fitted(kept, own, place, chosen) if left else float("nan"),
        )

    def _fitted(
        self,
        columns: Sequence[int],
        own: Tensor,
        place: int,
        chosen: Mapping[str, Candidate | None],
    ) -> float:
        """Fit a statement by some columns, those that were chosen anew in place of the bundle's."""
        windows = {c: chosen.get(self.bundle.prototypes[c].name) for c in columns}
        identities = (w.prototype.identity if w else "" for w in windows.values())
        key = (str(place), *map(str, columns), *identities)
        if key not in self._fits:
            of_each = (self._column(w) if w else self._seen[:, c] for c, w in windows.items())
            seen = torch.stack(list(of_each), dim=1)
            labels = torch.from_numpy(self.pool.labels[:, [place]])
            weight, bias = likeness(seen, labels, own[columns][:, None], self._shares[[place]])
            found = auroc(labels.numpy(), (seen @ weight.T + bias).numpy())[0]
            self._fits[key] = float(found)
        return self._fits[key]

    def _column(self, candidate: Candidate) -> Tensor:
        vectors = candidate.vector.numpy()[None]
        name = candidate.prototype.branch
        seen = nearest_kept(self.pool.ecgs, name, vectors)[:, 0]
        signed = self.bundle.network.branches[name].shape.signed
        return torch.from_numpy(seen if signed else np.maximum(seen, 0))

    def _prototype(self, name: str) -> Prototype:
        return next(p for p in self.bundle.prototypes if p.name == name)

    @cached_property
    def _suspect(self) -> np.ndarray:
        return suspects(self.bundle, self.pool, self._seen)

    @cached_property
    def _seen(self) -> Tensor:
        return approximate(self.bundle.network, self.pool.ecgs)

    @cached_property
    def _shares(self) -> Tensor:
        return shares_of(self.bundle)[FUSION]
