"""Guesses of what a file does not say, for a person to look at and to correct."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from protoecg.ecg import DURATION_S, HIGH_MV, LOW_MV
from protoecg.leads.limb import limb_leads_at_odds
from protoecg.leads.names import DERIVABLE, LEADS, lead_named, other_lead_named
from protoecg.readers.given import NO_LEAD
from protoecg.readers.units import counts_in_millivolts

_CHEST = LEADS[6:]
# How twelve channels are ordered where the standard order is not meant.
ORDERS = (
    LEADS,
    ("aVL", "I", "-aVR", "II", "aVF", "III", *_CHEST),
    (*_CHEST, *LEADS[:6]),
    ("I", "II", *_CHEST, "III", "aVR", "aVL", "aVF"),
)
EIGHT = ("I", "II", *_CHEST)
# Of data sets and devices, the most usual first.
RATES = (500, 1000, 250, 400, 100, 200, 240, 256, 257, 300, 360, 512, 2000, 125, 128)
VOLTS = ("mV", "uV", "V", "nV")
# Where electrocardiographs store counts, one is so much or nearly so.
COUNT = "5 uV"
# Seconds that devices store; CODE's files are filled up to 4,096 samples.
_LASTING = (DURATION_S, 10.24)


def guessed_rate(samples: int) -> float:
    """Return the rate in Hz at which this number of samples is most likely one ECG."""
    for seconds in _LASTING:
        for rate in RATES:
            if abs(samples - seconds * rate) <= 2:
                return float(rate)
    whole = (r for r in RATES if samples >= DURATION_S * r and samples % r == 0)
    return float(next(whole, next((r for r in RATES if samples >= DURATION_S * r), RATES[0])))


def is_plausible(rows: Sequence[np.ndarray], factor: float = 1.0) -> bool:
    """Whether leads times `factor` are as high as ECGs are; flat ones pass."""
    with np.errstate(over="ignore"):
        heights = factor * _heights(rows)
    return heights.max() == 0 or bool(heights.max() >= LOW_MV and np.median(heights) <= HIGH_MV)


def guessed_unit(rows: Sequence[np.ndarray], units: Sequence[str]) -> str:
    """Return the first unit in which leads are as high as ECGs are, or "" where there is none."""
    fits = (u for u in units if is_plausible(rows, counts_in_millivolts(u) or 1.0))
    return next(fits, "")


def _heights(rows: Iterable[np.ndarray]) -> np.ndarray:
    """Return the peak to peak of each row, of its samples that are there."""
    finite = (row[np.isfinite(row)].astype(np.float64) for row in rows)
    # What overflows is infinite, and as high as no ECG.
    with np.errstate(over="ignore"):
        return np.array([np.ptp(row) if len(row) else 0.0 for row in finite])


def guessed_leads(names: Sequence[str], rows: Sequence[np.ndarray]) -> tuple[str, ...]:
    """Return what channels may be, or () where nothing can be guessed.

    Parameters
    ----------
    names : of each channel, as far as the file says them
    rows : their samples, which tell by Einthoven and Goldberger in what order limb leads are
    """
    known = {lead for name in names if (lead := lead_named(name))}
    nameless = [i for i, n in enumerate(names) if not lead_named(n) and not other_lead_named(n)]
    if not known and len(nameless) == len(LEADS):
        return _put(names, nameless, _order(rows))
    for wanted in (LEADS, EIGHT):
        missing = [lead for lead in wanted if lead not in known]
        if len(missing) == len(nameless):
            return _put(names, nameless, missing)
    if not known and len(nameless) > len(LEADS):
        return _put(names, nameless, (*LEADS, *[NO_LEAD] * (len(nameless) - len(LEADS))))
    return ()


def _put(names: Sequence[str], places: Sequence[int], leads: Sequence[str]) -> tuple[str, ...]:
    given = dict(zip(places, leads, strict=True))
    return tuple(
        given.get(i) or lead_named(name) or other_lead_named(name) or NO_LEAD
        for i, name in enumerate(names)
    )


def _order(rows: Sequence[np.ndarray]) -> tuple[str, ...]:
    """Return the first order by which the limb leads belong together, else the standard one."""
    if len({len(row) for row in rows}) > 1:
        return LEADS
    height = float(np.median(_heights(rows))) or 1.0
    return next((o for o in ORDERS if not limb_leads_at_odds(_limb(rows, o) / height)), LEADS)


def _limb(rows: Sequence[np.ndarray], order: Sequence[str]) -> np.ndarray:
    """Return the six limb leads of channels in an order; -aVR is turned over."""
    by_name = {name: np.nan_to_num(row) for name, row in zip(order, rows, strict=True)}
    if "-aVR" in by_name:
        by_name["aVR"] = -by_name["-aVR"]
    return np.array([by_name[lead] for lead in (*EIGHT[:2], *DERIVABLE)])
