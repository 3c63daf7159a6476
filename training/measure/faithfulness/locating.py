"""Whether a match lies where the finding is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from protoecg.signals import MODEL_RATE, MODEL_SAMPLES
from protoecg.simulate import EVIDENCE, Event, simulate
from training.measure.faithfulness.cycle import cycle
from training.measure.faithfulness.fold import (
    WHOLE_STRIP,
    Fold,
    Numbers,
    Results,
    Window,
    called,
    contributions,
    run_bundle,
    shown_window,
    shows_whole_strip,
)

SIMULATED = 40
FIRST_SEED = 5000
# How much of a pre-excited complex is its delta wave.
DELTA_S = 0.05
Rule = Callable[[np.ndarray, int, np.ndarray], np.ndarray]


def localisation(fold: Fold) -> Results:
    """Whether a match is shown where the finding lies.

    Forty simulated ECGs of each statement that the branch reads from windows and the simulator
    knows. Of the statement's strongest match: how often the window shown holds at least half of
    what the finding shows in (a premature beat, the delta wave, the ST segment and so on), and
    how often its centre lies in it; beside both, the chance of a window placed at random in the
    same ECG. A window as long as a beat holds some complex wherever it lies, so only a rate far
    above chance says anything. Per statement: called, holds, by chance, centre, by chance. On
    real ECGs of the fold: in which wave the centres lie, beside the share of time that the wave
    takes, and how often they lie as long after a QRS complex as in the prototype (within 0.1 s).

    Notes
    -----
    Pointing game: Zhang et al., IJCV 126 (2018) 1084.
    """
    return {name: _localisation(fold, name) for name in fold.bundle.network.branches}


def _localisation(fold: Fold, name: str) -> Numbers:
    branch = fold.bundle.network.branches[name]
    if shows_whole_strip(branch):
        return dict(WHOLE_STRIP)
    read = branch.shape.statements
    results = {code: _of_statement(fold, name, code) for code in read if code in EVIDENCE}
    known = {code: rates for code, rates in results.items() if rates}
    means = np.mean(list(known.values()), axis=0).tolist() if known else [None] * 5
    keys = ("called", "holds", "holds_by_chance", "centre", "centre_by_chance")
    return {
        "statements": len(known),
        "ecgs": SIMULATED * len(known),
        **dict(zip(keys, means, strict=True)),
        "per_statement": {c: [round(r, 3) for r in rates] for c, rates in known.items()},
        "real": cycle(fold, name),
    }


def _of_statement(fold: Fold, name: str, code: str) -> list[float]:
    """Return the five rates of one statement; none where no match speaks for it."""
    bundle, column = fold.bundle, fold.bundle.statements.index(code)
    branch, own = bundle.network.branches[name], bundle.network.columns(name)
    ecgs = [simulate([code], seed=FIRST_SEED + i) for i in range(SIMULATED)]
    seen = run_bundle(bundle, (ecg.ecg for ecg in ecgs))
    parts = contributions(bundle, seen, np.arange(len(ecgs)), column)[:, own]
    rows = np.flatnonzero(parts.max(axis=1) > 0)
    if not len(rows):
        return []
    calls = called(bundle, seen)[:, column]
    rates = []
    for row in rows:
        cell = int(seen.cells[row, own[parts[row].argmax()]])
        window, spans = shown_window(branch, cell), evidence(code, ecgs[row].events)
        rates.append([calls[row]])
        for rule in (holds, centred):
            rates[-1] += against_chance(rule, window, spans)
    return np.mean(rates, axis=0).tolist()


def evidence(code: str, events: Sequence[Event]) -> np.ndarray:
    """Return onset and offset of all that a statement shows in, in model input samples: (k, 2)."""
    spans = np.array([(e.onset_s, e.offset_s) for e in events if e.kind in EVIDENCE[code]])
    spans = spans.reshape(-1, 2)
    if code == "WPW":
        spans[:, 1] = spans[:, 0] + DELTA_S
    return spans * MODEL_RATE


def holds(starts: np.ndarray, length: int, spans: np.ndarray) -> np.ndarray:
    """Whether each window of a length holds at least half of one of the (k, 2) spans: (n,)."""
    onsets, offsets = spans.T
    shared = np.minimum(starts[:, None] + length, offsets) - np.maximum(starts[:, None], onsets)
    return np.any(2 * shared >= offsets - onsets, axis=1)


def centred(starts: np.ndarray, length: int, spans: np.ndarray) -> np.ndarray:
    """Whether the centre of each window lies in one of the spans: (n,)."""
    centres, (onsets, offsets) = starts[:, None] + length / 2, spans.T
    return np.any((onsets <= centres) & (centres < offsets), axis=1)


def against_chance(rule: Rule, window: Window, spans: np.ndarray) -> tuple[float, float]:
    """Return whether a window meets a rule, and how often one of its length would anywhere."""
    start, end = window
    everywhere = np.arange(MODEL_SAMPLES - (end - start) + 1)
    met = rule(everywhere, end - start, spans)
    return float(met[start]), float(met.mean())
