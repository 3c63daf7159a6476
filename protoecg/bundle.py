"""A trained model on disk: safetensors and JSON, versioned and checksummed.

bundle.json         everything but the numbers: version, statements, shapes, calibration, metrics
prototypes.json     every prototype and where it comes from
weights.safetensors the network's weights
familiarity.safetensors  what is usual of an ECG, so that it can abstain; absent in older bundles
card.json           measurements made later, see `protoecg.card`; not part of the bundle itself
waveforms/          source ECGs, where the bundle carries them (simulated data)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import pydantic.dataclasses
import safetensors.numpy
import safetensors.torch
import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from safetensors import SafetensorError

from protoecg.ecg import DURATION_S
from protoecg.explanation import Prototype
from protoecg.familiarity import Familiarity, Usual
from protoecg.labels import BRANCHES, STATEMENTS
from protoecg.network.protoecgnet import BranchShape, ProtoECGNet
from protoecg.signals import MODEL_SAMPLES

FORMAT = "protoecg-bundle"
VERSION = 4
MAX_JSON_BYTES = 20_000_000
MAX_BLOCKS = 1000
_FILES = ("prototypes.json", "weights.safetensors")
_FAMILIARITY = "familiarity.safetensors"
_CHECKED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

T = TypeVar("T")


class BundleError(ValueError):
    """A bundle that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Decision:
    """When a statement is called present.

    `low_evidence`: the validation fold held too few positives to trust the threshold.
    """

    threshold: Annotated[float, Field(ge=0, le=1)]
    positives: Annotated[int, Field(ge=0)]
    low_evidence: bool


@pydantic.dataclasses.dataclass(frozen=True, config=_CHECKED)
class _Head:
    """What is in `bundle.json`."""

    format: str
    version: int
    name: str
    simulated: bool
    statements: tuple[str, ...]
    branches: dict[str, BranchShape]
    decisions: dict[str, Decision]
    about: dict[str, Any]
    sha256: dict[str, str]


_HEAD = TypeAdapter(_Head)
_PROTOTYPES = TypeAdapter(tuple[Prototype, ...], config=_CHECKED)


@dataclass(frozen=True)
class Bundle:
    """A trained model with all that explains it.

    Parameters
    ----------
    path : its folder
    name : what to call it
    simulated : whether it was trained on simulated ECGs
    network : in evaluation mode, on the CPU
    prototypes : in the order of the network's similarities
    decisions : by statement
    familiarity : what is usual of an ECG; None in a bundle that never abstains
    about : data set, configuration, metrics and dates, as plain JSON
    fingerprint : of the prototypes; ratings belong to it
    revision : of the whole bundle, weights and thresholds included
    """

    path: Path
    name: str
    simulated: bool
    network: ProtoECGNet
    prototypes: tuple[Prototype, ...]
    decisions: Mapping[str, Decision]
    familiarity: Familiarity | None
    about: Mapping[str, Any]
    fingerprint: str
    revision: str

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements that it decides, in PTB-XL's order."""
        return self.network.statements


def save_bundle(
    path: Path,
    *,
    name: str,
    simulated: bool,
    network: ProtoECGNet,
    prototypes: tuple[Prototype, ...],
    decisions: Mapping[str, Decision],
    about: Mapping[str, Any],
    familiarity: Familiarity | None = None,
) -> Bundle:
    """Write a bundle and return it as loaded again.

    `bundle.json` is written last: it holds the checksums of the rest, so that a bundle whose
    writing was interrupted does not load.
    """
    path.mkdir(parents=True, exist_ok=True)
    weights = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    safetensors.torch.save_file(weights, path / "weights.safetensors")
    _write_json(path / "prototypes.json", [asdict(prototype) for prototype in prototypes])
    files = (*_FILES, *_write_familiarity(path / _FAMILIARITY, familiarity))
    shapes = {branch: asdict(module.shape) for branch, module in network.branches.items()}
    head = {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "simulated": simulated,
        "statements": network.statements,
        "branches": shapes,
        "decisions": {code: asdict(decision) for code, decision in decisions.items()},
        "about": about,
        "sha256": {file: _sha256(path / file) for file in files},
    }
    _write_json(path / "bundle.json", head)
    return load_bundle(path)


