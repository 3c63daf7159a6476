"""The stages of one branch: pre-training, joint training, projection, anchored training.

Joint training moves free prototypes; projection puts each onto a real ECG, where it no longer fits
the features as well. Anchored training mends that: each prototype stays the latent of its own
window, embedded anew as the backbone learns, so that the projected model is what is optimised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from protoecg.network import losses
from protoecg.network.projection import Anchors, Source, assign, crop, embed, latents
from protoecg.network.protoecgnet import Branch
from protoecg.network.prototypes import Similarities
from training.fit.config import BranchConfig, Config, LossWeights
from training.fit.forget import Away
from training.fit.fuse import lasso
from training.fit.loop import Data, Loop
from training.fit.nearest import Search
from training.metrics import macro_auroc

# Of the penalty, for a classifier to begin from; the fusion's own is chosen later.
LASSO_SHARE = 0.1


class Pretraining(nn.Module):
    """A backbone that classifies all statements by its latents' maximum and mean over time."""

    def __init__(self, backbone: nn.Module, latent: int, y: Tensor) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(2 * latent, y.shape[1])
        with torch.no_grad():
            self.head.bias.copy_(_prior(y))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of all statements, (batch, c)."""
        latents = self.backbone(x)
        return self.head(torch.cat([latents.amax(dim=2), latents.mean(dim=2)], dim=1))

    def loss(self, x: Tensor, y: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy, summed over statements and averaged over the batch."""
        return _cross_entropy(self(x), targets)

    def evidence(self, latents: Tensor, statement: int) -> Tensor:
        """Of each cell of (batch, latent, cells) for a statement: (batch, cells)."""
        weight = self.head.weight[statement, : latents.shape[1]]
        return torch.einsum("l,blc->bc", weight, latents)


