"""Where in the cardiac cycle the matches on real ECGs lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from protoecg.ecg import ECG
from protoecg.measure import Beat, delineate
from protoecg.measure.beats import RATE, find_beats
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable
from protoecg.signals import MODEL_RATE, MODEL_SAMPLES
from training.measure.faithfulness.fold import (
    Fold,
    Numbers,
    TopMatch,
    sample,
    shown_window,
    top_matches,
)

PER_STATEMENT = 3
PHASES = ("P", "QRS", "ST", "T", "between")
NEAR_S = 0.1


def cycle(fold: Fold, name: str) -> Numbers:
    """Return where the centres of a branch's matches lie, and whether as in their prototypes."""
    found = _some_of_each_statement(fold, name)
    if not found:
        return {"matches": 0}
    centres = [_centre_s(fold, name, match) for match in found]
    here, chances = defaultdict(list), []
    for match, centre in zip(tqdm(found, desc="delineating", unit="ECG"), centres, strict=True):
        of_ecg = phases(delineate(fold.ecgs[match.row]).beats)
        here[fold.bundle.statements[match.statement]].append(of_ecg[int(centre * MODEL_RATE)])
        chances.append(_shares(of_ecg))
    return {
        "matches": len(found),
        "phases": list(PHASES),
        "centres": _shares(np.concatenate(list(here.values()))).tolist(),
        "centres_by_chance": np.mean(chances, axis=0).tolist(),
        **as_in_prototype(fold, found, centres),
        "per_statement": {code: _shares(of).round(2).tolist() for code, of in here.items()},
    }


def phases(beats: Sequence[Beat]) -> np.ndarray:
    """Return the phase, an index into `PHASES`, of each sample of the model input: (1000,)."""
    found = np.full(MODEL_SAMPLES, PHASES.index("between"))
    for beat in beats:
        spans = {"P": beat.p, "T": beat.t, "QRS": beat.qrs}
        if beat.t:
            spans["ST"] = beat.qrs[1], beat.t[0]
        for phase, span in spans.items():
            if span:
                start, end = (round(s * MODEL_RATE) for s in span)
                found[start:end] = PHASES.index(phase)
    return found


def _shares(at: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the share of each of `PHASES`."""
    return np.bincount(np.asarray(at), minlength=len(PHASES)) / len(at)


def _some_of_each_statement(fold: Fold, name: str) -> list[TopMatch]:
    own, found = fold.bundle.network.columns(name), defaultdict(list)
    for match in top_matches(fold.bundle, fold.seen):
        if match.prototype in own:
            found[match.statement].append(match)
    return [m for matches in found.values() for m in sample(matches, PER_STATEMENT)]


def _centre_s(fold: Fold, name: str, match: TopMatch) -> float:
    cell = int(fold.seen.cells[match.row, match.prototype])
    return sum(shown_window(fold.bundle.network.branches[name], cell)) / 2 / MODEL_RATE


def as_in_prototype(fold: Fold, found: Sequence[TopMatch], centres: Sequence[float]) -> Numbers:
    """Return how often a match lies as far from a QRS complex as its prototype does.

    Parameters
    ----------
    centres : of the windows shown, seconds
    """
    waveforms = Waveforms(fold.bundle.path, ptbxl=fold.root)
    everywhere = np.arange(0, MODEL_SAMPLES) / MODEL_RATE
    agree, by_chance = [], []
    for match, centre in zip(found, centres, strict=True):
        prototype = fold.bundle.prototypes[match.prototype]
        offset = _offset_in_prototype(waveforms, prototype)
        beats = _qrs_s(fold.ecgs[match.row])
        if offset is not None and len(beats):
            agree.append(float(_near(np.array([centre]), beats, offset)[0]))
            by_chance.append(float(_near(everywhere, beats, offset).mean()))
    if not agree:
        return {}
    return {
        "as_in_prototype": float(np.mean(agree)),
        "as_in_prototype_by_chance": float(np.mean(by_chance)),
    }


def _offset_in_prototype(waveforms: Waveforms, prototype: Prototype) -> float | None:
    """Return how long after the nearest QRS complex the prototype's window has its centre."""
    try:
        beats = _qrs_s(waveforms.load(prototype))
    except WaveformUnavailable:
        return None
    offsets = sum(prototype.window_s) / 2 - beats
    return float(offsets[np.abs(offsets).argmin()]) if len(beats) else None


def _qrs_s(ecg: ECG) -> np.ndarray:
    return find_beats(ecg).at / RATE


def _near(centres: np.ndarray, beats: np.ndarray, offset: float) -> np.ndarray:
    """Whether a QRS complex lies before each centre by `offset`, give or take `NEAR_S`."""
    return np.any(np.abs(centres[:, None] - beats - offset) <= NEAR_S, axis=1)
