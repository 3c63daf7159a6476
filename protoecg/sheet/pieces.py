"""What is printed where: the stretch of a lead that each place of the paper shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protoecg.ecg import DURATION_S, ECG
from protoecg.figures import sheet
from protoecg.sheet.filters import filtered
from protoecg.sheet.view import View, of_lead


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

    def within(self, start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Seconds and height on the paper of the samples in a window."""
        times = self.start_s + np.arange(len(self.values)) / self.rate
        half = 0.5 / self.rate
        inside = (times > start_s - half) & (times < end_s + half)
        return times[inside], self.values[inside] + self.offset


def print_pieces(ecg: ECG, view: View) -> list[Piece]:
    """Return the first ten seconds as they are printed, row by row from above."""
    signal = filtered(ecg, view.filters)
    rows = [_row_pieces(signal, ecg.rate, leads) for leads in view.rows]
    whole_rows = [np.concatenate([values for _, _, values in row]) for row in rows]
    lows, highs = zip(*(sheet.envelope(row, ecg.rate) for row in whole_rows), strict=True)
    offsets = sheet.row_offsets(lows, highs, view, spacing=view.row_mv)
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
