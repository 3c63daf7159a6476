"""ECGs with noise added, to see whether readers and models notice."""

from __future__ import annotations

import numpy as np

from protoecg.ecg import ECG
from protoecg.simulate.torso import ELECTRODES, twelve_leads

_MICROVOLTS = 1000
# Of a microvolt: more than float32 leaves beside one.
_WHOLE = 0.01
# I and II in even ones, so that what is derived from them by halving is whole as well.
_STEPS = np.array([2, 2, 1, 1, 1, 1, 1, 1])[:, None]


def with_noise(ecg: ECG, snr_db: float, seed: int) -> ECG:
    """Add broadband noise at the electrodes; the same seed always adds the same.

    As it comes in at nine electrodes, the limb leads still derive from each other. `snr_db` is the
    power of all leads about their means over that of the noise. Samples in steps of microvolts stay
    in these: by its numbers alone, nobody tells such an ECG from others.

    Raises
    ------
    ECGError
        If there is so much noise that this is no ECG any more.
    """
    electrodes = np.random.default_rng(seed).normal(size=(9, ecg.signal.shape[1]))
    eight = ELECTRODES @ electrodes
    wanted = ecg.signal.var(axis=1).sum() / 10 ** (snr_db / 10)
    eight *= np.sqrt(wanted / twelve_leads(eight).var(axis=1).sum())
    return ECG(_added(ecg.signal, eight), ecg.rate, ecg.source)


def _added(signal: np.ndarray, eight: np.ndarray) -> np.ndarray:
    """Return a signal, (12, n) mV, with noise in I, II, V1 to V6, in the signal's own steps."""
    microvolts = signal.astype(np.float64) * _MICROVOLTS
    counts = np.rint(microvolts)
    if np.abs(microvolts - counts).max() > _WHOLE:
        return signal + twelve_leads(eight)
    steps = _STEPS * np.gcd.reduce(counts.astype(np.int64), axis=None)
    return (counts + twelve_leads(steps * np.rint(eight * _MICROVOLTS / steps))) / _MICROVOLTS
