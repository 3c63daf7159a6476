"""From the heart's dipole to twelve leads, and what electrodes pick up besides."""

from __future__ import annotations

import numpy as np

# The leads I, II, V1 to V6 of a dipole in Frank's x, y, z (Dower, Machado, Osborne 1980).
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
# The same eight leads of the electrodes RA, LA, LL, V1 to V6: the chest against Wilson's terminal.
ELECTRODES = np.zeros((8, 9))
ELECTRODES[0, [1, 0]] = 1, -1
ELECTRODES[1, [2, 0]] = 1, -1
ELECTRODES[2:, :3] = -1 / 3
ELECTRODES[2:, 3:] = np.eye(6)
MAINS_HZ = 50.0


def twelve_leads(eight: np.ndarray) -> np.ndarray:
    """Derive III, aVR, aVL and aVF from I, II, V1 to V6: (8, n) to (12, n)."""
    one, two, chest = eight[0], eight[1], eight[2:]
    limb = np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    return np.vstack([limb, chest])


def digitised(eight: np.ndarray) -> np.ndarray:
    """Round to whole microvolts, as PTB-XL stores them; still mV.

    I and II are rounded to even ones, so that the leads derived from them by halving are whole
    microvolts as well and Einthoven's and Goldberger's equations hold without a remainder.
    """
    step = np.array([2.0, 2.0, 1, 1, 1, 1, 1, 1])[:, None] / 1000
    return np.round(eight / step) * step


def noise(times: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Draw what a recording holds besides the heart, in I, II, V1 to V6: (8, n) mV."""
    electrodes = _wander(times, rng) + _muscle(len(times), rng) + _mains(times, rate, rng)
    return ELECTRODES @ electrodes


def _wander(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Breathing moves all electrodes at once, each drifts by itself on top.
    hz = np.concatenate([rng.uniform(0.18, 0.35, 1), rng.uniform(0.03, 0.5, 5)])
    waves = np.cos(2 * np.pi * (hz[:, None] * times + rng.uniform(size=(6, 1))))
    amplitude = rng.lognormal(np.log(0.025), 0.7)
    return amplitude * rng.normal(size=(9, 6)) / (1 + 3 * hz) @ waves


def _muscle(samples: int, rng: np.random.Generator) -> np.ndarray:
    white = rng.normal(size=(9, samples + 1))
    steady = rng.lognormal(np.log(0.002), 0.4, size=(9, 1))
    # Arms and legs tremble more than the chest.
    place = np.array([1.0] * 3 + [0.4] * 6)[:, None]
    tremor = rng.lognormal(np.log(0.004), 0.8) * place * rng.lognormal(0, 0.4, size=(9, 1))
    tense = _envelope(samples, rng)
    return steady * white[:, 1:] + tremor * tense * np.diff(white)


def _envelope(samples: int, rng: np.random.Generator) -> np.ndarray:
    knots = rng.uniform(0, 1, 8) ** 2
    return np.interp(np.linspace(0, 7, samples), np.arange(8), knots)


def _mains(times: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    amplitude = rng.lognormal(np.log(0.003), 0.7) * rng.normal(size=(9, 1))
    phase = rng.uniform()
    if rate <= 2 * MAINS_HZ:
        return np.zeros((9, len(times)))
    return amplitude * np.sin(2 * np.pi * (MAINS_HZ * times + phase))
