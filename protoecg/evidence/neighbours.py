"""The training ECGs nearest to a window of an ECG: case-based evidence beside the prototypes.

neighbours.json         version, the bundle's revision, and the checksum of the numbers
neighbours.safetensors  some latents of every training ECG, and what is known of it

Both are made after the bundle and change nothing in it. They may come with a download, so that
nothing in them is used unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pydantic.dataclasses
import safetensors.numpy
import torch
from safetensors import SafetensorError
from torch.nn.functional import normalize

from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explanation import Match
from protoecg.network.protoecgnet import Branch
from protoecg.prototypes.prototype import SourceECG
from protoecg.signals import MODEL_SAMPLES, model_input
from protoecg.storage.files import STRICT, Format, Head, checksum, read_limited, write_bytes

FORMAT = "protoecg-neighbours"
VERSION = 1
HEAD, NUMBERS = "neighbours.json", "neighbours.safetensors"
MAX_HEAD_BYTES, MAX_BYTES = 10_000, 100_000_000
MAX_RECORD = 100
SEXES = (None, "female", "male")
UNKNOWN_AGE = -1
BY_BRANCH = ("bases", "latents", "cells")
SHOWN = 10
# What similarities above 0.8 are off by at most, measured: see docs/method.md.
ROUNDING = 0.009


class NeighboursError(ValueError):
    """An index that cannot be used; the message says why and what to do."""


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class _Index(Head):
    """What is in `neighbours.json`: the bundle's revision, and the checksum of the numbers."""

    revision: str
    sha256: str


_INDEX = Format(FORMAT, VERSION, _Index, MAX_HEAD_BYTES)


@dataclass(frozen=True, kw_only=True)
class Neighbour(SourceECG):
    """A training ECG, called by its record, and the window of it that is like one of the query.

    Its statements are those that the bundle decides.

    Parameters
    ----------
    similarity : cosine, -1 to 1, between the two windows, see `nearest`
    """

    similarity: float


