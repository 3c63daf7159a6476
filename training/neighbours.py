"""Index the training ECGs of a bundle: those of its training folds, and some latents of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from protoecg.bundle import Bundle
from protoecg.evidence.neighbours import SEXES, UNKNOWN_AGE, TrainingECGs, write_neighbours
from protoecg.network.protoecgnet import Branch
from protoecg.prototypes.waveforms import record_checksum
from training.data import ptbxl
from training.data.dataset import stated_folds
from training.engine import Engine, here

# Of an ECG's windows: how many are kept, and how alike two of them may be.
KEPT, ALIKE = 6, 0.9
# Latents are stored in the axes that hold this share of their variance.
SHARE = 0.998

_LARGEST = np.iinfo(np.int8).max


def index(bundle: Bundle, root: Path, engine: Engine = here) -> TrainingECGs:
    """Index the ECGs that a bundle was trained on, and write that beside the bundle.

    Parameters
    ----------
    engine : where the network looks at the ECGs

    Raises
    ------
    DataError
        If the data set is not the one that the bundle was trained on.
    """
    train = training_ecgs(bundle, ptbxl.load(root))
    latents, cells = _latents(bundle, train, engine)
    bases = {name: axes(values) for name, values in latents.items()}
    table = train.table
    ecgs = TrainingECGs(
        record=_bytes(table["record"]),
        sha256=_checksums(train),
        patient=table["patient"].to_numpy(dtype=np.int32),
        age=table["age"].fillna(UNKNOWN_AGE).to_numpy(dtype=np.int16),
        sex=table["sex"].map(_place_of_sex).to_numpy(dtype=np.uint8),
        statements=np.packbits(train.labels(bundle.statements) > 0, axis=1),
        bases=bases,
        latents={name: rounded(values @ bases[name]) for name, values in latents.items()},
        cells=cells,
    )
    write_neighbours(bundle, ecgs)
    return ecgs


def training_ecgs(bundle: Bundle, dataset: ptbxl.Dataset) -> ptbxl.Dataset:
    """Return the ECGs that a bundle was trained on.

    Raises
    ------
    DataError
        If the data set is not the one that the bundle was trained on.
    """
    if dataset.checksum != bundle.about.get("data_sha256"):
        raise ptbxl.DataError(
            f"{dataset.root} is not the data set that {bundle.path} was trained on "
            f"({bundle.about.get('data')}). Name its folder with --data."
        )
    return dataset.folds(stated_folds(bundle.about, "train_folds"))


def axes(latents: np.ndarray) -> np.ndarray:
    """Return the fewest orthonormal axes (latent, axes) that hold `SHARE` of the latents.

    Parameters
    ----------
    latents : (n, kept, latent), each of length 1
    """
    flat = latents.reshape(-1, latents.shape[-1])
    held, vectors = np.linalg.eigh(flat.T @ flat)
    share = np.cumsum(held[::-1]) / held.sum()
    return vectors[:, ::-1][:, : np.searchsorted(share, SHARE) + 1].astype(np.float32)


def rounded(latents: np.ndarray) -> np.ndarray:
    """Return the directions of latents (..., axes) in int8; their lengths are lost."""
    largest = np.abs(latents).max(axis=-1, keepdims=True)
    return np.rint(latents / np.maximum(largest, 1e-12) * _LARGEST).astype(np.int8)


def _latents(
    bundle: Bundle, train: ptbxl.Dataset, engine: Engine
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Latents (n, kept, latent) that are kept of each ECG, and their cells (n, kept), by branch."""
    branches = dict(bundle.network.branches)
    batches = list(engine(partial(_kept_of_each, branches), train, "neighbours"))
    latents, cells = (
        {name: np.concatenate([batch[name][part] for batch in batches]) for name in branches}
        for part in (0, 1)
    )
    return latents, cells


@torch.no_grad()
def _kept_of_each(
    branches: Mapping[str, Branch], x: Tensor
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    kept = {name: _kept(branch, x) for name, branch in branches.items()}
    return {
        name: (latents.numpy(), cells.numpy().astype(np.int16))
        for name, (latents, cells) in kept.items()
    }


def _kept(branch: Branch, x: Tensor) -> tuple[Tensor, Tensor]:
    """Latents (batch, kept, latent) and cells (batch, kept) of the windows that decisions rest on.

    The most similar to any prototype first, each unlike those before: a window's neighbours in time
    and the same part of the next beat would say nothing new.
    """
    latents = normalize(branch.backbone(x).float(), dim=1).transpose(1, 2)
    vectors = normalize(branch.prototypes.vectors, dim=1)
    worth = (latents @ vectors.T).amax(dim=2)
    rows, picked = torch.arange(len(latents)), []
    for _ in range(min(KEPT, latents.shape[1])):
        best = worth.argmax(dim=1)
        picked.append(best)
        alike = torch.einsum("bcl,bl->bc", latents, latents[rows, best])
        # Two is the range of a cosine: what is unlike stays before all that is alike.
        worth = worth - 2 * (alike > ALIKE)
        worth[rows, best] = -torch.inf
    cells = torch.stack(picked, dim=1)
    return latents[rows[:, None], cells], cells


def _checksums(train: ptbxl.Dataset) -> np.ndarray:
    found = [bytes.fromhex(record_checksum(train.root, r)) for r in train.table["record"]]
    return np.frombuffer(b"".join(found), dtype=np.uint8).reshape(-1, 32)


def _bytes(records: list[str]) -> np.ndarray:
    """ASCII of each text, filled up with zeros: (n, bytes) uint8."""
    texts = np.array(list(records), dtype=np.bytes_)
    return texts.view(np.uint8).reshape(len(texts), -1)


def _place_of_sex(sex: str | None) -> int:
    return SEXES.index(sex) if sex in SEXES else 0
