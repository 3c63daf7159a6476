"""What is printed where: the stretch of a lead that each place of the paper shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from protoecg.ecg import DURATION_S, ECG
from protoecg.sheet.filters import filtered
from protoecg.sheet.rows import down_to_line, envelope, row_offsets, up_to_line
from protoecg.sheet.view import LARGE_MM, View, of_lead

MAX_REACH_MV = 3.0


@dataclass(frozen=True, eq=False)
class Piece:
    """What one lead prints: its samples from `start_s` on, in mV, around `offset`."""

    lead: str
    start_s: float
    values: np.ndarray
    offset: float
    rate: float

    @property
    def end_s(self) -> float:
        """Where the next piece of its row begins."""
        return self.start_s + len(self.values) / self.rate

    @property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Seconds and height on the paper of all samples."""
        times = self.start_s + np.arange(len(self.values)) / self.rate
        return times, self.values + self.offset

    def within(self, start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Seconds and height on the paper of the samples in a window."""
        times, heights = self.points
        half = 0.5 / self.rate
        inside = (times > start_s - half) & (times < end_s + half)
        return times[inside], heights[inside]


def print_pieces(ecg: ECG, view: View) -> list[Piece]:
    """Return the first ten seconds as they are printed, row by row from above."""
    signal = filtered(ecg, view.filters)
    rows = [_row_pieces(signal, ecg.rate, leads) for leads in view.rows]
    whole_rows = [np.concatenate([values for _, _, values in row]) for row in rows]
    lows, highs = zip(*(envelope(row, ecg.rate) for row in whole_rows), strict=True)
    offsets = row_offsets(lows, highs, view, spacing=view.row_mv)
    return [
        Piece(lead, start_s, values, offset, ecg.rate)
        for row, offset in zip(rows, offsets, strict=True)
        for lead, start_s, values in row
    ]


def _row_pieces(
    signal: np.ndarray, rate: float, leads: tuple[str, ...]
) -> list[tuple[str, float, np.ndarray]]:
    borders = [round(DURATION_S * rate * i / len(leads)) for i in range(len(leads) + 1)]
    return [
        (lead, start / rate, of_lead(signal, lead)[start:end])
        for lead, start, end in zip(leads, borders, borders[1:], strict=False)
    ]


def fitted(pieces: Sequence[Piece], view: View, height_mv: float) -> list[Piece]:
    """Return pieces at their heights above the lower edge of a paper `height_mv` high.

    The upper and the lower row stay on the paper up to `MAX_REACH_MV`; rows run into each other
    before anything is drawn smaller. What is left over is shared between above and below.
    """
    large, top = view.mv(LARGE_MM), pieces[0].offset
    highest = max(float(piece.values.max()) for piece in pieces if piece.offset == top)
    lowest = min(float(piece.values.min()) for piece in pieces if piece.offset == 0)
    above = max(min(up_to_line(highest + 0.3, large), MAX_REACH_MV), 1.5)
    below = max(min(up_to_line(0.5 - lowest, large), MAX_REACH_MV), 1.0)
    room = height_mv - above - below
    closer = min(room / top, 1.0) if top else 1.0
    spare = down_to_line((room - closer * top) / 2, large)
    return [replace(piece, offset=closer * piece.offset + below + spare) for piece in pieces]


def printed_line(ecg: ECG, view: View) -> str:
    """Return what a printed ECG says about itself: speed, gain, rate, filters and source."""
    facts = [*view.scale, f"{ecg.rate:g} Hz", view.filters.printed(ecg.rate)]
    if ecg.duration > DURATION_S + 0.1:
        facts.append(f"first {DURATION_S:g} of {ecg.duration:.0f} s")
    return "   ".join([*facts, ecg.source]).strip()