@dataclass(frozen=True)
class TrainingECGs:
    """An index of n training ECGs.

    Parameters
    ----------
    record : (n, bytes) uint8, ASCII filled up with zeros
    sha256 : (n, 32) uint8, of each record's signal file
    patient : (n,) int32
    age : (n,) int16, years or `UNKNOWN_AGE`
    sex : (n,) uint8, places in `SEXES`
    statements : (n, bytes) uint8, a bit for each statement of the bundle, see `numpy.packbits`
    bases : by branch, (latent, axes) float32: orthonormal axes of the stored latents
    latents : by branch, (n, cells kept, axes) int8, each of a scale of its own: a direction
    cells : by branch, (n, cells kept) int16, where the latents are
    """

    record: np.ndarray
    sha256: np.ndarray
    patient: np.ndarray
    age: np.ndarray
    sex: np.ndarray
    statements: np.ndarray
    bases: Mapping[str, np.ndarray]
    latents: Mapping[str, np.ndarray]
    cells: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.patient)

    def labelled(self, bundle: Bundle, code: str) -> int:
        """Count the ECGs that are labelled with a statement."""
        column = bundle.statements.index(code)
        return int(np.sum(self.statements[:, column // 8] >> (7 - column % 8) & 1))

    def similarities(self, branch: str, query: np.ndarray) -> np.ndarray:
        """Cosines (n, cells kept) of the latents of a branch to a query (latent,) of length 1."""
        stored = self.latents[branch]
        flat = stored.reshape(-1, stored.shape[-1]).astype(np.float32)
        lengths = np.sqrt(np.einsum("ca,ca->c", flat, flat))
        cosines = flat @ (query @ self.bases[branch]) / np.maximum(lengths, 1)
        return cosines.reshape(stored.shape[:2])

    def one_per_patient(self, similarity: np.ndarray) -> np.ndarray:
        """Rows of each patient's ECG of most similarity (n,), the most similar first."""
        order = np.argsort(-similarity, kind="stable")
        _, first = np.unique(self.patient[order], return_index=True)
        return order[np.sort(first)]


def write_neighbours(bundle: Bundle, ecgs: TrainingECGs) -> None:
    """Write an index beside its bundle; the head comes last, so that a part of one is none."""
    head, numbers = bundle.path / HEAD, bundle.path / NUMBERS
    head.unlink(missing_ok=True)
    write_bytes(numbers, safetensors.numpy.save(_as_file(ecgs)))
    _INDEX.write(head, revision=bundle.revision, sha256=checksum(numbers))


def read_neighbours(bundle: Bundle) -> TrainingECGs | None:
    """Return the index beside a bundle, or None where there is none.

    Raises
    ------
    NeighboursError
        If it is damaged, too large, newer, or of another revision of the bundle.
    """
    if not (bundle.path / HEAD).is_file():
        return None
    try:
        ecgs = _from_file(_read_numbers(bundle, _read_head(bundle).sha256))
        _refuse_unfitting(bundle, ecgs)
    except (OSError, KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
        raise NeighboursError(
            f"The index of training ECGs in {bundle.path} cannot be used: {error}. Make it anew "
            "with `python -m training neighbours`."
        ) from error
    return ecgs


def nearest(ecg: ECG, bundle: Bundle, match: Match, ecgs: TrainingECGs) -> tuple[Neighbour, ...]:
    """Return the training ECGs most similar to a match's window of an ECG, the nearest first.

    Each is of another patient. The similarity is the model's cosine, see `ROUNDING`.
    """
    name = match.prototype.branch
    similarities = ecgs.similarities(name, latent(ecg, bundle, match))
    windows = bundle.network.branches[name].window_s
    return tuple(
        _neighbour(bundle, ecgs, row, float(similarities[row, best]), windows(cells[best]))
        for row in ecgs.one_per_patient(similarities.max(axis=1))[:SHOWN]
        for best, cells in [(similarities[row].argmax(), ecgs.cells[name][row].tolist())]
    )


@torch.inference_mode()
def latent(ecg: ECG, bundle: Bundle, match: Match) -> np.ndarray:
    """Return the latent of a match's window of an ECG, (latent,), of length 1."""
    branch = bundle.network.branches[match.prototype.branch]
    cells = branch.backbone(torch.from_numpy(model_input(ecg))[None])[0].float()
    return normalize(cells[:, branch.cell(match.window_s)], dim=0).numpy()


def _neighbour(
    bundle: Bundle, ecgs: TrainingECGs, row: int, similarity: float, window_s: tuple[float, float]
) -> Neighbour:
    age = int(ecgs.age[row])
    present = np.unpackbits(ecgs.statements[row], count=len(bundle.statements))
    record = ecgs.record[row].tobytes().rstrip(b"\0").decode("ascii", errors="replace")
    return Neighbour(
        name=record,
        similarity=similarity,
        record=record,
        window_s=window_s,
        statements=tuple(c for c, is_in in zip(bundle.statements, present, strict=True) if is_in),
        patient=str(ecgs.patient[row]),
        age=None if age == UNKNOWN_AGE else age,
        sex=SEXES[ecgs.sex[row]],
        sha256=ecgs.sha256[row].tobytes().hex(),
    )


def _as_file(ecgs: TrainingECGs) -> dict[str, np.ndarray]:
    table = {name: getattr(ecgs, name) for name in _table_shapes(1, 1, 1)}
    by_branch = {
        f"{branch}.{part}": values
        for part in BY_BRANCH
        for branch, values in getattr(ecgs, part).items()
    }
    return {name: np.ascontiguousarray(v) for name, v in {**table, **by_branch}.items()}


def _from_file(numbers: Mapping[str, np.ndarray]) -> TrainingECGs:
    table: dict[str, Any] = {name: numbers[name] for name in _table_shapes(1, 1, 1)}
    by_branch: dict[str, Any] = {part: {} for part in BY_BRANCH}
    for name in numbers.keys() - table.keys():
        branch, _, part = name.partition(".")
        by_branch[part][branch] = numbers[name]
    return TrainingECGs(**table, **by_branch)


def _table_shapes(n: int, width: int, c: int) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Type and shape of each array of n ECGs, names `width` bytes long, and c statements."""
    return {
        "record": (np.uint8, (n, width)),
        "sha256": (np.uint8, (n, 32)),
        "patient": (np.int32, (n,)),
        "age": (np.int16, (n,)),
        "sex": (np.uint8, (n,)),
        "statements": (np.uint8, (n, -(-c // 8))),
    }


def _read_head(bundle: Bundle) -> _Index:
    head = _INDEX.read(bundle.path / HEAD)
    if head.revision != bundle.revision:
        raise ValueError(
            f"it is of revision {head.revision!r} of the bundle, which is now {bundle.revision}"
        )
    return head


def _read_numbers(bundle: Bundle, expected: str) -> dict[str, np.ndarray]:
    file = bundle.path / NUMBERS
    content = read_limited(file, MAX_BYTES)
    if sha256(content).hexdigest() != expected:
        raise ValueError(f"{NUMBERS} is damaged: its checksum is not that of {HEAD}")
    return safetensors.numpy.load(content)


def _refuse_unfitting(bundle: Bundle, ecgs: TrainingECGs) -> None:
    """Refuse arrays that are not of the types, shapes and ranges that the bundle asks for."""
    if not all(values.ndim and values.size for values in _as_file(ecgs).values()):
        raise ValueError("it holds nothing, or single numbers")
    n, width = len(ecgs), ecgs.record.shape[-1]
    if width > MAX_RECORD:
        raise ValueError("it holds names too long for a record")
    for name, (kind, shape) in _table_shapes(n, width, len(bundle.statements)).items():
        _refuse_other(name, getattr(ecgs, name), kind, shape)
    if ecgs.sex.max() >= len(SEXES):
        raise ValueError("it holds a sex that is none")
    branches = bundle.network.branches
    if any(set(getattr(ecgs, part)) != set(branches) for part in BY_BRANCH):
        raise ValueError("its branches are not those of the bundle")
    for name, branch in branches.items():
        _refuse_unfitting_branch(name, branch, ecgs)


def _refuse_unfitting_branch(name: str, branch: Branch, ecgs: TrainingECGs) -> None:
    basis, cells = ecgs.bases[name], ecgs.cells[name]
    axes, kept = basis.shape[-1], cells.shape[-1]
    _refuse_other(f"{name}.bases", basis, np.float32, (branch.shape.features, axes))
    _refuse_other(f"{name}.cells", cells, np.int16, (len(ecgs), kept))
    _refuse_other(f"{name}.latents", ecgs.latents[name], np.int8, (len(ecgs), kept, axes))
    if not np.allclose(basis.T @ basis, np.eye(axes), atol=1e-3):
        raise ValueError(f"its axes of {name} are not orthonormal")
    if cells.min() < 0:
        raise ValueError(f"it keeps a cell of {name} that is none")
    if branch.window_samples(int(cells.max()))[0] >= MODEL_SAMPLES:
        raise ValueError(f"it keeps a cell of {name} that is beyond the ECG's end")


def _refuse_other(name: str, found: np.ndarray, kind: type, shape: tuple[int, ...]) -> None:
    if found.dtype != kind or found.shape != shape:
        raise ValueError(
            f"its {name} is {found.dtype} {found.shape}, expected {np.dtype(kind)} {shape}"
        )
