"""Prototypes on disk, of whatever model: all that can be rated, whether a network is there or not.

A bundle is such a set, with the network that compares by it. One without, which `gathering` makes
of others' prototypes, has the same files but no weights, and carries its ECGs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from protoecg.ecg import DURATION_S
from protoecg.labels import LabelSet
from protoecg.prototypes.curation import curations
from protoecg.prototypes.manifest import (
    FILE,
    LABELS,
    MANIFEST,
    PROTOTYPES,
    read_label_set,
    read_manifest,
    read_prototypes,
    revision,
    unusable,
)
from protoecg.prototypes.prototype import Prototype
from protoecg.storage.files import checksum, write_bytes, write_json

SOURCE = "source"


@dataclass(frozen=True)
class PrototypeSet:
    """Prototypes that can be looked at and rated.

    Parameters
    ----------
    path : its folder
    name : what to call it
    simulated : whether they are simulated ECGs
    prototypes : all of them, in their order
    labels : the label set that their statements belong to
    about : further facts about them, as plain JSON
    fingerprint : of the prototypes; ratings belong to it
    revision : of all of it
    """

    path: Path
    name: str
    simulated: bool
    prototypes: tuple[Prototype, ...]
    labels: LabelSet
    about: Mapping[str, Any]
    fingerprint: str
    revision: str

    @property
    def self_contained(self) -> bool:
        """Whether it brings its own ECGs, and no other place has them."""
        return True


def load_set(path: Path) -> PrototypeSet:
    """Load a set, checking its version, its checksums and that its prototypes can be.

    Raises
    ------
    BundleError
        If the folder is no set, or a damaged, foreign or newer one.
    """
    manifest = read_manifest(path)
    prototypes, labels = read_prototypes(path, manifest), read_label_set(path, manifest)
    try:
        refuse_impossible(prototypes, labels)
        curations(manifest.about)
    except ValueError as error:
        raise unusable(path, error) from error
    return PrototypeSet(
        path=path,
        name=manifest.name,
        simulated=manifest.simulated,
        prototypes=prototypes,
        labels=labels,
        about=manifest.about,
        fingerprint=manifest.fingerprint,
        revision=revision(path),
    )


def write_set(
    path: Path,
    *,
    name: str,
    simulated: bool,
    prototypes: Sequence[Prototype],
    labels: LabelSet,
    about: Mapping[str, Any],
) -> None:
    """Write a set without a network into a folder; its ECGs go into `waveforms` beside it."""
    write_json(path / PROTOTYPES, [asdict(prototype) for prototype in prototypes])
    write_bytes(path / LABELS, labels.to_csv().encode())
    MANIFEST.write(
        path / FILE,
        name=name,
        simulated=simulated,
        statements=list(labels),
        branches={},
        decisions={},
        about=about,
        sha256={file: checksum(path / file) for file in (PROTOTYPES, LABELS)},
    )


def refuse_impossible(prototypes: Sequence[Prototype], labels: LabelSet) -> None:
    """Raise `ValueError` if two prototypes have one name, or one says what cannot be."""
    if len({p.name for p in prototypes}) != len(prototypes):
        raise ValueError("two of its prototypes have one name")
    for prototype in prototypes:
        refuse_unknown("statements", (prototype.statement, *prototype.statements), labels)
        start, end = prototype.window_s
        if not 0 <= start < end <= DURATION_S:
            raise ValueError(f"{prototype.name} is from {start:g} to {end:g} s, which cannot be")


def refuse_unknown(what: str, found: Iterable[str], known: Iterable[str]) -> None:
    """Raise `ValueError` if something is found that is not known."""
    if unknown := set(found) - set(known):
        raise ValueError(f"unknown {what} {', '.join(sorted(unknown))}")
