"""ECGs with noise added, to see whether readers and models notice."""

from __future__ import annotations

import numpy as np

from protoecg.ecg import ECG
from protoecg.simulate.torso import ELECTRODES, twelve_leads


def with_noise(ecg: ECG, snr_db: float, seed: int) -> ECG:
    """Add broadband noise at the electrodes; the same seed always adds the same.

    As it comes in at nine electrodes, the limb leads still derive from each other. `snr_db` is the
    power of all leads about their means over that of the noise.

    Raises
    ------
    ECGError
        If there is so much noise that this is no ECG any more.
    """
    electrodes = np.random.default_rng(seed).normal(size=(9, ecg.signal.shape[1]))
    noise = twelve_leads(ELECTRODES @ electrodes)
    wanted = ecg.signal.var(axis=1).sum() / 10 ** (snr_db / 10)
    noise *= np.sqrt(wanted / noise.var(axis=1).sum())
    return ECG(ecg.signal + noise, ecg.rate, ecg.source)
