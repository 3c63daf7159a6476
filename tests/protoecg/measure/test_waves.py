import time
import warnings

import numpy as np
import pytest

from protoecg.measure import delineate, prominences, wavelets
from protoecg.measure.beats import RATE
from protoecg.simulate import simulate

METHODS = {"dwt": wavelets, "prominence": prominences}
MARKS = ("P_Onsets", "P_Offsets", "T_Onsets", "T_Offsets")


def cycle(statement="NORM", seed=3):
    """Return a simulated median beat that ends where it begins, and each lead's R peak."""
    found = delineate(simulate([statement], seed=seed, rate=RATE).ecg)
    signal = found.median.signal
    closed = signal - np.linspace(signal[:, 0], signal[:, -1], signal.shape[1], axis=1)
    start, end = (round(seconds * RATE) for seconds in found.median.waves.qrs)
    return closed, start + np.abs(closed[:, start:end]).argmax(axis=1)


def by_neurokit(cycles, peaks, method):
    """Return what NeuroKit2 marks in four copies of each lead's beat, the second of them."""
    import neurokit2

    period, marks = cycles.shape[1], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for lead, peak in zip(cycles, peaks, strict=True):
            _, found = neurokit2.ecg_delineate(
                np.tile(lead, 4), peak + period * np.arange(4), sampling_rate=RATE, method=method
            )
            marks.append([found[f"ECG_{name}"][1] - period for name in MARKS])
    return np.array(marks).T


@pytest.mark.parametrize(("method", "share"), [("dwt", 0.8), ("prominence", 1.0)])
@pytest.mark.parametrize("statement", ["NORM", "SBRAD", "CLBBB"])
def test_marks_are_those_of_the_published_delineators(method, share, statement):
    cycles, peaks = cycle(statement)
    ours, theirs = METHODS[method].p_and_t(cycles, peaks), by_neurokit(cycles, peaks, method)
    assert np.mean(np.isnan(ours) == np.isnan(theirs)) > 0.9
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    assert np.mean(np.abs(ours - theirs)[both] <= 0.016 * RATE) >= share


@pytest.mark.parametrize("method", METHODS)
def test_an_upright_p_and_t_are_found_where_they_are(method):
    times = np.arange(round(0.9 * RATE)) / RATE

    def wave(centre_s, width_s, height_mv):
        return height_mv * np.exp(-(((times - centre_s) / width_s) ** 2) / 2)

    beat = wave(0.24, 0.015, 0.15) + wave(0.4, 0.01, 1.0) + wave(0.66, 0.03, 0.3)
    marks = METHODS[method].p_and_t(beat[None], np.array([round(0.4 * RATE)])) / RATE
    p_onset, p_end, t_onset, t_end = marks[:, 0]
    assert 0.18 < p_onset < 0.23 and 0.25 < p_end < 0.3
    assert 0.55 < t_onset < 0.64 and 0.68 < t_end < 0.78


@pytest.mark.parametrize("method", METHODS)
def test_where_the_beat_is_cut_from_its_cycle_does_not_matter(method):
    cycles, peaks = cycle()
    by = 40
    moved = METHODS[method].p_and_t(np.roll(cycles, by, axis=1), peaks + by)
    np.testing.assert_allclose(moved, METHODS[method].p_and_t(cycles, peaks) + by, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lead", [np.zeros(500), np.sin(np.linspace(0, 2 * np.pi, 501)[:-1])])
def test_a_lead_without_waves_is_no_error(method, lead):
    assert METHODS[method].p_and_t(lead[None], np.array([200])).shape == (4, 1)


@pytest.mark.alone
def test_all_leads_take_less_than_a_tenth_of_the_time_of_neurokit():
    cycles, peaks = cycle()

    def seconds(act):
        start = time.perf_counter()
        act()
        return time.perf_counter() - start

    # What is loaded and designed once is not counted, on either side.
    by_neurokit(cycles[:1], peaks[:1], "dwt")
    for module in METHODS.values():
        module.p_and_t(cycles[:1], peaks[:1])
    theirs = seconds(lambda: [by_neurokit(cycles, peaks, method) for method in METHODS])
    ours = seconds(lambda: [module.p_and_t(cycles, peaks) for module in METHODS.values()])
    assert ours < theirs / 10
