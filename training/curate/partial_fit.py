"""A bundle with other prototypes: the statements that this touches fitted anew, the rest as it was.

A statement is touched where one of its own prototypes changes, or where one that speaks against it
does. Its weights are fitted by the rule and at the penalty that the bundle was fitted by, on the
training ECGs; the scale and the shift that calibration had given it stay on them, and are then
moved by what the validation ECGs say. All other statements keep every bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protoecg.bundle import Bundle
from protoecg.labels import BRANCHES
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.curation import CurationError
from training.fit.config import FusionConfig
from training.fit.fuse import Tried, choose, likeness, owned_by
from training.judgement import parts

FUSION, SOLO = "fusion", "solo"


@dataclass(frozen=True, eq=False)
class Fitted:
    """Weights (c, p) and biases (c,) as they come from the fit, not yet calibrated."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, eq=False)
class PartialFit:
    """Fits statements of a bundle anew after its prototypes changed.

    Parameters
    ----------
    shares : penalty of each statement in the fusion and in its branch alone, (c,) each, as shares
        of the smallest one that empties it
    seen : (n, p) similarities of the training ECGs to the bundle's prototypes
    labels : (n, c)
    """

    bundle: Bundle
    shares: Mapping[str, Tensor]
    seen: Tensor
    labels: Tensor
    _before: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def before(self, columns: Sequence[int]) -> Fitted:
        """Return the fit of statements with the prototypes that the bundle has."""
        if missing := [column for column in columns if column not in self._before]:
            found = self._fit(FUSION, self.seen, owned_by(self.bundle.network), missing)
            of_each = zip(found.weight, found.bias, strict=True)
            self._before.update(zip(missing, of_each, strict=True))
        weights, biases = zip(*(self._before[column] for column in columns), strict=True)
        return Fitted(torch.stack(weights), torch.stack(biases))

    def apply(self, network: ProtoECGNet, seen: Tensor, columns: Sequence[int]) -> None:
        """Fit statements of a network with other prototypes in place, see `rebuilt`.

        Parameters
        ----------
        seen : (n, p) similarities of the training ECGs to its prototypes
        """
        self.fuse(network, seen, columns)
        owned = owned_by(network)
        for name, own, statements in parts(network):
            layer, chosen = network.solo[name], sorted(set(statements) & set(columns))
            if chosen:
                alone = self._fit(SOLO, seen[:, own], owned[own], chosen)
                places = [statements.index(column) for column in chosen]
                with torch.no_grad():
                    layer.weight[places], layer.bias[places] = alone.weight, alone.bias

    def fuse(self, network: ProtoECGNet, seen: Tensor, columns: Sequence[int]) -> None:
        """Fit statements as `apply` does, of all branches together alone."""
        owned, fusion = owned_by(network), self.bundle.network.fusion
        before = self.before(columns)
        after = self._fit(FUSION, seen, owned, columns)
        scale = _scale(fusion.weight[columns], before.weight)
        shift = fusion.bias[columns] - scale * before.bias
        with torch.no_grad():
            network.fusion.weight[columns] = scale[:, None] * after.weight
            network.fusion.bias[columns] = scale * after.bias + shift

    def _fit(self, stage: str, seen: Tensor, owned: Tensor, columns: Sequence[int]) -> Fitted:
        chosen = list(columns)
        share = self.shares[stage][chosen]
        return Fitted(*likeness(seen, self.labels[:, chosen], owned[:, chosen], share))


def touched(network: ProtoECGNet, changed: Sequence[int]) -> list[int]:
    """Return the statements that a change of prototypes (columns of the similarities) touches."""
    owners = {network.owners[column][1] for column in changed}
    speaks = (network.fusion.weight[:, list(changed)] != 0).any(dim=1)
    return [
        place
        for place, code in enumerate(network.statements)
        if code in owners or bool(speaks[place])
    ]


