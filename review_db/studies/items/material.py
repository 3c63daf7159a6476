"""What a study can ask about: a bundle's prototypes, and cases of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protoecg.prototypes.manifest import BundleError, read_manifest, read_prototypes
from protoecg.prototypes.prototype import Prototype
from review_db.studies.design import DesignError
from review_db.studies.items.case_file import (
    CaseECG,
    Cases,
    MatchCase,
    PairCase,
    ReadingCase,
    read_cases,
)


@dataclass(frozen=True)
class Material:
    """What a study can ask about.

    Parameters
    ----------
    bundle, fingerprint : the bundle that is judged, and the version of its prototypes
    prototypes : all of the bundle
    matches, pairs, readings : cases of patients
    practice : ECGs to read first, with what is true of them shown after the answer
    ecgs : where random windows may be cut; the prototypes' source ECGs if there are none
    """

    bundle: str
    fingerprint: str
    prototypes: Sequence[Prototype]
    matches: Sequence[MatchCase] = ()
    pairs: Sequence[PairCase] = ()
    readings: Sequence[ReadingCase] = ()
    ecgs: Sequence[CaseECG] = ()
    practice: Sequence[ReadingCase] = ()


def bundle_material(folder: Path | str, cases: Path | str | None = None) -> Material:
    """Read the prototypes of a bundle's folder, and a JSON file of cases, if given.

    The file holds an object with the lists `matches`, `pairs`, `readings`, `practice` and `ecgs`,
    or some of them.

    Raises
    ------
    DesignError
        If a file cannot be read or is not what it should be.
    """
    given = read_cases(Path(cases)) if cases is not None else Cases()
    try:
        manifest = read_manifest(Path(folder))
        prototypes = read_prototypes(Path(folder), manifest)
    except (BundleError, OSError) as error:
        raise DesignError(str(error)) from error
    return Material(
        manifest.name,
        manifest.fingerprint,
        prototypes,
        given.matches,
        given.pairs,
        given.readings,
        given.ecgs,
        given.practice,
    )
