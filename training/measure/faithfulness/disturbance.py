"""Whether an explanation stays the same on an ECG that a reader would call the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly
from torch import Tensor

from protoecg.ecg import ECG
from protoecg.network.protoecgnet import Branch, Output
from protoecg.signals import MODEL_RATE
from protoecg.simulate.torso import ELECTRODES, MAINS_HZ, twelve_leads
from training.data import ptbxl
from training.measure.faithfulness.fold import (
    WHOLE_STRIP,
    Fold,
    Numbers,
    Results,
    TopMatch,
    Window,
    as_input,
    called,
    contributions,
    probabilities,
    run_bundle,
    sample,
    shown_window,
    shows_whole_strip,
    top_matches,
)

ECGS = 200
FAST_HZ = 500
# Of each electrode by itself: amplitude, amplitude, root mean square.
WANDER_MV, MAINS_MV, MUSCLE_MV = 0.2, 0.03, 0.03
WANDER_HZ = (0.1, 0.4)
# No multiple of a cell's step.
SHIFT_S = 0.03
# Correlation, over all leads, of two windows that look the same.
ALIKE = 0.9


@dataclass(frozen=True, eq=False)
class Pair:
    """The model's output for the same ECGs twice; the second time they begin `shift_s` later.

    `x` : (n, 12, 1000), the model inputs of the first time.
    """

    x: Tensor
    before: Output
    after: Output
    shift_s: float = 0.0


def stability(fold: Fold) -> Results:
    """How often the strongest match and its beat stay the same when only the recording changes.

    ECGs of the fold with baseline wander, mains hum or muscle noise added at each electrode (0.2
    mV, 0.03 mV, 0.03 mV), begun 0.03 s later, and at 500 Hz instead of 100 Hz (resampled where the
    fold has too few recordings at 500 Hz). Of each finding: whether the strongest match is of the
    same prototype; whether it is also at the same place (the windows shown share more than half),
    or on a beat that looks the same (the windows correlate by 0.9 or more over the twelve leads);
    whether the finding is still made; and how far its probability moves.

    Notes
    -----
    Stability of prototypes under noise: Huang et al., ICCV 2023. The three noises: Moody et al.,
    Computers in Cardiology 11 (1984) 381.
    """
    rows = sample(range(len(fold.ecgs)), ECGS)
    ecgs = [fold.ecgs[row] for row in rows]
    x, before = fold.x[rows], Output(*(part[rows] for part in fold.seen))
    pairs = {name: Pair(x, before, _noisy(fold, ecgs, draw)) for name, draw in NOISES.items()}
    pairs["shift"] = Pair(x, before, run_bundle(fold.bundle, map(later, ecgs)), SHIFT_S)
    source, slow, quick = _at_500_hz(fold, ecgs)
    x = as_input(slow)
    pairs["500_hz"] = Pair(x, run_bundle(fold.bundle, slow), run_bundle(fold.bundle, quick))
    return {
        name: {
            **(WHOLE_STRIP if shows_whole_strip(branch) else {}),
            **{kind: kept(fold, name, pair) for kind, pair in pairs.items()},
            "500_hz_source": source,
        }
        for name, branch in fold.bundle.network.branches.items()
    }


def kept(fold: Fold, name: str, pair: Pair) -> Numbers:
    """Return how much of a branch's strongest matches is the same in both outputs."""
    own, branch = fold.bundle.network.columns(name), fold.bundle.network.branches[name]
    found = [m for m in top_matches(fold.bundle, pair.before) if m.prototype in own]
    if not found:
        return {"findings": 0}
    findings = [m.row for m in found], [m.statement for m in found]
    same = np.array([_strongest(fold, pair.after, m) == m.prototype for m in found])
    moved = np.abs(probabilities(pair.after) - probabilities(pair.before))[findings]
    numbers: Numbers = {"findings": len(found), "same_prototype": float(same.mean())}
    if not shows_whole_strip(branch):
        windows = [_windows(branch, pair, m) for m in found]
        there = np.array([_overlap(*w) for w in windows])
        alike = np.array([_alike(pair.x[m.row], *w) for m, w in zip(found, windows, strict=True)])
        numbers["same_place"] = float((same & there).mean())
        numbers["same_place_or_alike"] = float((same & (there | alike)).mean())
    return {
        **numbers,
        "still_made": float(called(fold.bundle, pair.after)[findings].mean()),
        "probability_moves": float(moved.mean()),
        "probability_moves_p95": float(np.percentile(moved, 95)),
    }