def load_bundle(path: Path) -> Bundle:
    """Load a bundle, checking its version, its checksums and that all parts belong together.

    Raises
    ------
    BundleError
        If the folder is no bundle, or a damaged, foreign or newer one.
    """
    checksums = _read_checksums(path)
    for file, checksum in checksums.items():
        _refuse_damaged(path / file, checksum)
    try:
        head = _checked(_HEAD, path / "bundle.json")
        network = _network(head, path / "weights.safetensors")
        prototypes = _checked(_PROTOTYPES, path / "prototypes.json")
        _refuse_unfitting(network, prototypes, head.decisions)
        return Bundle(
            path=path,
            name=head.name,
            simulated=head.simulated,
            network=network,
            prototypes=prototypes,
            decisions=head.decisions,
            familiarity=_familiarity(path / _FAMILIARITY) if _FAMILIARITY in checksums else None,
            about=head.about,
            fingerprint=checksums["prototypes.json"][:16],
            revision=_sha256(path / "bundle.json")[:16],
        )
    except (KeyError, TypeError, RuntimeError, ValueError, SafetensorError) as error:
        raise BundleError(
            f"{path} is not a bundle that this version can use: {error}. Get the bundle again, or "
            "train it with `python -m training fit`."
        ) from error


def _read_checksums(path: Path) -> dict[str, str]:
    """Return the checksums of a bundle of a version that this program knows."""
    if not path.is_dir():
        raise BundleError(
            f"There is no bundle at {path}. Name a bundle's folder with --bundle, or the folder "
            "that bundles lie in with PROTOECG_MODELS; a checkout of the project has models/ptbxl "
            "and models/demo."
        )
    if not (path / "bundle.json").is_file():
        raise BundleError(
            f"{path} holds no bundle.json, so it is no bundle (or its writing was interrupted). "
            "Name a folder that `python -m training fit` wrote, such as models/demo."
        )
    head = _read_json(path / "bundle.json")
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BundleError(f"{path / 'bundle.json'} was not written by ProtoECG; choose a bundle.")
    version = head.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise BundleError(
            f"{path} has bundle format {version}, this program reads up to {VERSION}. "
            "Update ProtoECG to use it."
        )
    checksums = head.get("sha256")
    if not isinstance(checksums, dict) or set(checksums) - {_FAMILIARITY} != set(_FILES):
        raise BundleError(f"{path / 'bundle.json'} lists no checksums; get the bundle again.")
    return checksums


def _network(head: _Head, weights: Path) -> ProtoECGNet:
    _refuse_unknown("statements", head.statements, STATEMENTS)
    _refuse_unknown("branches", head.branches, BRANCHES)
    for name, shape in head.branches.items():
        _refuse_impossible(name, shape)
    # Built without memory: a hostile shape must not be allocated before the weights agree.
    with torch.device("meta"):
        network = ProtoECGNet(head.branches, head.statements)
    state = safetensors.torch.load_file(weights)
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
    safetensors.numpy.save_file(numbers, file)
    return (file.name,)


def _familiarity(file: Path) -> Familiarity:
    parts: dict[str, dict[str, Any]] = {}
    for key, value in safetensors.numpy.load_file(file).items():
        trait, _, part = key.partition(".")
        parts.setdefault(trait, {})[part] = float(value) if part == "limit" else value
    return Familiarity({trait: Usual(**numbers) for trait, numbers in parts.items()})


def _refuse_unfitting(
    network: ProtoECGNet, prototypes: tuple[Prototype, ...], decisions: Mapping[str, Decision]
) -> None:
    owners = [
        (name, owner) for name, branch in network.branches.items() for owner in branch.shape.owners
    ]
    if owners != [(p.branch, p.statement) for p in prototypes]:
        raise ValueError("its prototypes are not those of its network")
    if len({p.name for p in prototypes}) != len(prototypes):
        raise ValueError("two of its prototypes have one name")
    for prototype in prototypes:
        _refuse_unknown("statements", (prototype.statement, *prototype.statements), STATEMENTS)
        start, end = prototype.window_s
        if not 0 <= start < end <= DURATION_S:
            raise ValueError(f"{prototype.name} is from {start:g} to {end:g} s, which cannot be")
    if set(decisions) != set(network.statements):
        raise ValueError("it has no threshold for some statements")


def _refuse_unknown(what: str, found: Iterable[str], known: Iterable[str]) -> None:
    if unknown := set(found) - set(known):
        raise ValueError(f"unknown {what} {', '.join(sorted(unknown))}")


def _refuse_damaged(file: Path, expected: str) -> None:
    if not file.is_file():
        raise BundleError(f"{file} is missing: the bundle is incomplete. Get it again.")
    if _sha256(file) != expected:
        raise BundleError(f"{file} is damaged: its checksum is not the bundle's. Get it again.")


def _sha256(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _checked(kind: TypeAdapter[T], file: Path) -> T:
    """Read a JSON file whose parts have the types and ranges that they are declared with."""
    try:
        return kind.validate_json(_read(file))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, (file.name, *first["loc"])))
        raise ValueError(f"{place}: {first['msg']}") from error


def _read(file: Path) -> bytes:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise BundleError(f"{file} is larger than any bundle's; get the bundle again.")
    return file.read_bytes()


def _read_json(file: Path) -> Any:
    try:
        return json.loads(_read(file).decode())
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{file} is damaged: {error}. Get the bundle again.") from error


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
