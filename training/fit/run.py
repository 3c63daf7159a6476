"""A data set to a bundle: train each branch, choose prototypes, fuse, calibrate, write.

Longer than 300 lines because all stages of a run share its settings, data and work folder.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Collection, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from protoecg.bundle import Bundle, save_bundle
from protoecg.measured.curves import MeasuredEvidence
from protoecg.network.backbones import Ensemble
from protoecg.network.projection import Anchors, Source, crop, embed
from protoecg.network.protoecgnet import Branch, ProtoECGNet
from protoecg.network.shape import BranchShape
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import record_checksum
from protoecg.storage.files import atomic_write, write_bytes
from training import familiarity, kept
from training.data import ptbxl, quantities
from training.engine import Engine
from training.fit import calibrate, choice, forget, fuse, measured
from training.fit.config import BranchConfig, Config, ConfigError
from training.fit.forget import Away, Forgetting
from training.fit.loop import Data
from training.fit.nearest import in_memory, on_engine
from training.fit.stages import BranchTraining, Pretraining, predict
from training.measure import audit, evaluate

# What `Fit.again` logs anew.
_LAST_STAGES = ("fusion", "solo", "bundle")


@dataclass(frozen=True)
class Split:
    """The ECGs of some folds: their table, and inputs and labels ready for training."""

    dataset: ptbxl.Dataset
    data: Data

    @property
    def patients(self) -> np.ndarray:
        """Patient of each ECG."""
        return self.dataset.table["patient"].to_numpy()


@dataclass(frozen=True)
class Trained:
    """A branch after all its stages, and the training ECG behind each prototype."""

    state: dict[str, torch.Tensor]
    sources: list[Source]


class Fit:
    """One training run, resumable from its work folder.

    The members that a branch names are teachers that learn to see its prototypes, each for itself
    and after its own pretraining; then all see together, see `Ensemble`.

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
        self.data_hash = dataset.checksum
        _claim(work, {"config": _of_training(config), "data": self.data_hash, **self._forgotten})
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

    def branch(self, name: str) -> Trained:
        """Train one branch, or read it where that is done."""
        file = self.work / f"{name}.pt"
        if not file.exists():
            trained = asdict(self._train_branch(name))
            with atomic_write(file) as whole:
                torch.save(trained, whole)
        with kept.reading(file):
            saved = torch.load(file, weights_only=True)
            return Trained(saved["state"], [Source(*s) for s in saved["sources"]])

    def _train_branch(self, name: str) -> Trained:
        branch, training = self._untrained(name), self._training(name, name)
        targets = self._targets()
        sources = training.run(branch, training.pretrain(branch), targets)
        if self.config.branches[name].members:
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
        for member in self.config.branches[name].members:
            follower, training = self._untrained(name), self._training(member, name)
            training.pretrain(follower)
            training.follow(follower, sources, targets)
            backbones.append(follower.backbone)
        joined = Branch(self.shapes[name]).to(self.device)
        joined.backbone.load_state_dict(Ensemble(backbones).state_dict())
        embed(joined, self._training(name, name).anchors(joined, sources))
        return joined

    def _untrained(self, name: str) -> Branch:
        """Return a branch or teacher of one member, as each is trained."""
        torch.manual_seed(self.config.seed)
        return Branch(replace(self.teachers[name], members=1)).to(self.device)

    def _training(self, name: str, branch: str) -> BranchTraining:
        """Return the stages of a branch or teacher, on the statements of a branch."""
        return BranchTraining(
            name=name,
            config=self.config,
            folder=self.work,
            train=self.train.data,
            validation=self.validation.data,
            own=[self.codes.index(code) for code in dict.fromkeys(self.teachers[branch].owners)],
            patients=self.train.patients,
            log=self.log,
            may_stand=self.may_stand,
            search=self.search,
            forgotten=self._away,
        )

    def _away(self, branch: Branch) -> Away | None:
        """Return what a branch keeps away from."""
        found = forget.sources(branch, self.forgetting, self.train.dataset)
        if found is None:
            return None
        places, same = found
        return Away(crop(branch, self.train.data.x, places), same, self.forgetting)

    @property
    def _forgotten(self) -> dict[str, Any]:
        return {"forgetting": asdict(self.forgetting)} if self.forgetting.windows else {}

    def _targets(self) -> torch.Tensor:
        """Labels, softened by what all pretrained backbones say together: (n, c)."""
        y, share = self.train.data.y, self.config.teacher
        if share == 0:
            return y
        file = self.work / "teacher.npy"
        if not file.exists():
            logits = [predict(self.pretrain(name), self.train.data) for name in self.teachers]
            with atomic_write(file) as whole:
                np.save(whole, np.mean(logits, axis=0))
        return (1 - share) * y + share * torch.sigmoid(
            torch.from_numpy(np.array(kept.array(file, tuple(y.shape))))
        )

    def pretrain(self, name: str) -> Pretraining:
        """Pretrain the backbone of a branch or teacher, or read it where that is done."""
        return self._training(name, name).pretrain(self._untrained(name))

    def side_by_side(self, processes: int) -> None:
        """Train all branches in so many processes of one thread each."""
        settings = (self.config, self.root, self.work, str(self.device), self.forgetting)
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            # Windows take longest: begun last, they would leave the other processes idle.
            order = sorted(self.teachers, key=lambda name: self.teachers[name].view == "strip")
            list(pool.map(partial(_in_process, "pretrain", *settings), order))
            # All pretrained backbones teach each branch.
            self._targets()
            list(pool.map(partial(_in_process, "branch", *settings), self.shapes))

    def run(self, out: Path) -> Bundle:
        """Train what is not yet trained and write the bundle to `out`."""
        network = ProtoECGNet(self.shapes, self.codes)
        sources = {}
        for name in self.shapes:
            trained = self.branch(name)
            with kept.reading(self.work / f"{name}.pt"):
                network.branches[name].load_state_dict(trained.state)
            sources[name] = trained.sources
        network.to(self.device).eval()
        names = [name for name in self.shapes if self.config.branches[name].sure]
        codes = {code for name in names for code in self.shapes[name].owners}
        return self._finished(network, self._sure(network, sources, codes), out)

    def again(self, bundle: Bundle, out: Path) -> Bundle:
        """Do what comes after training anew, on a bundle's networks, and write it to `out`.

        Prototypes stay, but those of statements of which one now breaks a rule of `choice` that it
        did not break when the bundle was written.

        Raises
        ------
        ConfigError
            If the bundle was trained on other data.
        """
        if bundle.about.get("data_sha256") != self.data_hash:
            raise ConfigError(
                f"{bundle.path} was trained on other ECGs, folds or labels than {self.root} holds. "
                "Name the data set that it was trained on."
            )
        for line in bundle.about.get("log", []):
            if line.get("stage") not in _LAST_STAGES:
                self.log(**line)
        table = self.train.dataset.table.set_index("record", drop=False)
        now = [choice.broken(table.loc[p.record], p.statement) for p in bundle.prototypes]
        stale = {
            p.statement
            for p, said in zip(bundle.prototypes, now, strict=True)
            if set(said) - set(p.relaxed)
        }
        sources = self._sources(bundle, table.index)
        network = bundle.network.to(self.device)
        return self._finished(network, self._sure(network, sources, stale), out)

    def _sources(self, bundle: Bundle, records: pd.Index) -> dict[str, list[Source]]:
        """Return where a bundle's prototypes are from."""
        sources: dict[str, list[Source]] = {name: [] for name in self.shapes}
        for prototype in bundle.prototypes:
            cell = bundle.network.branches[prototype.branch].cell(prototype.window_s)
            row = int(records.get_loc(prototype.record))
            sources[prototype.branch].append(Source(row, cell))
        return sources

    def _finished(
        self, network: ProtoECGNet, sources: Mapping[str, list[Source]], out: Path
    ) -> Bundle:
        """Fuse, calibrate and write a trained network whose prototypes are chosen."""
        prototypes = self._prototypes(network, sources)
        seen = [fuse.similarities(network, split.data) for split in (self.train, self.validation)]
        labels = [split.data.y for split in (self.train, self.validation)]
        fuse.fit_all(network, seen, labels, self.config.fusion, self.log, self.label_set)
        patients = self.validation.patients
        curves = self._curves()
        beside = curves.offsets(self._measured(self.validation, "validation"), self.codes)
        judgement = calibrate.cross_fit(network, seen[1], labels[1], patients, beside)
        told = labels[1].numpy()
        metrics = evaluate.results(network, seen[1], told, patients, judgement, beside)
        decisions, scales = calibrate.calibrate(network, seen[1], labels[1], beside)
        self.log(stage="bundle", validation_macro_auroc=metrics["macro_auroc"])
        if self.config.carry_waveforms:
            carry_waveforms(self.train.dataset.root, out / "waveforms", prototypes)
        return save_bundle(
            out,
            name=self.config.name,
            simulated=self.train.dataset.simulated,
            network=network.cpu(),
            prototypes=prototypes,
            decisions=calibrate.worth(decisions, judgement, told),
            measured=curves.scaled(scales),
            familiarity=familiarity.fit(self.validation.data.x, patients),
            labels=self.label_set,
            about=self._about(metrics),
        )

    def _sure(
        self,
        network: ProtoECGNet,
        sources: Mapping[str, list[Source]],
        statements: Collection[str],
    ) -> dict[str, list[Source]]:
        """Put the prototypes of some statements on sure ECGs; say where all of them are."""
        if not statements:
            return dict(sources)
        doubted, found = self._suspects(network), {}
        for name, before in sources.items():
            branch = network.branches[name]
            chosen = iter(choice.choose(branch, self.free, self.search, doubted, statements))
            owners = self.shapes[name].owners
            found[name] = [
                next(chosen) if owner in statements else source
                for owner, source in zip(owners, before, strict=True)
            ]
            if found[name] != before:
                anchors = crop(branch, self.train.data.x, found[name])
                embed(branch, Anchors(*(part.to(self.device) for part in anchors)))
        return found

    def _suspects(self, network: ProtoECGNet) -> dict[str, np.ndarray]:
        """Training ECGs that may be wrongly labelled with each statement: (n,) bool each."""
        data = self.train.data
        seen = fuse.similarities(network, data)
        logits = audit.cross_fitted(network, seen, data.y, self.train.patients)
        return dict(zip(self.codes, audit.suspects(logits, data.y.numpy()).T, strict=True))

    def _curves(self) -> MeasuredEvidence:
        """Fit what measurements say by themselves, and give it its weight beside prototypes."""
        weight = self.config.fusion.measured
        if not weight:
            return MeasuredEvidence({})
        values = self._measured(self.train, "train")
        labels, share = self.train.data.y.numpy(), self.config.fusion.measured_share
        curves = measured.fit(values, labels, [self.label_set[c] for c in self.codes], share)
        return curves.scaled(dict.fromkeys(self.codes, weight))

    def _measured(self, split: Split, name: str) -> np.ndarray:
        return quantities.measured(split.dataset, self.work / f"measured-{name}.npz")

    def _prototypes(
        self, network: ProtoECGNet, sources: Mapping[str, list[Source]]
    ) -> tuple[Prototype, ...]:
        owners = [(n, owner) for n, shape in self.shapes.items() for owner in shape.owners]
        all_sources = [source for name in self.shapes for source in sources[name]]
        counts: dict[str, int] = {}
        prototypes = []
        for (branch, code), source in zip(owners, all_sources, strict=True):
            counts[code] = counts.get(code, 0) + 1
            row = self.train.dataset.table.iloc[source.row]
            prototypes.append(
                Prototype(
                    name=f"{branch}-{code}-{counts[code]}",
                    branch=branch,
                    statement=code,
                    record=row["record"],
                    window_s=network.branches[branch].window_s(source.cell),
                    statements=row["codes"],
                    patient=row["patient"],
                    age=None if np.isnan(row["age"]) else int(row["age"]),
                    sex=row["sex"],
                    sha256=record_checksum(self.train.dataset.root, row["record"]),
                    likelihood=row["likelihoods"].get(code),
                    validated=None if row["validated"] is None else bool(row["validated"]),
                    noise=row["noise"],
                    report=row["report"],
                    relaxed=choice.broken(row, code),
                )
            )
        return tuple(prototypes)

    def _about(self, metrics: dict[str, Any]) -> dict[str, Any]:
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": self.train.dataset.name,
            "data_sha256": self.data_hash,
            "licence": {"data": self.train.dataset.licence, "weights": "MIT"},
            "training_ecgs": len(self.train.data.y),
            "validation_ecgs": len(self.validation.data.y),
            "config": asdict(self.config),
            **self._forgotten,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "validation": metrics,
            "log": self._logged(),
        }

    def _logged(self) -> list[dict[str, Any]]:
        with kept.reading(self._log_file):
            return [json.loads(line) for line in self._log_file.read_bytes().splitlines()]

    @property
    def _log_file(self) -> Path:
        return self.work / "log.jsonl"

    def log(self, **entry: Any) -> None:
        """Append a line to the run's log, unless it holds the same from before a restart."""
        line = json.dumps(entry) + "\n"
        with self._log_file.open("a+", encoding="utf-8") as file:
            file.seek(0)
            if line not in file.readlines():
                file.write(line)


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
    getattr(Fit(config, root, work, torch.device(device), forgetting), stage)(branch)


def carry_waveforms(root: Path, dest: Path, prototypes: tuple[Prototype, ...]) -> None:
    """Copy the source ECGs of prototypes into a bundle's folder, in place of what is there."""
    if dest.exists():
        shutil.rmtree(dest)
    for record in sorted({prototype.record for prototype in prototypes}):
        for suffix in (".hea", ".dat"):
            target = dest / f"{record}{suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / f"{record}{suffix}", target)


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
