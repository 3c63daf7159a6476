"""A trained model on disk: safetensors and JSON, versioned and checksummed.

bundle.json         everything but the numbers: version, statements, shapes, calibration, metrics
prototypes.json     every prototype and where it comes from
weights.safetensors the network's weights
familiarity.safetensors  what is usual of an ECG, so that it can abstain; absent in older bundles
measured.json       what measurements add to the statements; absent in older bundles
labels.csv          the label set; older bundles have PTB-XL's
card.json           measurements made later, see `protoecg.card`; not part of the bundle itself
waveforms/          source ECGs, where the bundle carries them (simulated data)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from protoecg.familiarity import Familiarity, Usual
from protoecg.labels import BRANCHES, PTBXL, LabelSet
from protoecg.measured.curves import MeasuredEvidence, read_evidence, write_evidence
from protoecg.network.onnx_network import OnnxNetwork
from protoecg.network.shape import BranchShape
from protoecg.prototypes.curation import curations
from protoecg.prototypes.manifest import (
    FAMILIARITY,
    FILE,
    LABELS,
    MANIFEST,
    MEASURED,
    PROTOTYPES,
    WEIGHTS,
    BundleError,
    Decision,
    Manifest,
    read_label_set,
    read_manifest,
    read_prototypes,
    refuse_damaged,
    revision,
    unusable,
)
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.recalibration import Recalibration, recalibrations
from protoecg.prototypes.sets import PrototypeSet, refuse_impossible, refuse_unknown
from protoecg.signals import MODEL_SAMPLES
from protoecg.storage.files import checksum, write_bytes, write_json

if TYPE_CHECKING:
    from protoecg.network.protoecgnet import ProtoECGNet

MAX_BLOCKS = 1000


@dataclass(frozen=True)
class Bundle(PrototypeSet):
    """A trained model with all that explains it: prototypes, and a network that compares by them.

    The prototypes are in the order of the network's similarities; `about` tells data set,
    configuration, metrics and dates; the revision is of weights and thresholds too.

    Parameters
    ----------
    network : in evaluation mode, on the CPU; where torch is not installed an `OnnxNetwork`, which
        can explain and no more
    decisions : by statement
    familiarity : what is usual of an ECG; None in a bundle without limits
    measured : what measurements add to the statements; None where prototypes alone decide
    """

    network: ProtoECGNet
    decisions: Mapping[str, Decision]
    familiarity: Familiarity | None
    measured: MeasuredEvidence | None

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements that it decides, in the order of its label set."""
        return self.network.statements

    @property
    def recalibrations(self) -> tuple[Recalibration, ...]:
        """By whose ECGs its scales and thresholds were set anew, the latest last."""
        return recalibrations(self.about)

    @property
    def self_contained(self) -> bool:
        """Whether it brings its own ECGs, as those of simulated ECGs do."""
        return self.simulated


def save_bundle(
    path: Path,
    *,
    name: str,
    simulated: bool,
    network: ProtoECGNet,
    prototypes: tuple[Prototype, ...],
    decisions: Mapping[str, Decision],
    about: Mapping[str, Any],
    labels: LabelSet = PTBXL,
    familiarity: Familiarity | None = None,
    measured: MeasuredEvidence | None = None,
) -> Bundle:
    """Write a bundle and return it as loaded again.

    `bundle.json` is written last: it holds the checksums of the rest, so that a bundle whose
    writing was interrupted does not load.
    """
    import safetensors.torch

    path.mkdir(parents=True, exist_ok=True)
    weights = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    write_bytes(path / WEIGHTS, safetensors.torch.save(weights))
    write_json(path / PROTOTYPES, [asdict(prototype) for prototype in prototypes])
    write_bytes(path / LABELS, labels.to_csv().encode())
    files = (
        *(PROTOTYPES, WEIGHTS, LABELS),
        *_write_familiarity(path / FAMILIARITY, familiarity),
        *_write_measured(path / MEASURED, measured),
    )
    shapes = {branch: asdict(module.shape) for branch, module in network.branches.items()}
    MANIFEST.write(
        path / FILE,
        name=name,
        simulated=simulated,
        statements=network.statements,
        branches=shapes,
        decisions={code: asdict(decision) for code, decision in decisions.items()},
        about=about,
        sha256={file: checksum(path / file) for file in files},
    )
    return load_bundle(path)


