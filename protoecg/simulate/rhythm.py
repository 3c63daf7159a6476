"""When the heart beats: which shape is drawn at which time."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from protoecg.simulate.heart import Heart
from protoecg.simulate.shapes import Shape, bump

Placed = tuple[float, Shape]

# Beats are drawn beyond both ends of the recording, whose waves reach into it.
BEFORE_S, AFTER_S = 2.5, 2.0
_RATE: dict[str, tuple[float, float]] = {
    "SBRAD": (42.0, 56.0),
    "STACH": (106.0, 140.0),
    "SARRH": (62.0, 84.0),
    "AFIB": (62.0, 135.0),
    "PACE": (60.0, 80.0),
    "LNGQT": (62.0, 84.0),
    "1AVB": (62.0, 90.0),
}
_SPIKE_S = 0.002


def mean_rr(codes: Collection[str], rng: np.random.Generator) -> float:
    """Draw the mean interval between beats of the rhythm in `codes`, seconds."""
    for code, limits in _RATE.items():
        if code in codes:
            return 60 / rng.uniform(*limits)
    return 60 / float(np.clip(rng.normal(74, 9), 62, 97))


def flutter_cycle(rng: np.random.Generator) -> float:
    """Draw the period of atrial flutter, seconds: about 300 a minute."""
    return 60 / rng.uniform(260, 330)


def sinus(
    codes: Collection[str], heart: Heart, duration: float, rng: np.random.Generator
) -> list[Placed]:
    """Place P waves and complexes of a sinus rhythm with its premature beats."""
    p_times = _sinus_node(codes, heart.rr, duration, rng)
    conducted = np.ones(len(p_times), dtype=bool)
    placed: list[Placed] = []
    for i, kind in _sites(codes, p_times, duration, rng):
        conducted[i] = False
        if kind == "PVC":
            # The sinus node goes on undisturbed: its blocked beat makes the pause compensatory.
            placed.append((p_times[i - 1] + heart.pr + _coupling(heart, rng), heart.ectopic))
        else:
            p_times, early = _reset(p_times, i, heart, rng)
            placed.append((early, _premature(heart)))
    for p in p_times[conducted]:
        placed += [(p, heart.p), (p + heart.pr, heart.complex)]
    return placed


def fibrillation(
    codes: Collection[str], heart: Heart, duration: float, rng: np.random.Generator
) -> list[Placed]:
    """Place complexes without order, no P waves."""
    count = int((duration + BEFORE_S + AFTER_S) / heart.rr * 2) + 4
    spread = rng.uniform(0.17, 0.26)
    intervals = heart.rr * rng.gamma(spread**-2, spread**2, count)
    times = -BEFORE_S + np.cumsum(np.maximum(intervals, max(0.34, heart.qt - 0.02)))
    ectopic: list[Placed] = []
    for i, _ in _sites({"PVC"} & set(codes), times, duration, rng):
        early = times[i - 1] + max(heart.qt + 0.03, 0.42)
        times[i:] += max(early + 1.25 * heart.rr - times[i], 0)
        ectopic.append((early, heart.ectopic))
    return [(t, heart.complex) for t in times] + ectopic


def flutter(
    codes: Collection[str],
    heart: Heart,
    cycle: float,
    ratio: int,
    duration: float,
    rng: np.random.Generator,
) -> list[Placed]:
    """Place complexes at every second to fourth wave of the flutter."""
    waves = np.full(int((duration + BEFORE_S + AFTER_S) / cycle), ratio)
    if rng.uniform() < 0.3:
        waves = rng.choice([ratio, ratio + 1, ratio + 2], len(waves))
    times = -BEFORE_S + rng.uniform(0, cycle) + cycle * np.cumsum(waves)
    return [(t, heart.complex) for t in times if t < duration + AFTER_S]


def paced(heart: Heart, duration: float, rate: float, rng: np.random.Generator) -> list[Placed]:
    """Place a spike and a broad complex at a fixed rate, after the patient's own P or none."""
    times = np.arange(-BEFORE_S + rng.uniform(0, heart.rr), duration + AFTER_S, heart.rr)
    spike = _spike(rate, rng)
    placed = [(t - 0.008, spike) for t in times] + [(t, heart.complex) for t in times]
    if rng.uniform() < 0.5:
        placed += [(t - heart.pr, heart.p) for t in times]
    return placed


def _spike(rate: float, rng: np.random.Generator) -> Shape:
    # A recorder's filter spreads the spike over its sampling interval, or it would miss it.
    width = max(0.001, 0.4 / rate)
    vector = rng.uniform(1.0, 1.9) * np.array([0.55, -0.9, 0.3]) * (0.002 / width) ** 0.5
    return Shape(bump(0.001, width, vector), (("pacing spike", 0.0, _SPIKE_S),))


def _sinus_node(
    codes: Collection[str], rr: float, duration: float, rng: np.random.Generator
) -> np.ndarray:
    depth = rng.uniform(0.14, 0.20) if "SARRH" in codes else rng.uniform(0.008, 0.03)
    breath_hz, phase = rng.uniform(0.18, 0.3), rng.uniform(0, 2 * np.pi)
    times = [-BEFORE_S + rng.uniform(0, rr)]
    while times[-1] < duration + AFTER_S:
        breath = depth * np.sin(2 * np.pi * breath_hz * times[-1] + phase)
        times.append(times[-1] + rr * (1 + breath + 0.006 * rng.normal()))
    return np.array(times)


def _sites(
    codes: Collection[str], times: np.ndarray, duration: float, rng: np.random.Generator
) -> list[tuple[int, str]]:
    """Choose one to three beats of each premature kind, in order, no two neighbours, all inside."""
    kinds = [kind for kind in ("PVC", "PAC") if kind in codes]
    free = np.flatnonzero((times > 1.5) & (times < duration - 1.5))[::2]
    sites: list[tuple[int, str]] = []
    for later, kind in zip(reversed(range(len(kinds))), kinds, strict=True):
        count = min(int(rng.integers(1, 4)), len(free) - later)
        chosen = rng.choice(free, count, replace=False)
        sites += [(int(i), kind) for i in chosen]
        free = np.setdiff1d(free, chosen)
    return sorted(sites)


def _coupling(heart: Heart, rng: np.random.Generator) -> float:
    return max(rng.uniform(0.55, 0.68) * heart.rr, heart.qt + 0.03)


def _reset(
    p_times: np.ndarray, i: int, heart: Heart, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Return sinus beats that start anew from an early P wave in place of beat `i`."""
    early = p_times[i - 1] + max(rng.uniform(0.60, 0.72) * heart.rr, heart.pr + heart.qt - 0.04)
    moved = p_times.copy()
    moved[i + 1 :] += early + rng.uniform(1.02, 1.12) * heart.rr - p_times[i + 1]
    return moved, early


def _premature(heart: Heart) -> Shape:
    pr = max(heart.pr, 0.12)
    complex_ = Shape(_shifted(heart.complex.bumps, pr), _later(heart.complex, pr))
    return Shape(np.empty((0, 7)), (("PAC", 0.0, pr + heart.qt),)) + heart.early_p + complex_


def _shifted(bumps: np.ndarray, by: float) -> np.ndarray:
    moved = bumps.copy()
    moved[:, :2] += by
    return moved


def _later(shape: Shape, by: float) -> tuple[tuple[str, float, float], ...]:
    return tuple((kind, onset + by, offset + by) for kind, onset, offset in shape.spans)
