"""Measurements as evidence: what each quantity adds to a statement's logit.

measured.json   of each statement, its curves; part of a bundle, see `protoecg.bundle`
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Annotated

import numpy as np
import pydantic.dataclasses
from pydantic import ConfigDict, Field, TypeAdapter

from protoecg.explanation import Measured
from protoecg.files import write_bytes
from protoecg.measure import QUANTITIES

_CHECKED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@pydantic.dataclasses.dataclass(frozen=True, config=_CHECKED)
class Curve:
    """What a quantity adds to a statement's logit: linear between knots, constant beyond them.

    Parameters
    ----------
    quantity : one of `protoecg.measure.QUANTITIES`
    knots : of the quantity, in its unit, ascending
    logits : added at each knot
    """

    quantity: str
    knots: Annotated[tuple[float, ...], Field(min_length=2, max_length=100)]
    logits: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse a curve that is none.

        Raises
        ------
        ValueError
            If the quantity is unknown, the knots do not ascend or the logits are not as many.
        """
        if self.quantity not in QUANTITIES:
            raise ValueError(f"{self.quantity!r} is not measured")
        if any(low >= high for low, high in zip(self.knots, self.knots[1:], strict=False)):
            raise ValueError(f"the knots of {self.quantity} do not ascend")
        if len(self.logits) != len(self.knots):
            raise ValueError(f"{self.quantity} has {len(self.knots)} knots, not as many logits")

    def __call__(self, value: np.ndarray | float) -> np.ndarray:
        """Return what values add; exactly 0 where they are NaN, which means unsure."""
        return np.where(np.isnan(value), 0.0, np.interp(value, self.knots, self.logits))

    def at(self, value: float) -> float:
        """Return what one value adds: as many values do, without the cost of an array."""
        if isnan(value):
            return 0.0
        above = bisect_right(self.knots, value)
        if above in (0, len(self.knots)):
            return self.logits[min(above, len(self.knots) - 1)]
        low, high = self.knots[above - 1 : above + 1]
        from_, to = self.logits[above - 1 : above + 1]
        return from_ + (to - from_) * (value - low) / (high - low)


@dataclass(frozen=True)
class MeasuredEvidence:
    """The curves of each statement that measurements speak for or against.

    Parameters
    ----------
    curves : by statement; at most one of a quantity
    """

    curves: Mapping[str, tuple[Curve, ...]]

    def contributions(self, values: Mapping[str, float]) -> dict[str, tuple[Measured, ...]]:
        """Return what an ECG's quantities add to each statement, the strongest for it first.

        Parameters
        ----------
        values : as `protoecg.measure.quantities` returns them; what is unsure adds nothing
        """
        return {code: _measured(curves, values) for code, curves in self.curves.items()}

    def offsets(self, values: np.ndarray, statements: tuple[str, ...]) -> np.ndarray:
        """Sum up what the quantities of many ECGs add: (n, len(statements)) logits.

        Parameters
        ----------
        values : (n, len(QUANTITIES)), NaN where unsure
        """
        columns = dict(zip(QUANTITIES, values.T, strict=True))
        total = np.zeros((len(values), len(statements)))
        for column, code in enumerate(statements):
            for curve in self.curves.get(code, ()):
                total[:, column] += curve(columns[curve.quantity])
        return total

    def scaled(self, factors: Mapping[str, float]) -> MeasuredEvidence:
        """Return the curves times a factor for each statement; those of factor 0 are left out."""
        return MeasuredEvidence(
            {
                code: tuple(_times(curve, factors[code]) for curve in curves)
                for code, curves in self.curves.items()
                if factors.get(code)
            }
        )


def _times(curve: Curve, factor: float) -> Curve:
    return replace(curve, logits=tuple(factor * logit for logit in curve.logits))


def _measured(curves: tuple[Curve, ...], values: Mapping[str, float]) -> tuple[Measured, ...]:
    told = []
    for curve in curves:
        quantity, value = QUANTITIES[curve.quantity], values[curve.quantity]
        if added := curve.at(value):
            told.append(Measured(quantity.words, value, quantity.unit, added))
    return tuple(sorted(told, key=lambda measured: -measured.contribution))


_FILE = TypeAdapter(dict[str, tuple[Curve, ...]], config=ConfigDict(strict=True))


def write_evidence(file: Path, evidence: MeasuredEvidence) -> None:
    """Write the curves as JSON."""
    write_bytes(file, _FILE.dump_json(dict(evidence.curves), indent=1) + b"\n")


def read_evidence(file: Path, statements: Collection[str]) -> MeasuredEvidence:
    """Read curves of some statements, checked.

    Raises
    ------
    ValueError
        If the file is no such JSON, or is about other statements, or quantities that do not exist.
    """
    curves = _FILE.validate_json(file.read_bytes())
    if unknown := set(curves) - set(statements):
        raise ValueError(f"{file.name} has unknown statements {', '.join(sorted(unknown))}")
    for code, of_one in curves.items():
        if len({curve.quantity for curve in of_one}) < len(of_one):
            raise ValueError(f"{file.name} has two curves of one quantity for {code}")
    return MeasuredEvidence(curves)