@torch.no_grad()
def rebuilt(
    network: ProtoECGNet, vectors: Mapping[int, Tensor], removed: Sequence[int]
) -> ProtoECGNet:
    """Return a copy of a network with other vectors in some columns, and without some.

    Parameters
    ----------
    vectors : by column of the similarities, the (latent,) vector of the window that takes its place
    removed : columns that nothing takes the place of

    Raises
    ------
    CurationError
        If a statement would be left without a prototype.
    """
    kept = [column for column in range(len(network.owners)) if column not in set(removed)]
    shapes = {}
    for name, branch in network.branches.items():
        columns = network.columns(name)
        own = [c - columns.start for c in kept if c in columns]
        shapes[name] = replace(branch.shape, owners=tuple(branch.shape.owners[c] for c in own))
    lost = {code for _, code in network.owners} - {c for s in shapes.values() for c in s.owners}
    if lost:
        raise CurationError(
            f"The rule leaves {', '.join(sorted(lost))} without a prototype, so that it could not "
            "be found any more. Keep one of it, or replace it."
        )
    made = ProtoECGNet(shapes, network.statements)
    for name, branch in network.branches.items():
        columns = network.columns(name)
        own = [c - columns.start for c in kept if c in columns]
        made.branches[name].backbone.load_state_dict(branch.backbone.state_dict())
        stored = branch.prototypes.vectors.clone()
        for column in set(vectors) & set(columns):
            stored[column - columns.start] = vectors[column]
        made.branches[name].prototypes.vectors.copy_(stored[own])
        made.solo[name].weight.copy_(network.solo[name].weight[:, own])
        made.solo[name].bias.copy_(network.solo[name].bias)
    made.fusion.weight.copy_(network.fusion.weight[:, kept])
    made.fusion.bias.copy_(network.fusion.bias)
    return made.eval().requires_grad_(False)


def shares_of(bundle: Bundle) -> dict[str, Tensor]:
    """Return the penalties that a bundle was fitted by, as its log tells them: see `PartialFit`.

    Raises
    ------
    CurationError
        If it does not tell them, or the bundle was fitted by another rule.
    """
    settings = dict(bundle.about.get("config", {}).get(FUSION, {}))
    known = {key: settings[key] for key in settings if key in FusionConfig.__dataclass_fields__}
    config = FusionConfig(**known)
    log = bundle.about.get("log", [])
    chosen = {stage: _chosen(log, stage, config) for stage in (FUSION, SOLO)}
    of = [bundle.labels[code].branch for code in bundle.statements]
    if config.support != "own" or not all(set(of) <= set(c) for c in chosen.values()):
        raise CurationError(
            f"{bundle.path} does not say by which penalties it was fitted, or was fitted by "
            "another rule than this version's. Train it anew with `python -m training fit`."
        )
    return {stage: torch.tensor([c[branch] for branch in of]) for stage, c in chosen.items()}


def _chosen(log: Sequence[Mapping[str, Any]], stage: str, config: FusionConfig) -> dict[str, float]:
    tried: dict[str, dict[float, Tried]] = {name: {} for name in BRANCHES}
    for line in log:
        if line.get("stage") == stage and line.get("branch") in tried:
            attempt = Tried(*(line[field] for field in Tried._fields))
            tried[line["branch"]][line["share"]] = attempt
    return {name: choose(of, config) for name, of in tried.items() if of}


def _scale(calibrated: Tensor, fitted: Tensor) -> Tensor:
    """By how much calibration had scaled each row (c,); 1 where the fit had left nothing."""
    size = (fitted**2).sum(dim=1)
    scale = (calibrated * fitted).sum(dim=1) / size.clamp(min=1e-12)
    return torch.where((size > 0) & (scale > 0), scale, 1.0)


def unexplained(bundle: Bundle, before: Fitted, columns: Sequence[int]) -> np.ndarray:
    """Share of each statement's weights that the fit does not give again: (c,), 0 if it does."""
    stored = bundle.network.fusion.weight[list(columns)]
    off = stored - _scale(stored, before.weight)[:, None] * before.weight
    return (off.norm(dim=1) / stored.norm(dim=1).clamp(min=1e-12)).numpy()
