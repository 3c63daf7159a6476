import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, filtfilt

from protoecg.ecg import ECG
from protoecg.signals import MODEL_RATE, model_input


def tones(rate, seconds=10.0, hertz=(1.2, 5, 17)):
    """Twelve leads made of tones, sampled at any rate."""
    t = np.arange(round(rate * seconds)) / rate
    return np.stack(
        [sum(np.sin(2 * np.pi * f * t + lead) for f in hertz) * 0.3 for lead in range(12)]
    )


def test_the_filter_is_the_published_one():
    signal = tones(100) + 0.4
    b, a = butter(1, 0.5, btype="highpass", fs=100)
    np.testing.assert_allclose(
        model_input(ECG(signal, 100)), filtfilt(b, a, signal, axis=1), atol=2e-3
    )


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([100, 128, 200, 250, 256, 300, 360, 400, 500, 512, 600, 960, 977, 1000]))
def test_the_rate_of_the_recording_makes_no_difference(rate):
    inner = slice(100, -100)  # the ends depend on how each rate is extended beyond them
    expected = model_input(ECG(tones(MODEL_RATE), MODEL_RATE))[:, inner]
    found = model_input(ECG(tones(rate), rate))[:, inner]
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize(("rate", "seconds"), [(100, 10), (500, 10), (500, 9.998), (500, 30)])
def test_the_shape_is_always_the_same(rate, seconds):
    signal = model_input(ECG(tones(rate, seconds), rate))
    assert signal.shape == (12, 1000)
    assert signal.dtype == np.float32


def test_only_the_first_ten_seconds_count():
    signal = tones(500, 20)
    altered = signal.copy()
    altered[:, 5000:] = 3.0
    np.testing.assert_array_equal(model_input(ECG(signal, 500)), model_input(ECG(altered, 500)))


@given(st.floats(-4, 4))
def test_a_constant_offset_is_taken_away(offset):
    signal = tones(100)
    np.testing.assert_allclose(
        model_input(ECG(signal + offset, 100)), model_input(ECG(signal, 100)), atol=1e-3
    )


def test_the_amplitude_is_kept():
    signal = tones(100, hertz=(8,))
    inner = model_input(ECG(signal, 100))[:, 200:-200]
    assert inner.std() == pytest.approx(signal.std(), rel=0.02)
