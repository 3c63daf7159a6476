"""The heart's dipole, drawn as a sum of bumps in space.

Axes are Frank's: x to the left, y to the feet, z to the back; millivolts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Vector = Sequence[float] | np.ndarray
Span = tuple[str, float, float]


@dataclass(frozen=True, eq=False)
class Shape:
    """What is drawn at one moment of a beat.

    Parameters
    ----------
    bumps : (k, 7), each a start and end of its top, the standard deviations of its rise and
        fall (seconds from the shape's own onset), and its vector x, y, z in mV
    spans : kind, onset and offset of each wave in it, seconds from the shape's own onset
    """

    bumps: np.ndarray
    spans: tuple[Span, ...] = ()

    def __add__(self, other: Shape) -> Shape:
        return Shape(np.vstack([self.bumps, other.bumps]), self.spans + other.spans)


def bump(at: float, width: float, vector: Vector) -> np.ndarray:
    """Return one row of `Shape.bumps`: a Gaussian about `at` with standard deviation `width`."""
    return skewed(at, at, width, width, vector)


def skewed(start: float, end: float, rise: float, fall: float, vector: Vector) -> np.ndarray:
    """Return one row of `Shape.bumps`: a Gaussian rise, a flat top, another Gaussian fall."""
    return np.array([[start, end, rise, fall, *vector]])


def dipole(placed: Iterable[tuple[float, Shape]], times: np.ndarray) -> np.ndarray:
    """Sum the shapes, each at its onset: (3, n) mV at `times`."""
    rows = np.vstack([_moved(shape.bumps, onset) for onset, shape in placed])
    start, end, rise, fall = (column[:, None] for column in rows[:, :4].T)
    before, after = np.minimum(times - start, 0) / rise, np.maximum(times - end, 0) / fall
    heights = np.exp(-0.5 * (before**2 + after**2))
    return rows[:, 4:].T @ heights


def _moved(bumps: np.ndarray, onset: float) -> np.ndarray:
    moved = bumps.copy()
    moved[:, :2] += onset
    return moved
