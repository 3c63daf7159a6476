"""ProtoECGNet: similarities to real ECGs, fused linearly (after arXiv 2504.08713)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from protoecg.ecg import LEADS
from protoecg.network.backbones import (
    Ensemble,
    LeadBackbone,
    StripBackbone,
    WideBackbone,
    WindowBackbone,
)
from protoecg.network.prototypes import PrototypeLayer, Similarities
from protoecg.network.shape import BranchShape
from protoecg.network.sight import Sight
from protoecg.signals import MODEL_RATE, MODEL_SAMPLES

BACKBONES = {
    "window": WindowBackbone,
    "leads": LeadBackbone,
    "strip": StripBackbone,
    "wide": WideBackbone,
}


class Branch(nn.Module):
    """A backbone and its prototypes: (batch, 12, 1000) to `Similarities`."""

    def __init__(self, shape: BranchShape) -> None:
        super().__init__()
        self.shape = shape
        kind, sizes = BACKBONES[shape.view], (shape.widths, shape.strides, shape.latent)
        members = [kind(*sizes) for _ in range(shape.members)]
        backbone = members[0] if shape.members == 1 else Ensemble(members)
        self.backbone = cast(WindowBackbone, backbone)
        self.prototypes = PrototypeLayer(len(shape.owners), shape.features, shape.pooling)

    def forward(self, x: Tensor) -> Similarities:
        """Compare each ECG's cells with all prototypes, by signed cosines: what is trained."""
        return self.prototypes(self.backbone(x))

    def similarities(self, x: Tensor) -> Similarities:
        """Compare in the same way, by what is decided on and shown: see `BranchShape.signed`."""
        seen = self(x)
        return seen if self.shape.signed else seen._replace(values=seen.values.clamp(min=0))

    @property
    def splits_by_lead(self) -> bool:
        """Whether a similarity is a sum over the leads."""
        return self.shape.view == "leads" and self.shape.pooling == "best"

    def lead_parts(self, x: Tensor, cells: Tensor) -> Tensor:
        """Each lead's part of the similarities to (batch, prototypes) `cells`.

        Only of a branch that splits by lead: (batch, prototypes, 12), in the order of `LEADS`.
        """
        members = self.shape.members
        parts = self.prototypes.parts(self.backbone(x), cells, members * len(LEADS))
        parts = parts.unflatten(2, (members, len(LEADS))).sum(dim=2)
        return parts if self.shape.signed else parts * (parts.sum(dim=2, keepdim=True) > 0)

    def window_samples(self, cell: int) -> tuple[int, int]:
        """First sample and end of what is shown of a cell, in model input samples."""
        if self.shape.view == "strip":
            return 0, MODEL_SAMPLES
        start = cell * self.backbone.stride
        return start, min(start + self.backbone.window, MODEL_SAMPLES)

    def input_samples(self, cell: int) -> tuple[int, int]:
        """First sample and end of the model input that gives the cell's latent."""
        if self.shape.view in ("window", "leads"):
            return self.window_samples(cell)
        return 0, MODEL_SAMPLES

    def window_s(self, cell: int) -> tuple[float, float]:
        """Start and end of what is shown of a cell, in seconds."""
        start, end = self.window_samples(cell)
        return start / MODEL_RATE, end / MODEL_RATE

    def cell(self, window_s: tuple[float, float]) -> int:
        """Cell that is shown as a window: `window_s` backwards."""
        if self.shape.view == "strip":
            return 0
        return round(window_s[0] * MODEL_RATE / self.backbone.stride)


class Output(NamedTuple):
    """Similarities and cells of all prototypes, branch after branch, and the fused logits."""

    similarities: Tensor
    cells: Tensor
    logits: Tensor


class ProtoECGNet(nn.Module):
    """The whole model: (batch, 12, 1000) mV at 100 Hz to `Output`.

    `fusion` maps all similarities to the logits of all statements. `solo` holds one linear layer
    a branch, from its own similarities to its own statements: what the branch says alone.
    """

    def __init__(self, shapes: Mapping[str, BranchShape], statements: Sequence[str]) -> None:
        super().__init__()
        self.statements = tuple(statements)
        branches = {name: Branch(shape) for name, shape in shapes.items()}
        solo = {n: nn.Linear(len(s.owners), len(set(s.owners))) for n, s in shapes.items()}
        self.branches = cast(dict[str, Branch], nn.ModuleDict(branches))
        self.solo = cast(dict[str, nn.Linear], nn.ModuleDict(solo))
        prototypes = sum(len(shape.owners) for shape in shapes.values())
        self.fusion = nn.Linear(prototypes, len(self.statements))

    def forward(self, x: Tensor) -> Output:
        """Ask every branch and fuse what they say."""
        seen = [branch.similarities(x) for branch in self.branches.values()]
        similarities = torch.cat([s.values for s in seen], dim=1)
        cells = torch.cat([s.cells for s in seen], dim=1)
        return Output(similarities, cells, self.fusion(similarities))

    @torch.inference_mode()
    def look(self, x: np.ndarray, *, by_lead: bool = True) -> Sight:
        """Return what the prototypes see in ECGs (n, 12, 1000), on the CPU.

        Parameters
        ----------
        by_lead : whether each lead's part is asked for
        """
        # Torch's own memory: how NumPy's happens to lie shows in the last bit of a similarity.
        ecgs = torch.stack([torch.from_numpy(each) for each in x])
        output = self(ecgs)
        parts = {
            name: branch.lead_parts(ecgs, output.cells[:, list(self.columns(name))]).numpy()
            for name, branch in self.branches.items()
            if by_lead and branch.splits_by_lead
        }
        return Sight(output.similarities.numpy(), output.cells.numpy(), parts)

    @torch.inference_mode()
    def of_branch(self, name: str, x: np.ndarray) -> np.ndarray:
        """Return the similarities (n, prototypes) that a branch alone sees in (n, 12, t) ECGs."""
        return self.branches[name].similarities(torch.from_numpy(x)).values.numpy()

    def window_s(self, branch: str, cell: int) -> tuple[float, float]:
        """Start and end of what is shown of a branch's cell, in seconds."""
        return self.branches[branch].window_s(cell)

    @property
    def weights(self) -> np.ndarray:
        """The fusion's weights, (statements, prototypes)."""
        return self.fusion.weight.numpy(force=True)

    @property
    def biases(self) -> np.ndarray:
        """The fusion's biases, (statements,)."""
        return self.fusion.bias.numpy(force=True)

    @property
    def owners(self) -> tuple[tuple[str, str], ...]:
        """Branch and statement of each prototype, in the order of the similarities."""
        return tuple(
            (name, owner) for name, branch in self.branches.items() for owner in branch.shape.owners
        )

    def columns(self, branch: str) -> range:
        """Return the columns of the similarities that are a branch's prototypes."""
        ends = accumulate(len(each.shape.owners) for each in self.branches.values())
        end = dict(zip(self.branches, ends, strict=True))[branch]
        return range(end - len(self.branches[branch].shape.owners), end)
