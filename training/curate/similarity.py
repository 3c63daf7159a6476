"""Similarities of a data set's ECGs to prototypes, kept by content so that none is made twice.

A file holds the columns of some ECGs in the latents of one backbone, each under the digest of its
prototype's vector. A run that is killed goes on with the ECGs that have no file; another set of
prototypes adds the columns that are new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protoecg.evidence.neighbours import TrainingECGs
from protoecg.network.protoecgnet import Branch, ProtoECGNet
from protoecg.signals import model_input
from protoecg.storage.files import atomic_write
from training import kept
from training.curate.reporter import EVERY_S, Reporter
from training.data.ptbxl import Dataset, read_record

CHUNK = 512
BATCH = 64


@dataclass(frozen=True)
class Columns:
    """The columns (n, p) of some ECGs by one backbone, kept in a file.

    Parameters
    ----------
    file : made where it is missing, written in one step
    """

    file: Path

    def read(self) -> dict[bytes, np.ndarray]:
        """Return the columns that are kept, by the digest of their prototype."""
        if not self.file.exists():
            return {}
        with kept.reading(self.file):
            found = kept.arrays(self.file)
            return dict(zip(found["key"].tolist(), found["value"], strict=True))

    def write(self, columns: dict[bytes, np.ndarray]) -> None:
        """Keep columns in the place of those before."""
        with atomic_write(self.file, sync=False) as file:
            np.savez(file, key=np.array(list(columns), dtype="S64"), value=list(columns.values()))


def similarities(
    networks: Sequence[ProtoECGNet],
    dataset: Dataset,
    folder: Path,
    title: str,
    reporter: Reporter,
) -> list[Tensor]:
    """Similarity (n, p) of each ECG to each prototype of networks that differ in these alone.

    All that is not kept is computed in one pass over the ECGs.

    Parameters
    ----------
    folder : keeps what was computed
    title, reporter : of its progress
    """
    records = list(dataset.table["record"])
    starts = range(0, len(records), CHUNK)
    backbones = {name: _digest(branch) for name, branch in networks[0].branches.items()}
    parts: list[list[Tensor]] = [[] for _ in networks]
    for start in reporter.follow(starts, desc=title, unit="part", mininterval=EVERY_S):
        own = records[start : start + CHUNK]
        place = sha256("\n".join([dataset.checksum, *own]).encode()).hexdigest()[:32]
        files = {n: Columns(folder / f"{key[:32]}-{place}.npz") for n, key in backbones.items()}
        kept = _kept(networks, dataset.root, own, files)
        for part, network in zip(parts, networks, strict=True):
            columns = [kept[name][key] for name in files for key, _ in _vectors(network, name)]
            part.append(torch.from_numpy(np.stack(columns, axis=1)))
    return [torch.cat(part) for part in parts]


def approximate(network: ProtoECGNet, ecgs: TrainingECGs) -> Tensor:
    """Similarity (n, p) of indexed training ECGs to each prototype, by the latents that are kept.

    Off by `protoecg.evidence.neighbours.ROUNDING`, and by the windows that are not kept.
    """
    found = []
    for name, branch in network.branches.items():
        seen = torch.from_numpy(nearest_kept(ecgs, name, branch.prototypes.vectors.numpy()))
        found.append(seen if branch.shape.signed else seen.clamp(min=0))
    return torch.cat(found, dim=1)


def nearest_kept(ecgs: TrainingECGs, branch: str, vectors: np.ndarray) -> np.ndarray:
    """Cosine (n, p) of each vector (p, latent) to the most similar kept latent of each ECG."""
    basis, stored = ecgs.bases[branch], ecgs.latents[branch]
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    wanted = (vectors / lengths @ basis).T.astype(np.float32)
    best = [_best(stored[rows : rows + 4096], wanted) for rows in range(0, len(stored), 4096)]
    return np.concatenate(best)


def _best(stored: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    latents = stored.astype(np.float32)
    latents /= np.maximum(np.linalg.norm(latents, axis=2, keepdims=True), 1)
    return (latents @ wanted).max(axis=1)


def _kept(
    networks: Sequence[ProtoECGNet], root: Path, records: list[str], files: dict[str, Columns]
) -> dict[str, dict[bytes, np.ndarray]]:
    """Return the columns of some ECGs by branch and prototype, computing those that lack."""
    kept = {name: file.read() for name, file in files.items()}
    lacking: dict[str, dict[bytes, Tensor]] = {}
    for name in files:
        for network in networks:
            for key, vector in _vectors(network, name):
                if key not in kept[name]:
                    lacking.setdefault(name, {})[key] = vector
    if lacking:
        for name, columns in _seen(networks[0], root, records, lacking).items():
            kept[name] |= dict(zip(lacking[name], columns.T, strict=True))
            files[name].write(kept[name])
    return kept


@torch.inference_mode()
def _seen(
    network: ProtoECGNet,
    root: Path,
    records: list[str],
    wanted: dict[str, dict[bytes, Tensor]],
) -> dict[str, np.ndarray]:
    """Similarities (n, wanted) by branch, of the branches of which any are wanted."""
    parts: dict[str, list[Tensor]] = {name: [] for name in wanted}
    vectors = {name: torch.stack(list(of.values())) for name, of in wanted.items()}
    for x in _inputs(root, records):
        for name, values in parts.items():
            branch = network.branches[name]
            seen = branch.prototypes.compare(branch.backbone(x), vectors[name]).values
            values.append(seen if branch.shape.signed else seen.clamp(min=0))
    return {name: torch.cat(values).numpy() for name, values in parts.items()}


def _inputs(root: Path, records: list[str]) -> Iterator[Tensor]:
    for start in range(0, len(records), BATCH):
        read = [model_input(read_record(root, r)) for r in records[start : start + BATCH]]
        yield torch.from_numpy(np.stack(read))


def _vectors(network: ProtoECGNet, branch: str) -> list[tuple[bytes, Tensor]]:
    """Return the prototypes of a branch, each after the digest that its column is kept under."""
    vectors = network.branches[branch].prototypes.vectors.detach().cpu()
    return [(sha256(v.numpy().tobytes()).hexdigest().encode(), v) for v in vectors]


def _digest(branch: Branch) -> str:
    """Digest of all that a similarity depends on but the prototype: weights and the rule."""
    found = sha256(f"{branch.shape.pooling} {branch.shape.signed}".encode())
    for name, values in branch.backbone.state_dict().items():
        found.update(name.encode() + values.cpu().numpy().tobytes())
    return found.hexdigest()
