import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.measure import delineate, measure
from protoecg.measure.steepness import steep_ones
from protoecg.simulate import simulate

RATE = 500
TIMES = np.arange(10 * RATE) / RATE
# How each lead sees what all see; aVR sees it upside down.
SEEN = np.array([0.7, 1, 0.5, -0.8, 0.3, 0.8, -0.6, 0.9, 1.2, 1.3, 1.1, 0.9])[:, None]


def bumps(at_s, width_s, height_mv):
    return height_mv * sum(np.exp(-(((TIMES - at) / width_s) ** 2) / 2) for at in at_s)


def muscle(electrodes, mv, seed=0):
    """What muscle noise of some limb electrodes (RA, LA, LL) adds to the twelve leads."""
    noise = np.random.default_rng(seed).normal(size=(3, len(TIMES)))
    right, left, foot = mv * np.isin(["RA", "LA", "LL"], electrodes)[:, None] * noise
    one, two = left - right, foot - right
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.vstack([limbs, np.zeros((6, len(TIMES)))])


def tall_t_waves(rr_s, noise=0.0):
    """Beats whose T waves are taller than R by half."""
    r = np.arange(0.4, 9.9, rr_s)
    qrs = bumps(r, 0.01, 0.8) - bumps(r + 0.025, 0.01, 0.5)
    beats = bumps(r - 0.16, 0.02, 0.1) + qrs + bumps(r + 0.26, 0.04, 1.2)
    return ECG(SEEN * beats + muscle(["RA", "LA"], noise), RATE), r


@pytest.mark.parametrize("noise", [0.0, 0.04])
@pytest.mark.parametrize("rr_s", [0.7, 1.0, 1.5])
def test_t_waves_taller_than_r_are_no_beats(rr_s, noise):
    ecg, r = tall_t_waves(rr_s, noise)
    found = delineate(ecg)
    assert len(found.beats) == len(r) and all(found.alike)
    assert measure(ecg).heart_rate_bpm == pytest.approx(60 / rr_s, abs=1)


def test_a_recording_that_begins_with_a_t_wave_does_not_begin_with_a_beat():
    ecg, r = tall_t_waves(1.0)
    later = round(0.5 * RATE)
    cut = ECG(np.hstack([ecg.signal[:, later:], ecg.signal[:, :1].repeat(later, axis=1)]), RATE)
    assert len(delineate(cut).beats) == len(r) - 1


@pytest.mark.parametrize("coupling_s", [0.33, 0.36, 0.45])
def test_bigeminy_keeps_its_broad_early_beats_and_their_t_waves_are_none(coupling_s):
    r = np.arange(0.4, 9.5, 1.4)
    early = r + coupling_s
    normal = bumps(r - 0.16, 0.02, 0.1) + bumps(r, 0.01, 1) + bumps(r + 0.26, 0.04, 0.3)
    broad = bumps(early, 0.03, 2.2) + bumps(early + 0.3, 0.05, -0.8)
    found = delineate(ECG(SEEN * normal - SEEN[::-1] * broad, RATE))
    assert len(found.beats) == 2 * len(r)


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_beats_that_alternate_in_height_are_all_beats(share):
    rr_s = 0.34
    r = np.arange(0.3, 9.8, rr_s)
    ecg = ECG(SEEN * (bumps(r[::2], 0.01, 1) + bumps(r[1::2], 0.01, share)), RATE)
    assert measure(ecg).heart_rate_bpm == pytest.approx(60 / rr_s, rel=0.01)


def test_a_jump_in_five_leads_is_no_beat():
    r = np.arange(0.4, 9.2, 1.0)
    signal = SEEN * bumps(r, 0.01, 0.8)
    signal[[0, 1, 4, 6, 9], 4800:] += 3
    assert len(delineate(ECG(signal, RATE)).beats) == len(r)


def test_a_lone_peak_and_none_are_left_as_they_are():
    signal = np.zeros((12, 100))
    for at in (np.array([], int), np.array([50])):
        assert steep_ones(signal, at, RATE) is at


def test_a_rate_that_counts_the_spikes_of_an_atrial_pacemaker_is_unsure():
    r = np.arange(0.5, 9.9, 1.0)
    spikes = bumps(r - 0.24, 0.006, 0.7) - bumps(r - 0.23, 0.006, 0.3)
    measured = measure(ECG(SEEN * (bumps(r, 0.02, 1) + spikes), RATE))
    assert measured.heart_rate_bpm is None and measured.qrs_ms is None
    assert "spikes of a pacemaker" in measured.unsure["heart_rate_bpm"]


@pytest.mark.parametrize("seed", range(4))
def test_noise_of_a_limb_electrode_widens_no_qrs_complex(seed):
    plain = simulate(["NORM"], seed=seed, rate=RATE).ecg
    noisy = ECG(plain.signal + muscle(["RA", "LA", "LL"], 0.05, seed), RATE)
    assert measure(noisy).qrs_ms == pytest.approx(measure(plain).qrs_ms, abs=10)


def test_a_qrs_complex_that_hum_hides_in_most_leads_is_unsure():
    ecg, r = tall_t_waves(1.0)
    hum = 0.15 * np.sin(2 * np.pi * 50 * TIMES) * np.abs(SEEN)
    hum[[LEADS.index("V2"), LEADS.index("V3")]] = 0
    measured = measure(ECG(ecg.signal + hum, RATE))
    assert measured.qrs_ms is None and "noise" in measured.unsure["qrs_ms"]
    assert measured.qtc_ms is None and measured.axis_deg is None
    assert measured.heart_rate_bpm == pytest.approx(60, abs=1)
