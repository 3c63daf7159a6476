"""Everything that is measured on an ECG, number by number, so that it can be evidence.

Beside what `protoecg.measure.measurements` has: how regular the beats are, and how high the waves
of the median beat are in each lead. Heights are over the level just before the QRS complex.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from protoecg.ecg import LEADS
from protoecg.measure.delineation import Delineation, MedianBeat
from protoecg.measure.measurements import QTC_FORMULA, Measurements, measurements

MIN_RR = 3
# Of the usual time between beats: earlier than this is early.
EARLY = 0.85
_LEVEL_S = 0.016
_ST_S = (0.05, 0.07)
_T_FROM_S = 0.06
_TERMINAL_S = 0.04
_FLAT_MV = 1e-3


@dataclass(frozen=True)
class Quantity:
    """A number that is measured on an ECG: what it is called, and its unit."""

    words: str
    unit: str


_OF_ALL_LEADS = {
    "heart_rate": Quantity("Heart rate", "bpm"),
    "rr_change": Quantity("Change from one RR interval to the next, median", "% of RR"),
    "rr_spread": Quantity("Standard deviation of RR", "% of RR"),
    "shortest_rr": Quantity("Shortest RR interval", "% of the median"),
    "longest_rr": Quantity("Longest RR interval", "% of the median"),
    "early_usual": Quantity("Early beats of the usual shape", "beats"),
    "early_unusual": Quantity("Early beats of another shape", "beats"),
    "unusual": Quantity("Beats of another shape", "% of beats"),
    "rr_alternates": Quantity("RR intervals that alternate", "%"),
    "rr_by_threes": Quantity("RR intervals that come back by threes", "%"),
    "p_steady": Quantity("Steadiness of what precedes the QRS complex", "%"),
    "axis": Quantity("QRS axis", "degrees"),
    "p": Quantity("P duration", "ms"),
    "pr": Quantity("PR interval", "ms"),
    "qrs": Quantity("QRS duration", "ms"),
    "qtc": Quantity(f"QTc ({QTC_FORMULA})", "ms"),
    "sokolow": Quantity("S in V1 and R in V5 or V6 (Sokolow-Lyon)", "mV"),
    "cornell": Quantity("R in aVL and S in V3 (Cornell)", "mV"),
    "limb_voltage": Quantity("Largest QRS complex of the limb leads", "mV"),
    "chest_voltage": Quantity("Largest QRS complex of the chest leads", "mV"),
    "p_end_v1": Quantity("Negative part of P in V1", "mV"),
}
# Of the median beat in each lead.
_OF_EACH_LEAD = {
    "p": "P in {}",
    "q": "Q in {}",
    "r": "R in {}",
    "s": "S in {}",
    "terminal": "Last 40 ms of QRS in {}",
    "st": "ST at J + 60 ms in {}",
    "t": "T in {}",
}
QUANTITIES: dict[str, Quantity] = {
    **_OF_ALL_LEADS,
    **{
        f"{wave}_{lead}": Quantity(words.format(lead), "mV")
        for wave, words in _OF_EACH_LEAD.items()
        for lead in LEADS
    },
}


def quantities(found: Delineation) -> dict[str, float]:
    """Return every one of `QUANTITIES`, in its unit; NaN for what is unsure or not there."""
    measured = measurements(found)
    values = dict.fromkeys(QUANTITIES, np.nan)
    values |= _as_measured(measured)
    if len(found.rr_s) >= MIN_RR and "beats" not in found.unsure:
        values |= _regularity(found)
    if found.median is not None and "qrs" not in found.unsure:
        values |= _heights(found.median)
    return values


def is_early(found: Delineation) -> np.ndarray:
    """Return whether each beat comes early, after less than `EARLY` of the usual RR: (b,)."""
    if not found.rr_s:
        return np.zeros(len(found.beats), bool)
    return np.concatenate([[False], np.array(found.rr_s) < EARLY * float(np.median(found.rr_s))])


def _as_measured(measured: Measurements) -> dict[str, float]:
    values = {
        "heart_rate": measured.heart_rate_bpm,
        "axis": measured.axis_deg,
        "p": measured.p_ms,
        "pr": measured.pr_ms,
        "qrs": measured.qrs_ms,
        "qtc": measured.qtc_ms,
    }
    return {name: value for name, value in values.items() if value is not None}


def _regularity(found: Delineation) -> dict[str, float]:
    rr = np.array(found.rr_s)
    usual = float(np.median(rr))
    alike = np.array(found.alike)
    early = is_early(found)
    values = {
        "rr_change": 100 * float(np.median(np.abs(np.diff(rr)))) / usual,
        "rr_spread": 100 * float(rr.std()) / usual,
        "shortest_rr": 100 * float(rr.min()) / usual,
        "longest_rr": 100 * float(rr.max()) / usual,
        "early_usual": float((early & alike).sum()),
        "early_unusual": float((early & ~alike).sum()),
        "unusual": 100 * float((~alike).mean()),
        "rr_alternates": -100 * _returns(rr, 1),
        "rr_by_threes": 100 * _returns(rr, 3),
    }
    if found.median is not None:
        values["p_steady"] = 100 * found.median.steady
    return values


def _returns(rr: np.ndarray, lag: int) -> float:
    """Return the autocorrelation of the times between beats; 0 where all are nearly the same."""
    if len(rr) <= lag + 1 or rr.std() < 0.02 * rr.mean():
        return 0.0
    off = (rr - rr.mean()) / rr.std()
    return float(np.mean(off[lag:] * off[:-lag]))


def _heights(median: MedianBeat) -> dict[str, float]:
    onset, end = (round(seconds * median.rate) for seconds in median.waves.qrs)
    before = max(onset - round(_LEVEL_S * median.rate), 0)
    signal = median.signal - median.signal[:, before : onset + 1].mean(axis=1, keepdims=True)
    signal[np.ptp(median.signal, axis=1) <= _FLAT_MV] = np.nan
    of_lead = _qrs_heights(signal[:, onset : end + 1], median.rate)
    of_lead |= dict(_p_and_t_heights(signal, median))
    near = slice(*(end + round(seconds * median.rate) for seconds in _ST_S))
    if near.stop <= signal.shape[1]:
        of_lead["st"] = signal[:, near].mean(axis=1)
    return _named(of_lead) | _voltages(of_lead)


def _qrs_heights(qrs: np.ndarray, rate: float) -> dict[str, np.ndarray]:
    """Return Q, R, S and the end of QRS complexes (12, n) in mV: (12,) each."""
    known = np.nan_to_num(qrs)
    peak = known.argmax(axis=1)[:, None]
    at = np.arange(qrs.shape[1])
    sizes = {
        "q": np.where(at < peak, known, 0).min(axis=1),
        "r": known.max(axis=1).clip(min=0),
        "s": np.where(at > peak, known, 0).min(axis=1),
        "terminal": known[:, -round(_TERMINAL_S * rate) :].mean(axis=1),
    }
    missing = np.isnan(qrs).all(axis=1)
    return {name: np.where(missing, np.nan, size) for name, size in sizes.items()}


def _p_and_t_heights(signal: np.ndarray, median: MedianBeat) -> Iterator[tuple[str, np.ndarray]]:
    rate, qrs_end = median.rate, median.waves.qrs[1]
    if median.waves.p:
        # A P wave may begin just before the stretch that the median beat shows.
        start, end = (max(round(seconds * rate), 0) for seconds in median.waves.p)
        yield "p", _largest(signal[:, start : end + 1])
        yield "p_end", signal[:, (start + end) // 2 : end + 1].min(axis=1).clip(max=0)
    if median.waves.t:
        from_s, to_s = max(median.waves.t[0], qrs_end + _T_FROM_S), median.waves.t[1]
        wave = signal[:, round(from_s * rate) : round(to_s * rate) + 1]
        if wave.shape[1]:
            yield "t", _largest(wave)


def _largest(waves: np.ndarray) -> np.ndarray:
    """Return the largest deflection of waves (12, n), up or down."""
    low, high = waves.min(axis=1), waves.max(axis=1)
    return np.where(-low > high, low, high)


def _named(of_lead: dict[str, np.ndarray]) -> dict[str, float]:
    return {
        f"{wave}_{lead}": float(value)
        for wave, values in of_lead.items()
        if wave in _OF_EACH_LEAD
        for lead, value in zip(LEADS, values, strict=True)
    }


def _voltages(of_lead: dict[str, np.ndarray]) -> dict[str, float]:
    r = dict(zip(LEADS, of_lead["r"], strict=True))
    deepest = -np.minimum(of_lead["q"], of_lead["s"])
    s = dict(zip(LEADS, deepest, strict=True))
    whole = of_lead["r"] + deepest
    values = {
        "sokolow": float(s["V1"] + max(r["V5"], r["V6"])),
        "cornell": float(r["aVL"] + s["V3"]),
        "limb_voltage": float(whole[:6].max()),
        "chest_voltage": float(whole[6:].max()),
    }
    if "p_end" in of_lead:
        values["p_end_v1"] = float(of_lead["p_end"][LEADS.index("V1")])
    return values
