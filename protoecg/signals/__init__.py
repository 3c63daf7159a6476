"""ECG to model input: ten seconds at 100 Hz, without the slow baseline."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from protoecg.ecg import DURATION_S, ECG
from protoecg.signals.filters import butterworth

MODEL_RATE = 100
MODEL_SAMPLES = round(DURATION_S * MODEL_RATE)
HIGH_PASS_HZ = 0.5


def model_input(ecg: ECG) -> np.ndarray:
    """Return the first ten seconds as the network sees them: (12, 1000) float32, mV, 100 Hz.

    A Butterworth high-pass of order 1 at 0.5 Hz, forwards and backwards, and no scaling, as
    published for ProtoECGNet (arXiv 2504.08713).
    """
    samples = round(DURATION_S * ecg.rate)
    return _high_pass(_fit(at_model_rate(ecg.signal[:, :samples], ecg.rate)))


def at_model_rate(signal: np.ndarray, rate: float) -> np.ndarray:
    """Return a signal (leads, samples) of `rate` Hz at the model's 100 Hz."""
    ratio = Fraction(MODEL_RATE / rate).limit_denominator(10_000)
    if ratio == 1:
        return signal
    # Ends are extended by their own value: zeros would put a step there.
    return resample_poly(signal, ratio.numerator, ratio.denominator, axis=1, padtype="edge")


def _fit(signal: np.ndarray) -> np.ndarray:
    missing = max(MODEL_SAMPLES - signal.shape[1], 0)
    return np.pad(signal[:, :MODEL_SAMPLES], ((0, 0), (0, missing)), mode="edge")


def _high_pass(signal: np.ndarray) -> np.ndarray:
    high = butterworth(1, HIGH_PASS_HZ, "highpass", MODEL_RATE)
    return high(signal).astype(np.float32)
