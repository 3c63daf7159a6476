"""Trains the branches of a run and the teachers that they name, each resumable by itself.

The members that a branch names are teachers that learn to see its prototypes, each for itself and
after its own pretraining; then all see together, see `Ensemble`.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from protoecg.network.backbones import Ensemble
from protoecg.network.projection import Source, crop, embed
from protoecg.network.protoecgnet import Branch
from protoecg.storage.files import atomic_write
from training import kept
from training.fit import forget
from training.fit.config import Config
from training.fit.forget import Away, Forgetting
from training.fit.setup import Setup
from training.fit.stages import BranchTraining, Pretraining, predict


@dataclass(frozen=True)
class Trained:
    """A branch after all its stages, and the training ECG behind each prototype."""

    state: dict[str, torch.Tensor]
    sources: list[Source]


class Branches:
    """The branches and teachers of a run: read where they are trained, trained where not."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def trained(self, name: str) -> Trained:
        """Train one branch, or read it where that is done."""
        file = self.setup.work / f"{name}.pt"
        if not file.exists():
            trained = asdict(self._train_branch(name))
            with atomic_write(file) as whole:
                torch.save(trained, whole)
        with kept.reading(file):
            saved = kept.tensors(file)
            return Trained(saved["state"], [Source(*s) for s in saved["sources"]])

    def _train_branch(self, name: str) -> Trained:
        branch, training = self._untrained(name), self._training(name, name)
        targets = self._targets()
        sources = training.run(branch, training.pretrain(branch), targets)
        if self.setup.config.branches[name].members:
            branch = self._joined(name, branch, sources, targets)
        return Trained(
            {key: value.cpu() for key, value in branch.state_dict().items()},
            [(int(row), int(cell)) for row, cell in sources],  # type: ignore[misc]
        )

    def _joined(
        self, name: str, first: Branch, sources: list[Source], targets: torch.Tensor
    ) -> Branch:
        """Let members that were each trained on the first one's prototypes see together."""
        backbones = [first.backbone]
        for member in self.setup.config.branches[name].members:
            follower, training = self._untrained(name), self._training(member, name)
            training.pretrain(follower)
            training.follow(follower, sources, targets)
            backbones.append(follower.backbone)
        joined = Branch(self.setup.shapes[name]).to(self.setup.device)
        joined.backbone.load_state_dict(Ensemble(backbones).state_dict())
        embed(joined, self._training(name, name).anchors(joined, sources))
        return joined

    def _untrained(self, name: str) -> Branch:
        """Return a branch or teacher of one member, as each is trained."""
        torch.manual_seed(self.setup.config.seed)
        return Branch(replace(self.setup.teachers[name], members=1)).to(self.setup.device)

    def _training(self, name: str, branch: str) -> BranchTraining:
        """Return the stages of a branch or teacher, on the statements of a branch."""
        setup = self.setup
        statements = dict.fromkeys(setup.teachers[branch].owners)
        return BranchTraining(
            name=name,
            config=setup.config,
            folder=setup.work,
            train=setup.train.data,
            validation=setup.validation.data,
            own=[setup.codes.index(code) for code in statements],
            patients=setup.train.patients,
            log=setup.log,
            may_stand=setup.may_stand,
            search=setup.search,
            forgotten=self._away,
        )

    def _away(self, branch: Branch) -> Away | None:
        """Return what a branch keeps away from."""
        found = forget.sources(branch, self.setup.forgetting, self.setup.train.dataset)
        if found is None:
            return None
        places, same = found
        return Away(crop(branch, self.setup.train.data.x, places), same, self.setup.forgetting)

    def _targets(self) -> torch.Tensor:
        """Labels, softened by what all pretrained backbones say together: (n, c)."""
        y, share = self.setup.train.data.y, self.setup.config.teacher
        if share == 0:
            return y
        file = self.setup.work / "teacher.npy"
        if not file.exists():
            data = self.setup.train.data
            logits = [predict(self.pretrain(name), data) for name in self.setup.teachers]
            with atomic_write(file) as whole:
                np.save(whole, np.mean(logits, axis=0))
        return (1 - share) * y + share * torch.sigmoid(
            torch.from_numpy(np.array(kept.array(file, tuple(y.shape))))
        )

    def pretrain(self, name: str) -> Pretraining:
        """Pretrain the backbone of a branch or teacher, or read it where that is done."""
        return self._training(name, name).pretrain(self._untrained(name))

    def side_by_side(self, processes: int) -> None:
        """Train all branches in processes of one thread each."""
        setup, teachers = self.setup, self.setup.teachers
        settings = (setup.config, setup.root, setup.work, str(setup.device), setup.forgetting)
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            # Windows take longest: begun last, they would leave the other processes idle.
            order = sorted(teachers, key=lambda name: teachers[name].view == "strip")
            list(pool.map(partial(_in_process, "pretrain", *settings), order))
            # All pretrained backbones teach each branch.
            self._targets()
            list(pool.map(partial(_in_process, "trained", *settings), setup.shapes))


def _in_process(
    stage: str,
    config: Config,
    root: Path,
    work: Path,
    device: str,
    forgetting: Forgetting,
    branch: str,
) -> None:
    torch.set_num_threads(1)
    setup = Setup(config, root, work, torch.device(device), forgetting)
    getattr(Branches(setup), stage)(branch)