def _strongest(fold: Fold, output: Output, match: TopMatch) -> int:
    parts = contributions(fold.bundle, output, np.array([match.row]), match.statement)
    return int(parts[0].argmax())


def _windows(branch: Branch, pair: Pair, match: TopMatch) -> tuple[Window, Window]:
    """Return the windows shown before and after, both in samples of the first input."""
    before, after = (int(o.cells[match.row, match.prototype]) for o in (pair.before, pair.after))
    shift = round(pair.shift_s * MODEL_RATE)
    start, end = shown_window(branch, after)
    return shown_window(branch, before), (start + shift, end + shift)


def _overlap(first: Window, second: Window) -> bool:
    shared = min(first[1], second[1]) - max(first[0], second[0])
    return 2 * shared > first[1] - first[0]


def _alike(x: Tensor, first: Window, second: Window) -> bool:
    a, b = (x[:, start:end].numpy() for start, end in (first, second))
    length = min(a.shape[1], b.shape[1])
    return bool(np.corrcoef(a[:, :length].ravel(), b[:, :length].ravel())[0, 1] >= ALIKE)


def _noisy(fold: Fold, ecgs: Sequence[ECG], draw: Callable) -> Output:
    noisy = (added(ecg, draw, np.random.default_rng(i)) for i, ecg in enumerate(ecgs))
    return run_bundle(fold.bundle, noisy)


def added(ecg: ECG, draw: Callable, rng: np.random.Generator) -> ECG:
    """Add noise that is drawn for each of the nine electrodes, so that the leads still agree."""
    times = np.arange(ecg.signal.shape[1]) / ecg.rate
    return replace(ecg, signal=ecg.signal + twelve_leads(ELECTRODES @ draw(times, rng)))


def wander(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the slow drift of nine electrodes: (9, n) mV."""
    hz, phase = rng.uniform(*WANDER_HZ, (9, 1)), rng.uniform(0, 2 * np.pi, (9, 1))
    return WANDER_MV * np.sin(2 * np.pi * hz * times + phase)


def mains(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the hum of nine electrodes, in one phase: (9, n) mV."""
    amplitude = MAINS_MV * rng.normal(size=(9, 1))
    # A cosine: a recording at twice the frequency would miss a sine.
    return amplitude * np.cos(2 * np.pi * MAINS_HZ * times)


def muscle(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the tremor of nine electrodes, differenced so that it has no slow part: (9, n) mV."""
    return MUSCLE_MV * np.diff(rng.normal(size=(9, len(times) + 1))) / np.sqrt(2)


NOISES = {"baseline_wander": wander, "mains": mains, "muscle_noise": muscle}


def later(ecg: ECG) -> ECG:
    """Begin `SHIFT_S` later; the end is held for as long."""
    samples = round(SHIFT_S * ecg.rate)
    return replace(ecg, signal=np.pad(ecg.signal[:, samples:], ((0, 0), (0, samples)), mode="edge"))


def _at_500_hz(fold: Fold, ecgs: Sequence[ECG]) -> tuple[str, Sequence[ECG], Sequence[ECG]]:
    """Return where the faster recordings are from, and ECGs at 100 and at 500 Hz."""
    slow = _recorded_at_both(fold)
    if len(slow) < len(ecgs):
        return "resampled", ecgs, [at_500_hz(ecg) for ecg in ecgs]
    return (
        "recorded",
        [ptbxl.read_record(fold.root, record) for record in slow],
        [ptbxl.read_record(fold.fast, _at_500(record)) for record in slow],
    )


def _recorded_at_both(fold: Fold) -> list[str]:
    """Return records of the fold that are also there at 500 Hz."""
    there = {
        file.relative_to(fold.fast).with_suffix("") for file in fold.fast.glob("records500/*/*.hea")
    }
    both = [record for record in fold.table["record"] if Path(_at_500(record)) in there]
    return sample(both, ECGS)


def _at_500(record: str) -> str:
    return record.replace("records100/", "records500/").replace("_lr", "_hr")


def at_500_hz(ecg: ECG) -> ECG:
    """Resample an ECG to 500 Hz."""
    signal = resample_poly(ecg.signal, FAST_HZ, round(ecg.rate), axis=1, padtype="edge")
    return replace(ecg, signal=signal, rate=FAST_HZ)
