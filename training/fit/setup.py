"""What all stages of a training run share: settings, data, shapes of branches, work folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from protoecg.network.protoecgnet import Branch
from protoecg.network.shape import BranchShape
from protoecg.storage.files import write_bytes
from training import kept
from training.data import ptbxl
from training.engine import Engine
from training.fit.config import BranchConfig, Config, ConfigError
from training.fit.forget import Forgetting
from training.fit.loop import Data
from training.fit.nearest import in_memory, on_engine


@dataclass(frozen=True)
class Split:
    """The ECGs of some folds: their table, and inputs and labels ready for training."""

    dataset: ptbxl.Dataset
    data: Data

    @property
    def patients(self) -> np.ndarray:
        """Patient of each ECG."""
        return self.dataset.table["patient"].to_numpy()


class Setup:
    """The settings of a run, the ECGs that they speak of, and the folder that it goes on from.

    Parameters
    ----------
    root : data set in PTB-XL's layout
    work : folder for checkpoints, cached inputs and the log
    forgetting : windows that training keeps away from
    engine : looks at the training ECGs when prototypes are projected; else this process does

    Raises
    ------
    ConfigError
        If the settings do not fit together, or if the work folder belongs to a run with other
        settings or other data.
    """

    def __init__(
        self,
        config: Config,
        root: Path,
        work: Path,
        device: torch.device,
        forgetting: Forgetting | None = None,
        engine: Engine | None = None,
    ) -> None:
        _refuse_unfitting_members(config)
        work.mkdir(parents=True, exist_ok=True)
        self.config, self.root, self.work, self.device = config, root, work, device
        self.forgetting = forgetting or Forgetting()
        dataset = ptbxl.load(root)
        self.name = config.name or dataset.name
        self.data_hash = dataset.checksum
        _claim(work, {"config": _of_training(config), "data": self.data_hash, **self.forgotten})
        # The bundle holds the log: a damaged one is refused before training, not after.
        self.logged()
        self.codes, self.label_set = dataset.statements, dataset.label_set
        self.train = self._split(dataset, "train", config.train_folds)
        self.validation = self._split(dataset, "validation", config.validation_folds)
        ecgs = self.train
        self.search = on_engine(engine, ecgs.dataset) if engine else in_memory(ecgs.data)
        # The ECGs that prototypes may come from.
        self.free = self.forgetting.without(self.train.dataset)
        self.may_stand = torch.from_numpy(self.free.labels(self.codes))
        owners = {name: self._owners(name, b) for name, b in config.branches.items()}
        # A branch that reads none of the data set's statements is not built.
        self.shapes = {
            name: _shape(config.branches[name], own) for name, own in owners.items() if own
        }
        self.teachers = {**self.shapes, **{n: _shape(t, ()) for n, t in config.teachers.items()}}

    def _split(self, dataset: ptbxl.Dataset, name: str, folds: tuple[int, ...]) -> Split:
        part = dataset.folds(folds)
        x = ptbxl.inputs(part, self.work / f"{name}.npy")
        y = torch.from_numpy(part.labels(self.codes))
        return Split(part, Data(x, y, self.device))

    def _owners(self, branch: str, settings: BranchConfig) -> tuple[str, ...]:
        """Statement of each prototype: no more for a statement than patients who have it."""
        owners: list[str] = []
        for column, code in enumerate(self.codes):
            if self.label_set[code].branch == branch:
                carriers = self.train.patients[self.may_stand[:, column].numpy() > 0]
                count = min(settings.prototypes_per_statement, len(set(carriers)))
                owners += [code] * count
        return tuple(owners)

    @property
    def forgotten(self) -> dict[str, Any]:
        """What training kept away from, as the work folder and the bundle say it."""
        return {"forgetting": asdict(self.forgetting)} if self.forgetting.windows else {}

    def log(self, **entry: Any) -> None:
        """Append a line to the run's log, unless it holds the same from before a restart."""
        line = json.dumps(entry)
        if line not in self._lines():
            with self._log_file.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def logged(self) -> list[dict[str, Any]]:
        """Return all lines of the run's log."""
        with kept.reading(self._log_file):
            return [json.loads(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        file = self._log_file
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def _log_file(self) -> Path:
        return self.work / "log.jsonl"


def _shape(settings: BranchConfig, owners: tuple[str, ...]) -> BranchShape:
    sizes, members = (settings.widths, settings.strides, settings.latent), settings.members
    shape = BranchShape(
        settings.view, *sizes, owners, settings.pooling, 1 + len(members), settings.signed
    )
    try:
        with torch.device("meta"):
            Branch(shape)
    except ValueError as error:
        raise ConfigError(f"A branch cannot be built from its settings. {error}") from error
    return shape


def _refuse_unfitting_members(config: Config) -> None:
    taken: set[str] = set()
    for name, branch in config.branches.items():
        for member in branch.members:
            if member not in config.teachers or member in taken:
                raise ConfigError(
                    f'Branch {name} has a member "{member}"; expected a teacher, named once.'
                )
            if _sizes(config.teachers[member]) != _sizes(branch):
                raise ConfigError(
                    f"Member {member} of {name} has another view, widths, strides or latent; "
                    "expected the same."
                )
            taken.add(member)


def _sizes(settings: BranchConfig) -> tuple[Any, ...]:
    return settings.view, settings.widths, settings.strides, settings.latent


def _of_training(config: Config) -> dict[str, Any]:
    """Return the settings that checkpoints depend on; the fusion is fitted anew each time."""
    later = {"name", "fusion", "carry_waveforms"}
    return {key: value for key, value in asdict(config).items() if key not in later}


def _claim(work: Path, settings: dict[str, Any]) -> None:
    """Make the work folder this run's, or see that it is."""
    file = work / "run.json"
    text = json.dumps(settings, indent=1, sort_keys=True)
    if not file.exists():
        write_bytes(file, text.encode())
    elif file.read_bytes() != text.encode():
        raise ConfigError(
            f"{work} holds a run with other settings or other data. Choose another folder with "
            "--work, or delete it to start anew."
        )
