"""Filters that run forwards and backwards: SciPy's, with what never changes known beforehand."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from protoecg.signals.filters import butterworth


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("order", "hz", "name", "rate"),
    [
        (1, 0.5, "highpass", 100),
        (2, 40.0, "lowpass", 500),
        (2, (5.0, 20.0), "bandpass", 500),
        (2, (20.0, 48.0), "bandpass", 100),
    ],
)
def test_a_filter_is_scipys_to_the_last_bit(order, hz, name, rate, kind):
    signal = np.random.default_rng(1).standard_normal((12, 1000)).cumsum(axis=1).astype(kind)
    sections = butter(order, hz, name, fs=rate, output="sos")
    expected = sosfiltfilt(sections, signal, axis=1)
    np.testing.assert_array_equal(butterworth(order, hz, name, rate)(signal), expected)
    # Once more: what a signal left in it does not show in the next one.
    np.testing.assert_array_equal(butterworth(order, hz, name, rate)(signal), expected)
