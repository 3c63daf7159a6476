"""Calipers: what a reader measures on the paper, kept as seconds and mV of the ECG's own lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.sheet.filters import Filters, filtered
from protoecg.sheet.pieces import Piece
from protoecg.sheet.view import INVERTED


@dataclass(frozen=True)
class Caliper:
    """A measured stretch of a lead.

    Parameters
    ----------
    lead : one of `LEADS`
    start_s, end_s : seconds from the start of the ECG
    low_mv, high_mv : of the lead itself, also where it is printed upside down

    Raises
    ------
    ValueError
        If there is no such lead, or its ends are not in order within the ten seconds.
    """

    lead: str
    start_s: float
    end_s: float
    low_mv: float
    high_mv: float

    def __post_init__(self) -> None:
        if self.lead not in LEADS:
            raise ValueError(f"Found the lead {self.lead!r}, expected one of {', '.join(LEADS)}.")
        if not 0 <= self.start_s <= self.end_s <= DURATION_S or not self.low_mv <= self.high_mv:
            raise ValueError(
                f"Found {self.start_s:g} to {self.end_s:g} s and {self.low_mv:g} to "
                f"{self.high_mv:g} mV, expected the smaller first, within {DURATION_S:g} s."
            )

    @property
    def milliseconds(self) -> int:
        """How long it is."""
        return round(1000 * (self.end_s - self.start_s))

    @property
    def millivolts(self) -> float:
        """How high it is."""
        return self.high_mv - self.low_mv

    @property
    def per_minute(self) -> int | None:
        """The rate of which it is one beat; None where it has no length."""
        return round(60_000 / self.milliseconds) if self.milliseconds else None

    @property
    def said(self) -> str:
        """What is read from it, such as "850 ms · 71 bpm · 0.42 mV"."""
        rate = [f"{self.per_minute} bpm"] if self.per_minute else []
        return " · ".join([f"{self.milliseconds} ms", *rate, f"{self.millivolts:.2f} mV"])

    def is_printed_on(self, piece: Piece) -> bool:
        """Whether a piece of the paper prints its lead at its middle."""
        middle = (self.start_s + self.end_s) / 2
        return _own_name(piece) == self.lead and piece.start_s <= middle < piece.end_s

    def on(self, piece: Piece) -> tuple[float, float]:
        """Its lower and upper height on a piece of the paper, mV."""
        reach = self.low_mv, self.high_mv
        if piece.lead == INVERTED:
            reach = -self.high_mv, -self.low_mv
        return piece.offset + reach[0], piece.offset + reach[1]


def caliper_from_box(
    pieces: Sequence[Piece], seconds: tuple[float, float], heights: tuple[float, float]
) -> Caliper | None:
    """Return what a box drawn on the paper measures; None outside of the ten seconds.

    It belongs to the lead whose tracing runs through it or, where none does, the nearest.

    Parameters
    ----------
    pieces : what is printed
    seconds, heights : two opposite corners on the axes of the paper, s and mV
    """
    start_s, end_s = np.clip(sorted(seconds), 0.0, DURATION_S).tolist()
    low, high = sorted(heights)
    middle = (start_s + end_s) / 2
    there = [piece for piece in pieces if piece.start_s <= middle < piece.end_s]
    if start_s == end_s or not there:
        return None
    piece = min(there, key=lambda piece: _distance(piece, (start_s, end_s), (low, high)))
    own = low - piece.offset, high - piece.offset
    if piece.lead == INVERTED:
        own = -own[1], -own[0]
    return Caliper(_own_name(piece), start_s, end_s, *own)


def caliper_over(
    ecg: ECG,
    lead: str,
    seconds: Sequence[float],
    heights: Sequence[float | None] = (),
    *,
    filters: Filters,
) -> Caliper:
    """Return a measure between two moments of a lead, in s, in either order.

    Parameters
    ----------
    heights : two, mV; where one is missing, the lowest and the highest drawn value in between
    """
    start_s, end_s = sorted(seconds)
    printed = filtered(ecg, filters)[LEADS.index(lead)]
    # Both ends belong to it, the very last one too.
    between = ecg.samples(start_s, end_s)
    drawn = printed[min(between.start, len(printed) - 1) : between.stop + 1]
    given = [height for height in heights if height is not None]
    extremes = [float(drawn.min()), float(drawn.max())]
    low, high = sorted(given if len(given) == 2 else extremes)
    return Caliper(lead, start_s, end_s, low, high)


def _own_name(piece: Piece) -> str:
    return "aVR" if piece.lead == INVERTED else piece.lead


def _distance(
    piece: Piece, seconds: tuple[float, float], heights: tuple[float, float]
) -> tuple[float, float]:
    """How far a tracing lies from a box, and its zero line from the box's middle, mV."""
    sample_s = 1 / piece.rate
    _, drawn = piece.within(seconds[0] - sample_s, seconds[1] + sample_s)
    away = float(np.abs(drawn - np.clip(drawn, *heights)).mean())
    return away, abs(piece.offset - sum(heights) / 2)
