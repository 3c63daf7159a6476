"""Where a bundle was calibrated again: which ECGs set the scales and thresholds that it ships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import pydantic.dataclasses
from pydantic import Field, TypeAdapter, ValidationError

from protoecg.prototypes.manifest import BundleError
from protoecg.storage.files import STRICT

ABOUT = "recalibrations"


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Recalibration:
    """One recalibration of a bundle: by whose ECGs, and of which statements.

    Parameters
    ----------
    data, licence : of the data set
    date : ISO 8601, UTC
    ecgs, patients : how many
    parent : revision of the bundle before
    statements : that moved; all others kept their scale and thresholds
    comparison : before and after, on these ECGs, cross-fitted; plain JSON
    """

    data: Annotated[str, Field(min_length=1, max_length=80)]
    licence: Annotated[str, Field(max_length=120)]
    date: Annotated[str, Field(min_length=10, max_length=40)]
    ecgs: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    parent: Annotated[str, Field(max_length=64)]
    statements: tuple[str, ...]
    comparison: dict[str, Any]

    @property
    def day(self) -> str:
        """When it was done, such as "2026-11-30"."""
        return self.date[:10]

    @property
    def words(self) -> str:
        """Where and when: "LUDB 1.0.1 (100 ECGs of 100 patients, 2026-11-30)"."""
        return f"{self.data} ({self.ecgs:,} ECGs of {self.patients:,} patients, {self.day})"

    def to_json(self) -> dict[str, Any]:
        """Return it as an explanation lists it, in plain JSON types."""
        return {
            "data": self.data,
            "date": self.day,
            "ecgs": self.ecgs,
            "patients": self.patients,
            "statements": list(self.statements),
        }


_RECALIBRATIONS = TypeAdapter(tuple[Recalibration, ...], config=STRICT)


def recalibrations(about: Mapping[str, Any]) -> tuple[Recalibration, ...]:
    """Return the recalibrations of a bundle, the latest last, from its manifest's `about`.

    Raises
    ------
    BundleError
        If the manifest says something else.
    """
    try:
        return _RECALIBRATIONS.validate_json(json.dumps(about.get(ABOUT, [])))
    except (ValidationError, ValueError, TypeError) as error:
        raise BundleError("What the bundle says of its recalibration cannot be read.") from error
