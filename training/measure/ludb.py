"""How far the measurements lie from those of experts, on the Lobachevsky University database.

LUDB (Kalyakulina et al., PhysioNet 2021) marks the waves in each lead by itself. What an expert
measures on all twelve together does not follow from that, so several ways to say it are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from protoecg.ecg import LEADS
from protoecg.measure import Beat, delineate, measurements
from protoecg.readers import read_path
from training.data.dataset import DataError

INTERVALS = ("p_ms", "pr_ms", "qrs_ms", "qt_ms")
# Complexes of several leads this close together are of one beat.
SAME_BEAT_S = 0.15
MIN_LEADS = 4
# A beat is found where the middle of its QRS complex is within an expert's, or this near to it.
FOUND_S = 0.05

Span = tuple[float, float]


@dataclass(frozen=True)
class MarkedBeat:
    """A beat as an expert marked it in one lead: onset and end of each wave, seconds."""

    qrs: Span
    p: Span | None
    t: Span | None


def evaluate(root: Path) -> dict[str, Any]:
    """Measure every record of a folder, and compare with its experts.

    Returns
    -------
    n : records
    beats : how many the experts `marked`, and how many of these are `missed`; how many `extra` ones
        are found between the first and the last that they marked
    errors : of each measurement and each way to read the experts, see `_errors`

    Raises
    ------
    DataError
        If the folder holds no record.
    """
    records = sorted(root.rglob("*.hea"), key=lambda path: (len(path.stem), path.stem))
    if not records:
        raise DataError(f"No WFDB record (.hea) in {root}: give the folder of the unpacked LUDB.")
    rows = [_compared(path) for path in tqdm(records, desc="measure", unit="ECG", mininterval=2)]
    names = rows[0]["experts"]
    return {
        "n": len(rows),
        "beats": {name: sum(row["beats"][name] for row in rows) for name in rows[0]["beats"]},
        "errors": {
            name: {
                way: _errors([(row["computed"][name], row["experts"][name][way]) for row in rows])
                for way in names[name]
            }
            for name in names
        },
    }


def _compared(header: Path) -> dict[str, Any]:
    leads = marked(header)
    experts = {
        "heart_rate_bpm": {
            "mean RR": 60 / float(np.mean(_rr(leads))),
            "median RR": 60 / float(np.median(_rr(leads))),
        },
        **{name: {way: by(name, leads) for way, by in WAYS.items()} for name in INTERVALS},
    }
    found = delineate(read_path(header))
    return {
        "computed": measurements(found).to_json(),
        "experts": experts,
        "beats": _beats_found(found.beats, leads),
    }


def _beats_found(found: Iterable[Beat], leads: dict[str, list[MarkedBeat]]) -> dict[str, int]:
    spans = np.array([_joined(beat, np.median, np.median).qrs for beat in _same(leads)])
    middles = np.array([sum(beat.qrs) / 2 for beat in found])
    # Experts leave out beats that an end of the recording cuts.
    middles = middles[(middles > spans[0, 0] - FOUND_S) & (middles < spans[-1, 1] + FOUND_S)]
    met = (middles > spans[:, :1] - FOUND_S) & (middles < spans[:, 1:] + FOUND_S)
    return {
        "marked": len(spans),
        "missed": int((~met.any(axis=1)).sum()),
        "extra": int((~met.any(axis=0)).sum()),
    }


def _errors(pairs: Iterable[tuple[float | None, float]]) -> dict[str, Any]:
    """Return median and 90th percentile of the absolute error, the median error, and the nulls.

    `constant` is the median absolute error of the best constant answer.
    """
    known = [(given, true) for given, true in pairs if np.isfinite(true)]
    true = np.array([value for _, value in known])
    error = np.array([given - value for given, value in known if given is not None])
    return {
        "n": len(known),
        "nulls": len(known) - len(error),
        "median_absolute": _rounded(np.median(np.abs(error))),
        "p90_absolute": _rounded(np.percentile(np.abs(error), 90)),
        "median": _rounded(np.median(error)),
        "constant": _rounded(np.median(np.abs(true - np.median(true)))),
    }


def _rounded(value: np.floating) -> float:
    return round(float(value), 2)


def marked(header: Path) -> dict[str, list[MarkedBeat]]:
    """Read what the experts marked in each lead of a record."""
    return {lead: list(_beats(header.with_suffix(""), lead.lower())) for lead in LEADS}


def _beats(record: Path, lead: str) -> Iterator[MarkedBeat]:
    import wfdb

    notes = wfdb.rdann(str(record), lead)
    waves = list(_waves(notes.symbol, np.asarray(notes.sample) / notes.fs))
    for index, (kind, span) in enumerate(waves):
        if kind != "N":
            continue
        before = waves[index - 1] if index else ("", span)
        after = waves[index + 1] if index + 1 < len(waves) else ("", span)
        yield MarkedBeat(
            span,
            before[1] if before[0] == "p" else None,
            after[1] if after[0] == "t" else None,
        )


def _waves(symbols: list[str], times: np.ndarray) -> Iterator[tuple[str, Span]]:
    """Yield each wave that has onset, peak and end."""
    for index in range(1, len(symbols) - 1):
        if symbols[index - 1] == "(" and symbols[index + 1] == ")":
            yield symbols[index], (float(times[index - 1]), float(times[index + 1]))


def _intervals(name: str, beats: Iterable[MarkedBeat]) -> list[float]:
    return [value for beat in beats if (value := _interval(name, beat)) is not None]


def _interval(name: str, beat: MarkedBeat) -> float | None:
    if name == "qrs_ms":
        return 1000 * (beat.qrs[1] - beat.qrs[0])
    if name == "qt_ms":
        return None if beat.t is None else 1000 * (beat.t[1] - beat.qrs[0])
    if beat.p is None:
        return None
    return 1000 * ((beat.qrs[0] if name == "pr_ms" else beat.p[1]) - beat.p[0])


def _all_marks(name: str, leads: dict[str, list[MarkedBeat]]) -> float:
    return _median([value for beats in leads.values() for value in _intervals(name, beats)])


def _median_of_leads(name: str, leads: dict[str, list[MarkedBeat]]) -> float:
    return _median([_median(values) for b in leads.values() if (values := _intervals(name, b))])


def _lead_ii(name: str, leads: dict[str, list[MarkedBeat]]) -> float:
    return _median(_intervals(name, leads["II"]))


def _median_marks(name: str, leads: dict[str, list[MarkedBeat]]) -> float:
    """From the leads' median onset to their median end, beat by beat."""
    return _median(_intervals(name, [_joined(beat, np.median, np.median) for beat in _same(leads)]))


