"""A bundle's manifest and its list of prototypes: two JSON files, read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pydantic.dataclasses
from pydantic import Field, TypeAdapter

from protoecg.labels import PTBXL, LabelsError, LabelSet, read_labels
from protoecg.network.shape import BranchShape
from protoecg.prototypes.prototype import Prototype
from protoecg.storage.files import (
    STRICT,
    Format,
    FormatError,
    Head,
    checksum,
    read_limited,
    validated,
)

FORMAT = "protoecg-bundle"
VERSION = 5
FILE, PROTOTYPES = "bundle.json", "prototypes.json"
WEIGHTS, FAMILIARITY = "weights.safetensors", "familiarity.safetensors"
MEASURED, LABELS = "measured.json", "labels.csv"
# Files that older bundles lack.
_LATER = {FAMILIARITY, MEASURED, LABELS}
MAX_JSON_BYTES = 20_000_000
MAX_FILE_BYTES = 2_000_000_000
AGAIN = "Get the bundle again, or train it with `python -m training fit`."

Probability = Annotated[float, Field(ge=0, le=1)]


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


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Manifest(Head):
    """What is in `bundle.json`: everything but the numbers and the prototypes.

    Parameters
    ----------
    name : what to call the bundle
    simulated : whether it was trained on simulated ECGs
    statements : that it decides, in the order of its label set
    branches : how each is built
    decisions : by statement
    about : data set, configuration, metrics and dates, as plain JSON
    sha256 : checksum of each of the bundle's other files
    """

    name: str
    simulated: bool
    statements: tuple[str, ...]
    branches: dict[str, BranchShape]
    decisions: dict[str, Decision]
    about: dict[str, Any]
    sha256: dict[str, str]

    @property
    def has_network(self) -> bool:
        """Whether a network compares by the prototypes; others can only be rated."""
        return bool(self.branches)

    @property
    def self_contained(self) -> bool:
        """Whether it brings its own ECGs, and no other place has them."""
        return self.simulated or not self.has_network

    @property
    def fingerprint(self) -> str:
        """Of the prototypes; ratings belong to it."""
        return _shortened(self.sha256[PROTOTYPES])


MANIFEST = Format(FORMAT, VERSION, Manifest, MAX_JSON_BYTES)
_PROTOTYPES = TypeAdapter(tuple[Prototype, ...], config=STRICT)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of the bundle in a folder, checked by version, types and ranges.

    Raises
    ------
    BundleError
        If the folder is no bundle, or a damaged, foreign or newer one.
    """
    _refuse_no_bundle(path)
    try:
        manifest = MANIFEST.read(path / FILE)
    except FormatError as error:
        raise (BundleError(str(error)) if error.newer else unusable(path, error)) from error
    needed = {PROTOTYPES, WEIGHTS} if manifest.has_network else {PROTOTYPES, LABELS}
    if not needed <= set(manifest.sha256) <= {PROTOTYPES, WEIGHTS, *_LATER}:
        raise BundleError(f"{path / FILE} lists no checksums. {AGAIN}")
    return manifest


def read_prototypes(path: Path, manifest: Manifest) -> tuple[Prototype, ...]:
    """Read the prototypes of the bundle in a folder, in the order of its network's similarities.

    Raises
    ------
    BundleError
        If the file is missing, or is not the one that the manifest knows.
    """
    refuse_damaged(path / PROTOTYPES, manifest.sha256[PROTOTYPES])
    file = path / PROTOTYPES
    try:
        return validated(_PROTOTYPES, file, read_limited(file, MAX_JSON_BYTES))
    except FormatError as error:
        raise unusable(path, error) from error


def read_label_set(path: Path, manifest: Manifest) -> LabelSet:
    """Read the label set of the bundle in a folder: PTB-XL's in bundles that bring none.

    Raises
    ------
    BundleError
        If the file is missing, is not the one that the manifest knows, or no label set.
    """
    if LABELS not in manifest.sha256:
        return PTBXL
    refuse_damaged(path / LABELS, manifest.sha256[LABELS])
    try:
        return read_labels((path / LABELS).read_bytes(), LABELS)
    except LabelsError as error:
        raise unusable(path, error) from error


def revision(path: Path) -> str:
    """Return the revision of the bundle in a folder: of all of it, weights and thresholds too."""
    return _shortened(checksum(path / FILE))


def refuse_damaged(file: Path, expected: str) -> None:
    """Raise `BundleError` if a bundle's file is missing or has another checksum."""
    if not file.is_file():
        raise BundleError(f"{file} is missing: the bundle is incomplete. Get it again.")
    if file.stat().st_size > MAX_FILE_BYTES:
        raise BundleError(f"{file} is larger than any file of a bundle. Get the bundle again.")
    if checksum(file) != expected:
        raise BundleError(f"{file} is damaged: its checksum is not the bundle's. Get it again.")


def unusable(path: Path, reason: object) -> BundleError:
    """Return the error of a bundle whose parts are whole, but not what this version can use."""
    cause = str(reason).rstrip(".")
    return BundleError(f"{path} is not a bundle that this version can use: {cause}. {AGAIN}")


def _shortened(checksum: str) -> str:
    return checksum[:16]


def _refuse_no_bundle(path: Path) -> None:
    if not path.is_dir():
        raise BundleError(
            f"There is no bundle at {path}. Name a bundle's folder with --bundle, or the folder "
            "that bundles lie in with PROTOECG_MODELS; a checkout of the project has models/ptbxl "
            "and models/demo."
        )
    if not (path / FILE).is_file():
        raise BundleError(
            f"{path} holds no {FILE}, so it is no bundle (or its writing was interrupted). "
            "Name a folder that `python -m training fit` wrote, such as models/demo."
        )
