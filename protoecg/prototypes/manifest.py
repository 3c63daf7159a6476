"""What a bundle says of itself and of its prototypes: its two JSON files, read without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic.dataclasses
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from protoecg.network.shape import BranchShape
from protoecg.prototypes.prototype import Prototype

FORMAT = "protoecg-bundle"
VERSION = 5
FILE, PROTOTYPES = "bundle.json", "prototypes.json"
WEIGHTS, FAMILIARITY = "weights.safetensors", "familiarity.safetensors"
MEASURED = "measured.json"
# Files that older bundles lack.
_LATER = {FAMILIARITY, MEASURED}
MAX_JSON_BYTES = 20_000_000
_CHECKED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

Probability = Annotated[float, Field(ge=0, le=1)]
T = TypeVar("T")


class BundleError(ValueError):
    """A bundle that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Worth:
    """What it means that a statement is called, on validation ECGs of other patients.

    Parameters
    ----------
    precision : the share of calls that are labelled
    sensitivity : the share of labelled ECGs that are called
    """

    precision: Probability | None
    sensitivity: Probability | None


@dataclass(frozen=True)
class Decision:
    """When a statement is likely, and when it is possible.

    Parameters
    ----------
    threshold, possible_from : probabilities from which it is; older bundles have no second one
    positives : validation ECGs that carry the statement
    low_evidence : whether these are too few to know by the statement alone what a call is worth
    likely : what likely calls are worth
    called : what likely and possible calls together are worth; of rare statements pooled
    """

    threshold: Probability
    positives: Annotated[int, Field(ge=0)]
    low_evidence: bool
    possible_from: Probability | None = None
    likely: Worth | None = None
    called: Worth | None = None


@pydantic.dataclasses.dataclass(frozen=True, config=_CHECKED)
class Manifest:
    """What is in `bundle.json`: everything but the numbers and the prototypes.

    Parameters
    ----------
    name : what to call the bundle
    simulated : whether it was trained on simulated ECGs
    statements : that it decides, in PTB-XL's order
    branches : how each is built
    decisions : by statement
    about : data set, configuration, metrics and dates, as plain JSON
    sha256 : checksum of each of the bundle's other files
    """

    format: str
    version: int
    name: str
    simulated: bool
    statements: tuple[str, ...]
    branches: dict[str, BranchShape]
    decisions: dict[str, Decision]
    about: dict[str, Any]
    sha256: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """Of the prototypes; ratings belong to it."""
        return _shortened(self.sha256[PROTOTYPES])


_MANIFEST = TypeAdapter(Manifest)
_PROTOTYPES = TypeAdapter(tuple[Prototype, ...], config=_CHECKED)


def read_manifest(path: Path) -> Manifest:
    """Read what the bundle in a folder says of itself, checked by version, types and ranges.

    Raises
    ------
    BundleError
        If the folder is no bundle, or a damaged, foreign or newer one.
    """
    _refuse_unknown_version(path)
    return _checked(_MANIFEST, path / FILE)


def read_prototypes(path: Path, manifest: Manifest) -> tuple[Prototype, ...]:
    """Read the prototypes of the bundle in a folder, in the order of its network's similarities.

    Raises
    ------
    BundleError
        If the file is missing, or is not the one that the manifest knows.
    """
    refuse_damaged(path / PROTOTYPES, manifest.sha256[PROTOTYPES])
    return _checked(_PROTOTYPES, path / PROTOTYPES)


def revision(path: Path) -> str:
    """Return the revision of the bundle in a folder: of all of it, weights and thresholds too."""
    return _shortened(checksum(path / FILE))


def checksum(file: Path) -> str:
    """Return a file's SHA-256 in hex."""
    return sha256(file.read_bytes()).hexdigest()


def refuse_damaged(file: Path, expected: str) -> None:
    """Raise `BundleError` if a bundle's file is missing or has another checksum."""
    if not file.is_file():
        raise BundleError(f"{file} is missing: the bundle is incomplete. Get it again.")
    if checksum(file) != expected:
        raise BundleError(f"{file} is damaged: its checksum is not the bundle's. Get it again.")


def unusable(path: Path, reason: object) -> BundleError:
    """Return the error of a bundle whose parts are whole, but not what this version can use."""
    return BundleError(
        f"{path} is not a bundle that this version can use: {reason}. Get the bundle again, or "
        "train it with `python -m training fit`."
    )


def write_json(file: Path, content: Any) -> None:
    """Write one of a bundle's JSON files."""
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _shortened(checksum: str) -> str:
    return checksum[:16]


def _refuse_unknown_version(path: Path) -> None:
    if not path.is_dir():
        raise BundleError(
            f"There is no bundle at {path}. Name a bundle's folder with --bundle, or the folder "
            "that bundles lie in with PROTOECG_MODELS; a checkout of the project has models/ptbxl "
            "and models/demo."
        )
    file = path / FILE
    if not file.is_file():
        raise BundleError(
            f"{path} holds no {FILE}, so it is no bundle (or its writing was interrupted). "
            "Name a folder that `python -m training fit` wrote, such as models/demo."
        )
    try:
        head = json.loads(_read(file).decode())
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{file} is damaged: {error}. Get the bundle again.") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BundleError(f"{file} was not written by ProtoECG; choose a bundle.")
    version = head.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise BundleError(
            f"{path} has bundle format {version}, this program reads up to {VERSION}. "
            "Update ProtoECG to use it."
        )
    checksums = head.get("sha256")
    if not isinstance(checksums, Mapping) or set(checksums) - _LATER != {
        PROTOTYPES,
        WEIGHTS,
    }:
        raise BundleError(f"{file} lists no checksums; get the bundle again.")


def _checked(kind: TypeAdapter[T], file: Path) -> T:
    """Read a JSON file whose parts have the types and ranges that they are declared with."""
    try:
        return kind.validate_json(_read(file))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, (file.name, *first["loc"])))
        raise unusable(file.parent, f"{place}: {first['msg']}") from error


def _read(file: Path) -> bytes:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise BundleError(f"{file} is larger than any bundle's; get the bundle again.")
    return file.read_bytes()
