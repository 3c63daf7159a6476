"""From trained branches to a bundle: prototypes on sure ECGs, fusion, calibration, its files."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from protoecg.bundle import Bundle, save_bundle
from protoecg.measured.curves import MeasuredEvidence
from protoecg.network.projection import Anchors, Source, crop, embed
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import record_checksum
from training import familiarity
from training.data import quantities
from training.fit import calibrate, choice, fuse, measured
from training.fit.setup import Setup, Split
from training.measure import audit, evaluate


class Finish:
    """What comes after training, which is done anew each time."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def bundle(
        self, network: ProtoECGNet, sources: Mapping[str, list[Source]], out: Path
    ) -> Bundle:
        """Fuse, calibrate and write a trained network whose prototypes are chosen."""
        setup, train, validation = self.setup, self.setup.train, self.setup.validation
        prototypes = self._prototypes(network, sources)
        seen = [fuse.similarities(network, split.data) for split in (train, validation)]
        labels = [split.data.y for split in (train, validation)]
        fuse.fit_all(network, seen, labels, setup.config.fusion, setup.log, setup.label_set)
        patients = validation.patients
        curves = self._curves()
        offset = curves.offsets(self._measured(validation, "validation"), setup.codes)
        judgement = calibrate.cross_fit(network, seen[1], labels[1], patients, offset)
        truth = labels[1].numpy()
        metrics = evaluate.results(network, seen[1], truth, patients, judgement, offset)
        decisions, scales = calibrate.calibrate(network, seen[1], labels[1], offset)
        setup.log(stage="bundle", validation_macro_auroc=metrics["macro_auroc"])
        if setup.config.carry_waveforms:
            carry_waveforms(train.dataset.root, out / "waveforms", prototypes)
        return save_bundle(
            out,
            name=setup.name,
            simulated=train.dataset.simulated,
            network=network.cpu(),
            prototypes=prototypes,
            decisions=calibrate.worth(decisions, judgement, truth),
            measured=curves.scaled(scales),
            familiarity=familiarity.fit(validation.data.x, patients),
            labels=setup.label_set,
            about=self._about(metrics),
        )

    def sure(
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
            branch, search = network.branches[name], self.setup.search
            chosen = iter(choice.choose(branch, self.setup.free, search, doubted, statements))
            owners = self.setup.shapes[name].owners
            found[name] = [
                next(chosen) if owner in statements else source
                for owner, source in zip(owners, before, strict=True)
            ]
            if found[name] != before:
                anchors = crop(branch, self.setup.train.data.x, found[name])
                embed(branch, Anchors(*(part.to(self.setup.device) for part in anchors)))
        return found

    def _suspects(self, network: ProtoECGNet) -> dict[str, np.ndarray]:
        """Training ECGs that may be wrongly labelled with each statement: (n,) bool each."""
        data = self.setup.train.data
        seen = fuse.similarities(network, data)
        logits = audit.cross_fitted(network, seen, data.y, self.setup.train.patients)
        return dict(zip(self.setup.codes, audit.suspects(logits, data.y.numpy()).T, strict=True))

    def _curves(self) -> MeasuredEvidence:
        """Fit what measurements say by themselves, and give it its weight beside prototypes."""
        setup, fusion = self.setup, self.setup.config.fusion
        if not fusion.measured:
            return MeasuredEvidence({})
        values = self._measured(setup.train, "train")
        statements = [setup.label_set[code] for code in setup.codes]
        curves = measured.fit(values, setup.train.data.y.numpy(), statements, fusion.measured_share)
        return curves.scaled(dict.fromkeys(setup.codes, fusion.measured))

    def _measured(self, split: Split, name: str) -> np.ndarray:
        return quantities.measured(split.dataset, self.setup.work / f"measured-{name}.npz")

    def _prototypes(
        self, network: ProtoECGNet, sources: Mapping[str, list[Source]]
    ) -> tuple[Prototype, ...]:
        owners = [(n, owner) for n, shape in self.setup.shapes.items() for owner in shape.owners]
        all_sources = [source for name in self.setup.shapes for source in sources[name]]
        counts: dict[str, int] = {}
        prototypes = []
        for (branch, code), source in zip(owners, all_sources, strict=True):
            counts[code] = counts.get(code, 0) + 1
            row = self.setup.train.dataset.table.iloc[source.row]
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
                    sha256=record_checksum(self.setup.train.dataset.root, row["record"]),
                    likelihood=row["likelihoods"].get(code),
                    validated=None if row["validated"] is None else bool(row["validated"]),
                    noise=row["noise"],
                    report=row["report"],
                    relaxed=choice.broken(row, code),
                )
            )
        return tuple(prototypes)

    def _about(self, metrics: dict[str, Any]) -> dict[str, Any]:
        setup = self.setup
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": setup.train.dataset.name,
            "data_sha256": setup.data_hash,
            "licence": {"data": setup.train.dataset.licence, "weights": "MIT"},
            "training_ecgs": len(setup.train.data.y),
            "validation_ecgs": len(setup.validation.data.y),
            "config": asdict(setup.config),
            **setup.forgotten,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "validation": metrics,
            "log": setup.logged(),
        }


def carry_waveforms(root: Path, dest: Path, prototypes: tuple[Prototype, ...]) -> None:
    """Copy the source ECGs of prototypes into a bundle's folder, in place of what is there."""
    if dest.exists():
        shutil.rmtree(dest)
    for record in sorted({prototype.record for prototype in prototypes}):
        for suffix in (".hea", ".dat"):
            target = dest / f"{record}{suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / f"{record}{suffix}", target)
