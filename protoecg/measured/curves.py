"""Measurements as evidence: what each quantity adds to a statement's logit.

measured.json   of each statement, its curves; part of a bundle, see `protoecg.bundle`
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from math import inf
from pathlib import Path
from typing import Annotated

import numpy as np
import pydantic.dataclasses
from pydantic import ConfigDict, Field, TypeAdapter

from protoecg.explanation import Measured
from protoecg.measure import QUANTITIES
from protoecg.storage.files import write_bytes

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
        """Refuse what is not a curve.

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


class _Stacked:
    """Many curves at one ECG's values: of one curve after another, most of the time is calls."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        names = list(QUANTITIES)
        most = max((len(curve.knots) for curve in curves), default=0)
        self._quantity = np.array([names.index(curve.quantity) for curve in curves], dtype=int)
        self._last = np.array([len(curve.knots) - 1 for curve in curves], dtype=int)
        self._knots = np.full((len(curves), most), inf)
        self._logits = np.zeros((len(curves), most))
        for row, curve in enumerate(curves):
            self._knots[row, : len(curve.knots)] = curve.knots
            self._logits[row, : len(curve.logits)] = curve.logits

    def at(self, values: Mapping[str, float]) -> list[float]:
        """Return what each curve adds, as `Curve` does."""
        value = np.array([values[name] for name in QUANTITIES])[self._quantity]
        above = (self._knots <= value[:, None]).sum(axis=1)
        ends = np.maximum(above - 1, 0), np.minimum(above, self._last)
        rows = np.arange(len(value))
        low, high = (self._knots[rows, end] for end in ends)
        from_, to = (self._logits[rows, end] for end in ends)
        # Beyond the knots both ends are the same one.
        width = np.where(high > low, high - low, 1.0)
        added = from_ + (to - from_) * (value - low) / width
        return np.where(np.isnan(value), 0.0, added).tolist()


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
        logits = self.logits(values)
        return {code: self.as_measured(code, values, logits[code]) for code in self.curves}

    def logits(self, values: Mapping[str, float]) -> dict[str, list[float]]:
        """Return what each curve of each statement adds, in the order of the curves."""
        added = iter(self._stacked.at(values))
        return {code: list(islice(added, len(curves))) for code, curves in self.curves.items()}

    def as_measured(
        self, code: str, values: Mapping[str, float], logits: Sequence[float]
    ) -> tuple[Measured, ...]:
        """Return a statement's `logits` with their measurements, strongest first, no zeros."""
        contributions = [
            Measured(quantity.words, values[curve.quantity], quantity.unit, added)
            for curve, added in zip(self.curves[code], logits, strict=True)
            if added and (quantity := QUANTITIES[curve.quantity])
        ]
        return tuple(sorted(contributions, key=lambda measured: -measured.contribution))

    @cached_property
    def _stacked(self) -> _Stacked:
        return _Stacked(list(chain.from_iterable(self.curves.values())))

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
