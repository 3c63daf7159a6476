"""What the atria draw when they neither rest nor beat: fibrillation and flutter."""

from __future__ import annotations

import numpy as np

# Towards V1, and for flutter to the head, so that II, III and aVF show negative waves.
_FIBRILLATION = np.array([-0.35, 0.25, -0.80])
_FLUTTER = np.array([-0.05, -1.0, -0.55])


def fibrillatory_waves(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the dipole of waves at 4 to 9 Hz that wander in size and pace: (3, n) mV."""
    size = rng.uniform(0.035, 0.085)
    # Two wavelets at once, or the tracing would look like fast flutter.
    main = _wandering_wave(times, rng.uniform(4.8, 7.2), rng)
    main = main + 0.6 * _wandering_wave(times, rng.uniform(5.5, 7.8), rng)
    other = _wandering_wave(times, rng.uniform(4.5, 8.0), rng)
    aside = rng.normal(0, 0.12, 3)
    return size * (_FIBRILLATION[:, None] * main + aside[:, None] * other)


def flutter_waves(
    times: np.ndarray, cycle: float, beat: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the dipole of a sawtooth of period `cycle`, in step with the beats: (3, n) mV."""
    phase = 2 * np.pi * ((times - beat) / cycle + rng.uniform())
    # In II a slow way down and a quick way up: harmonics of a sawtooth, damped.
    wave = -sum(np.sin(k * phase) * 0.72 ** (k - 1) / k for k in range(1, 6))
    return rng.uniform(0.10, 0.18) * _FLUTTER[:, None] * wave


def _wandering_wave(times: np.ndarray, hz: float, rng: np.random.Generator) -> np.ndarray:
    knots = np.linspace(times[0], times[-1], 40)
    pace = np.interp(times, knots, np.clip(rng.normal(hz, 0.2 * hz, 40), 4.0, 9.0))
    size = np.interp(times, knots, rng.uniform(0.3, 1.3, 40))
    phase = 2 * np.pi * (np.cumsum(pace) * (times[1] - times[0]) + rng.uniform())
    return size * (np.sin(phase) + 0.25 * np.sin(2 * phase))