def load_bundle(path: Path) -> Bundle:
    """Load a bundle, checking its version, its checksums and that all parts belong together.

    Raises
    ------
    BundleError
        If the folder is no bundle, or a damaged, foreign or newer one.
    """
    manifest = read_manifest(path)
    if not manifest.has_network:
        raise BundleError(
            f"{path} holds prototypes without a network, which can be rated only. Name a bundle, "
            "such as models/ptbxl."
        )
    for file, expected in manifest.sha256.items():
        refuse_damaged(path / file, expected)
    prototypes, labels = read_prototypes(path, manifest), read_label_set(path, manifest)
    try:
        network = _network(manifest, path, labels)
        _refuse_unfitting(network, prototypes, manifest.decisions, labels)
        recalibrations(manifest.about)
        curations(manifest.about)
        return Bundle(
            path=path,
            name=manifest.name,
            simulated=manifest.simulated,
            network=network,
            prototypes=prototypes,
            decisions=manifest.decisions,
            labels=labels,
            familiarity=_familiarity(path / FAMILIARITY)
            if FAMILIARITY in manifest.sha256
            else None,
            measured=read_evidence(path / MEASURED, labels)
            if MEASURED in manifest.sha256
            else None,
            about=manifest.about,
            fingerprint=manifest.fingerprint,
            revision=revision(path),
        )
    except (KeyError, TypeError, RuntimeError, ValueError, SafetensorError) as error:
        raise unusable(path, error) from error


def _network(manifest: Manifest, path: Path, labels: LabelSet) -> ProtoECGNet:
    refuse_unknown("statements", manifest.statements, labels)
    refuse_unknown("branches", manifest.branches, BRANCHES)
    for name, shape in manifest.branches.items():
        _refuse_impossible(name, shape)
    try:
        import safetensors.torch
        import torch

        from protoecg.network.protoecgnet import ProtoECGNet
    except ModuleNotFoundError:
        branches, statements = manifest.branches, manifest.statements
        graph = OnnxNetwork.read(path, revision(path), branches, statements)
        return cast("ProtoECGNet", graph)
    # Built without memory: a hostile shape must not be allocated before the weights agree.
    with torch.device("meta"):
        network = ProtoECGNet(manifest.branches, manifest.statements)
    # Copies lie where torch lays them: as they lie in a file shows in the last bit.
    state = {
        name: each.clone() for name, each in safetensors.torch.load_file(path / WEIGHTS).items()
    }
    if not all(bool(each.isfinite().all()) for each in state.values()):
        raise ValueError("its network has weights that are no numbers")
    network.load_state_dict(state, strict=True, assign=True)
    return network.float().eval().requires_grad_(False)


def _refuse_impossible(name: str, shape: BranchShape) -> None:
    blocks = len(shape.widths) * shape.members
    sizes = (*shape.widths, *shape.strides, shape.latent, shape.members)
    if min(sizes) < 1 or not 1 <= blocks <= MAX_BLOCKS or prod(shape.strides) > MODEL_SAMPLES:
        raise ValueError(f"the branch {name} has sizes that cannot be")


def _write_familiarity(file: Path, familiarity: Familiarity | None) -> tuple[str, ...]:
    """Write what is usual, or see that no older bundle's stays; return the name of the file."""
    if familiarity is None:
        file.unlink(missing_ok=True)
        return ()
    numbers = {
        f"{name}.{part}": np.array(value, dtype=np.float64, order="C")
        for name, usual in familiarity.usual.items()
        for part, value in asdict(usual).items()
    }
    write_bytes(file, safetensors.numpy.save(numbers))
    return (file.name,)


def _write_measured(file: Path, measured: MeasuredEvidence | None) -> tuple[str, ...]:
    """Write the curves, or see that no older bundle's stay; return the name of the file."""
    if measured is None:
        file.unlink(missing_ok=True)
        return ()
    write_evidence(file, measured)
    return (file.name,)


def _familiarity(file: Path) -> Familiarity:
    parts: dict[str, dict[str, Any]] = {}
    for key, value in safetensors.numpy.load_file(file).items():
        trait, _, part = key.partition(".")
        parts.setdefault(trait, {})[part] = float(value) if part == "limit" else value
    return Familiarity({trait: Usual(**numbers) for trait, numbers in parts.items()})


def _refuse_unfitting(
    network: ProtoECGNet,
    prototypes: tuple[Prototype, ...],
    decisions: Mapping[str, Decision],
    labels: LabelSet,
) -> None:
    if network.owners != tuple((p.branch, p.statement) for p in prototypes):
        raise ValueError("its prototypes are not those of its network")
    refuse_impossible(prototypes, labels)
    if set(decisions) != set(network.statements):
        raise ValueError("it has no threshold for some statements")
