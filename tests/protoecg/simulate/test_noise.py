import numpy as np
import pytest

from protoecg.ecg import ECG
from protoecg.simulate import example
from protoecg.simulate.added_noise import with_noise

TITLE = "Atrial fibrillation"


@pytest.mark.parametrize("snr_db", [-6.0, 0.0, 12.0])
def test_noise_has_the_power_that_was_asked_for(snr_db: float):
    ecg = example(TITLE)

    noise = with_noise(ecg, snr_db, seed=1).signal - ecg.signal

    ratio = ecg.signal.var(axis=1).sum() / noise.var(axis=1).sum()
    assert 10 * np.log10(ratio) == pytest.approx(snr_db, abs=0.05)


def test_the_same_seed_adds_the_same_noise_and_another_one_other():
    ecg = example(TITLE)

    one, same, other = (with_noise(ecg, 0, seed).signal for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_limb_leads_still_derive_from_each_other():
    i, ii, iii = with_noise(example(TITLE), 0, seed=3).signal[:3]

    assert np.allclose(iii, ii - i, atol=0.01)


@pytest.mark.parametrize("step", [1, 5])
def test_numbers_do_not_tell_an_ecg_with_noise_from_one_without(step: int):
    clean = example(TITLE)
    clean = ECG(step * np.rint(1000 / step * clean.signal) / 1000, clean.rate)

    noisy = 1000 * with_noise(clean, 0, seed=3).signal

    steps = noisy / step
    assert steps == pytest.approx(np.rint(steps), abs=0.01)
    assert not np.allclose(noisy, 1000 * clean.signal, atol=20)


def test_an_ecg_without_steps_gets_noise_without_any():
    clean = example(TITLE)
    clean = ECG(np.pi / 3 * clean.signal, clean.rate)

    noisy = 1000 * with_noise(clean, 60, seed=3).signal

    assert np.abs(noisy - np.rint(noisy)).max() > 0.4