class Joint(nn.Module):
    """A branch, its own linear classifier and the terms that shape its prototypes."""

    owned: Tensor
    co_occurrence: Tensor

    def __init__(
        self, branch: Branch, weights: LossWeights, y: Tensor, away: Away | None = None
    ) -> None:
        super().__init__()
        self.branch, self.weights, self.away = branch, weights, away
        self.register_buffer("owned", assignment(branch.shape.owners))
        self.solo = nn.Linear(*self.owned.shape)
        self.register_buffer("co_occurrence", losses.jaccard(y))
        with torch.no_grad():
            self.solo.weight.copy_(2.0 * self.owned.T)
            self.solo.bias.copy_(_prior(y) - 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of the branch's own statements, (batch, c)."""
        return self.solo(self.branch(x).values)

    def loss(self, x: Tensor, y: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy and the weighted terms of `protoecg.network.losses`."""
        return self.total(self.branch(x), self.branch.prototypes.vectors, y, targets)

    @torch.no_grad()
    def towards_lasso(self, data: Data, part: float) -> None:
        """Move the classifier a part of the way to the lasso of the prototypes as they are."""
        self.eval()
        s = torch.cat([self.branch(x).values.float().cpu() for x in data.batches()])
        weight, bias = lasso(s, data.y.cpu(), self.owned.cpu() > 0, LASSO_SHARE)
        self.solo.weight.lerp_(weight.to(self.solo.weight), part)
        self.solo.bias.lerp_(bias.to(self.solo.bias), part)

    def total(self, seen: Similarities, vectors: Tensor, y: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of similarities to the (p, latent) `vectors`."""
        weights, owned = self.weights, self.owned
        forgetting = self.away.loss(self.branch, vectors) if self.away else 0.0
        return (
            _cross_entropy(self.solo(seen.values), targets)
            + weights.clustering * losses.clustering(seen.values, y, owned)
            + weights.separation * losses.separation(seen.values, y, owned)
            + weights.diversity * losses.diversity(vectors)
            + weights.contrastive * losses.contrastive(vectors, owned, self.co_occurrence)
            + weights.l1 * (self.solo.weight * (1 - owned.T)).abs().sum()
            + forgetting
        )


class Anchored(nn.Module):
    """Joint training in which each prototype is the latent of its own real window.

    In each step `live` prototypes are embedded anew, with their gradient; the others keep
    their last embedding.
    """

    inputs: Tensor
    cells: Tensor

    def __init__(self, joint: Joint, anchors: Anchors, live: int) -> None:
        super().__init__()
        self.joint, self.live = joint, live
        self.register_buffer("inputs", anchors.inputs)
        self.register_buffer("cells", anchors.cells)
        joint.branch.prototypes.vectors.requires_grad_(False)

    def train(self, mode: bool = True) -> Anchored:
        """Switch all to training but the batch norms."""
        # Batch statistics stay as they were: they must be the same for strips and windows.
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def loss(self, x: Tensor, y: Tensor, targets: Tensor) -> Tensor:
        """Return `Joint.total` with prototypes that follow the backbone."""
        branch = self.joint.branch
        stored = branch.prototypes.vectors
        rows = torch.randperm(len(stored), device=stored.device)[: self.live]
        fresh = latents(branch, Anchors(self.inputs[rows], self.cells[rows])).float()
        vectors = stored.detach().clone().index_put((rows,), fresh)
        stored.data[rows] = fresh.detach()
        seen = branch.prototypes.compare(branch.backbone(x), vectors)
        return self.joint.total(seen, vectors, y, targets)


@dataclass
class BranchTraining:
    """Runs all stages of one branch, each resumable from `folder`.

    Parameters
    ----------
    train, validation : with labels of all statements
    own : columns of this branch's statements, in the order of `Branch`'s classifier; none for
        a teacher, which is only pretrained
    may_stand : (n, c), labels of the ECGs that prototypes may come from
    search : finds the best windows of the training ECGs
    forgotten : gives what a branch keeps away from; None where there is nothing
    """

    name: str
    config: Config
    folder: Path
    train: Data
    validation: Data
    own: list[int]
    patients: np.ndarray
    log: Callable[..., None]
    may_stand: Tensor
    search: Search
    forgotten: Callable[[Branch], Away | None]

    @property
    def settings(self) -> BranchConfig:
        """Settings of this branch."""
        return {**self.config.branches, **self.config.teachers}[self.name]

    def pretrain(self, branch: Branch) -> Pretraining:
        """Train the backbone of `branch` in place on all statements."""
        settings = self.settings
        # The number of prototypes must not decide how the head begins.
        torch.manual_seed(self.config.seed)
        module = Pretraining(branch.backbone, settings.latent, self.train.y).to(self.train.device)
        rate, epochs = self.config.learning_rate, settings.pretrain_epochs
        self._train("pretrain", module, self.train, epochs, rate, settings.distort)
        self._report("pretrain", module, self.validation)
        return module

    def run(self, branch: Branch, pretrained: Pretraining, targets: Tensor) -> list[Source]:
        """Train a pretrained `branch` in place on `targets`, (n, all statements).

        Returns
        -------
        where each prototype comes from
        """
        settings, own = self.settings, self._own(targets)
        joint = self._joint(branch, own)
        branch.prototypes.vectors.data = self._first_prototypes(pretrained, branch)
        if settings.joint_epochs:
            self._train("joint", joint, own, settings.joint_epochs, settings.joint_learning_rate)
            self._report("joint", joint, self.validation.columns(self.own))
        may_stand = self.may_stand[:, self.own]
        seen = self.search(branch, torch.arange(len(own.y)))
        unique = settings.unique_patients
        sources = assign(seen, joint.owned, may_stand, self.patients, unique)
        self._anchor(joint, sources, own)
        return sources

    def follow(self, branch: Branch, sources: list[Source], targets: Tensor) -> None:
        """Train a pretrained `branch` in place on prototypes that another chose."""
        own = self._own(targets)
        self._anchor(self._joint(branch, own), sources, own)

    def _joint(self, branch: Branch, own: Data) -> Joint:
        away = self.forgotten(branch)
        return Joint(branch, self.config.losses, own.y, away).to(self.train.device)

    def _own(self, targets: Tensor) -> Data:
        return replace(self.train, targets=targets).columns(self.own)

    def _anchor(self, joint: Joint, sources: list[Source], own: Data) -> None:
        branch, settings, validation = joint.branch, self.settings, self.validation
        anchors = self.anchors(branch, sources)
        embed(branch, anchors)
        self._report("projected", joint, validation.columns(self.own))
        if settings.lasso_start:
            joint.towards_lasso(own, settings.lasso_start)
            self._report("begun", joint, validation.columns(self.own))
        anchored = Anchored(joint, anchors, settings.live).to(self.train.device)
        self._train(
            "anchored", anchored, own, settings.anchored_epochs, settings.anchored_learning_rate
        )
        embed(branch, anchors)
        self._report("anchored", joint, validation.columns(self.own))

    def anchors(self, branch: Branch, sources: list[Source]) -> Anchors:
        """Return the model inputs of the prototypes, where the branch is trained."""
        parts = crop(branch, self.train.x, sources)
        return Anchors(*(part.to(self.train.device) for part in parts))

    def _train(
        self,
        stage: str,
        module: nn.Module,
        data: Data,
        epochs: int,
        rate: float,
        distort: bool = False,
    ) -> None:
        checkpoint = self.folder / f"{self.name}-{stage}.pt"
        loop = Loop(self.config, f"{self.name} {stage}", checkpoint, rate, distort)
        loop.run(module, data, epochs)

    def _report(self, stage: str, module: nn.Module, data: Data) -> None:
        metric = macro_auroc(data.y.cpu().numpy(), predict(module, data))
        self.log(branch=self.name, stage=stage, validation_macro_auroc=round(metric, 4))

    @torch.no_grad()
    def _first_prototypes(self, pretraining: Pretraining, branch: Branch) -> Tensor:
        """Centres of the cells with most evidence for each statement: (p, latent)."""
        pretraining.eval()
        owners = branch.shape.owners
        centres = []
        for column, statement in zip(self.own, dict.fromkeys(owners), strict=True):
            rows = torch.nonzero(self.train.y[:, column]).flatten()[:512]
            latents = torch.cat([branch.backbone(x) for x in self.train.rows(rows)])
            cells = pretraining.evidence(latents, column).argmax(dim=1)
            best = latents[torch.arange(len(rows)), :, cells].cpu().numpy()
            count = owners.count(statement)
            centres.append(
                kmeans2(best, count, minit="++", rng=self.config.seed, missing="warn")[0]
            )
        return torch.from_numpy(np.concatenate(centres)).float().to(self.train.device)


def _prior(y: Tensor) -> Tensor:
    """Logit of how often each statement occurs: (c,)."""
    return torch.logit(y.mean(dim=0).clamp(1e-4, 1 - 1e-4))


def assignment(owners: tuple[str, ...]) -> Tensor:
    """Which class each prototype belongs to: (p, c) float, classes in order of appearance."""
    classes = list(dict.fromkeys(owners))
    return torch.tensor([[float(owner == c) for c in classes] for owner in owners])


@torch.no_grad()
def predict(module: nn.Module, data: Data) -> np.ndarray:
    """Logits of a module over a data set, as (n, c)."""
    module.eval()
    return torch.cat([module(x).float().cpu() for x in data.batches()]).numpy()


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(logits.float(), y, reduction="sum") / len(y)