def _extremes(name: str, leads: dict[str, list[MarkedBeat]]) -> float:
    """From the earliest onset of any lead to the latest end, beat by beat."""
    return _median(_intervals(name, [_joined(beat, np.min, np.max) for beat in _same(leads)]))


WAYS: dict[str, Callable[[str, dict[str, list[MarkedBeat]]], float]] = {
    "median over leads and beats": _all_marks,
    "median of the leads' medians": _median_of_leads,
    "lead II": _lead_ii,
    "median onset to median end": _median_marks,
    "earliest onset to latest end": _extremes,
}


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else np.nan


def _same(leads: dict[str, list[MarkedBeat]]) -> list[list[MarkedBeat]]:
    """Bring together what several leads show of one beat."""
    groups: list[list[MarkedBeat]] = []
    for beat in sorted((b for beats in leads.values() for b in beats), key=lambda b: sum(b.qrs)):
        if groups and sum(beat.qrs) - sum(groups[-1][0].qrs) < 2 * SAME_BEAT_S:
            groups[-1].append(beat)
        else:
            groups.append([beat])
    return [group for group in groups if len(group) >= MIN_LEADS]


def _joined(
    beats: list[MarkedBeat],
    onset: Callable[[list[float]], float],
    end: Callable[[list[float]], float],
) -> MarkedBeat:
    def over(spans: list[Span]) -> Span:
        return float(onset([s[0] for s in spans])), float(end([s[1] for s in spans]))

    p = [beat.p for beat in beats if beat.p is not None]
    t = [beat.t for beat in beats if beat.t is not None]
    return MarkedBeat(
        over([beat.qrs for beat in beats]), over(p) if p else None, over(t) if t else None
    )


def _rr(leads: dict[str, list[MarkedBeat]]) -> np.ndarray:
    return np.diff([_joined(beat, np.median, np.median).qrs[0] for beat in _same(leads)])


def summary(results: dict[str, Any]) -> str:
    """Return the errors of `evaluate` as lines of text."""
    beats = results["beats"]
    head = (
        f"{results['n']} ECGs. Of {beats['marked']} beats {beats['missed']} missed, "
        f"{beats['extra']} more found. Median absolute error (90th percentile; best constant), "
        "nulls:"
    )
    lines = [
        f"  {name:15} {way:29} {_text(found)}"
        for name, ways in results["errors"].items()
        for way, found in ways.items()
    ]
    return "\n".join([head, *lines]) + "\n"


def _text(found: dict[str, Any]) -> str:
    error = (
        f"{found['median_absolute']:5.1f} ({found['p90_absolute']:.1f}; {found['constant']:.1f})"
    )
    return f"{error}, {found['nulls']} of {found['n']}"
