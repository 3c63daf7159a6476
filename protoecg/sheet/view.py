"""How a tracing is printed: which leads where, at what scale, through which filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from protoecg.ecg import LEADS
from protoecg.sheet.filters import Filters
from protoecg.wording import MINUS

LayoutName = Literal["3x4+strip", "3x4", "6x2", "12x1", "1x1"]
OrderName = Literal["standard", "Cabrera"]
LAYOUTS: tuple[LayoutName, ...] = get_args(LayoutName)
SPEEDS, GAINS = (25.0, 50.0), (5.0, 10.0, 20.0)

INVERTED = f"{MINUS}aVR"
LIMB: dict[OrderName, tuple[str, ...]] = {
    "standard": LEADS[:6],
    "Cabrera": ("aVL", "I", INVERTED, "II", "aVF", "III"),
}
CHEST = LEADS[6:]
ROW_MM: dict[LayoutName, float] = {
    "3x4+strip": 25.0,
    "3x4": 25.0,
    "6x2": 20.0,
    "12x1": 15.0,
    "1x1": 25.0,
}
LARGE_MM, ROW_GAP_MM = 5.0, 3.0
PULSE_S, PULSE_MV = 0.2, 1.0

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class View:
    """How a tracing is printed; by default as most ECGs are, and raw.

    Parameters
    ----------
    layout : "3x4+strip" prints four columns of 2.5 s and one lead in full below them, "3x4" the
        columns alone, "6x2" two columns of 5 s, "12x1" every lead in full,
        "1x1" one lead alone
    order : of the limb leads; "Cabrera" prints aVR upside down, as −aVR
    strip : the lead in full of "3x4+strip" and the one of "1x1", one of `LEADS`
    speed : mm/s
    gain : mm/mV
    filters : what is drawn passes through them
    close : rows lie as far apart as usual even where they run into each other, as carts print them
    """

    layout: LayoutName = "3x4+strip"
    order: OrderName = "standard"
    strip: str = "II"
    speed: float = 25.0
    gain: float = 10.0
    filters: Filters = Filters()
    close: bool = False

    @property
    def leads(self) -> tuple[str, ...]:
        """The twelve leads in their order, by the names that are printed."""
        return LIMB[self.order] + CHEST

    @property
    def rows(self) -> Rows:
        """Rows of leads; the leads of a row share its ten seconds, each printing its part."""
        if self.layout == "1x1":
            return ((self.strip,),)
        if self.layout == "12x1":
            return abreast(self.leads, 1)
        if self.layout == "6x2":
            return abreast(self.leads, 2)
        strip = ((self.strip,),) if self.layout == "3x4+strip" else ()
        return (*abreast(self.leads, 4), *strip)

    @property
    def row_mv(self) -> float:
        """How far apart rows lie at least, in mV."""
        return self.apart(ROW_MM[self.layout])

    @property
    def scale(self) -> tuple[str, str]:
        """Speed and gain in words."""
        return f"{self.speed:g} mm/s", f"{self.gain:g} mm/mV"

    def s(self, millimetres: float) -> float:
        """Return the seconds that a length across the paper stands for."""
        return millimetres / self.speed

    def mv(self, millimetres: float) -> float:
        """Return the mV that a length up the paper stands for."""
        return millimetres / self.gain

    def apart(self, millimetres: float) -> float:
        """Return a distance of rows in mV, longer where a pulse would reach the row above it."""
        above_a_pulse = math.ceil((self.gain * PULSE_MV + ROW_GAP_MM) / LARGE_MM) * LARGE_MM
        return self.mv(max(millimetres, above_a_pulse))


def abreast(leads: tuple[str, ...], columns: int) -> Rows:
    """Put leads into rows of `columns`, each column filled from above."""
    high = len(leads) // columns
    return tuple(leads[row::high] for row in range(high))


def of_lead(signal: np.ndarray, lead: str) -> np.ndarray:
    """Return what is drawn of a printed lead, −aVR upside down: (n,), mV.

    Parameters
    ----------
    signal : (12, n), mV, leads in the order of `LEADS`
    """
    if lead == INVERTED:
        return -signal[LEADS.index("aVR")]
    return signal[LEADS.index(lead)]
