import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from protoecg.__main__ import main
from protoecg.ecg import ECG, LEADS
from protoecg.measure import Beat, Delineation, MedianBeat, delineate, measure, measurements
from protoecg.measure.delineation import alike_before
from protoecg.measure.measurements import QTC
from protoecg.measure.waves import qrs_bounds
from protoecg.simulate import simulate

NAMES = ("heart_rate_bpm", "axis_deg", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms")


def truth(simulated):
    """Median intervals in ms, and the mean rate, of a simulated ECG."""
    qrs, p, t = (
        [e for e in simulated.events if e.kind == kind and e.onset_s > 0.5]
        for kind in ("QRS", "P", "T")
    )

    def apart(firsts, seconds, start, end):
        return [
            getattr(min(after, key=lambda e: e.onset_s), end) - getattr(first, start)
            for first in firsts
            if (after := [s for s in seconds if s.onset_s > first.onset_s])
        ]

    waves = {
        "heart_rate_bpm": [60 / np.mean(np.diff([e.onset_s for e in qrs])) / 1000],
        "qrs_ms": [e.offset_s - e.onset_s for e in qrs],
        "p_ms": [e.offset_s - e.onset_s for e in p],
        "pr_ms": apart(p, qrs, "onset_s", "onset_s"),
        "qt_ms": apart(qrs, t, "onset_s", "offset_s"),
    }
    return {name: 1000 * float(np.median(values)) for name, values in waves.items() if values}


def paced_at(rr_s, rate=500, noise=0.0):
    """An ECG of sharp beats without P or T, at a fixed distance."""
    times = np.arange(10 * rate) / rate
    near = (times + 0.4) % rr_s - rr_s / 2
    beat = np.exp(-((near / 0.012) ** 2)) - 0.3 * np.exp(-(((near - 0.03) / 0.012) ** 2))
    sizes = np.linspace(0.5, 1.6, 12)[:, None]
    rng = np.random.default_rng(0)
    return ECG(sizes * beat + noise * rng.normal(size=(12, len(times))), rate)


@pytest.mark.parametrize(
    ("statement", "rate"),
    [("SBRAD", 100), ("1AVB", 1000), ("CLBBB", 257), ("LNGQT", 500)],
)
def test_measurements_are_near_what_was_simulated(statement, rate):
    simulated = simulate([statement], seed=3, rate=rate)
    measured, true = measure(simulated.ecg), truth(simulated)
    assert measured.heart_rate_bpm == pytest.approx(true["heart_rate_bpm"], abs=1)
    assert measured.qrs_ms == pytest.approx(true["qrs_ms"], abs=16)
    assert measured.pr_ms == pytest.approx(true["pr_ms"], abs=16)
    assert measured.p_ms == pytest.approx(true["p_ms"], abs=25)
    assert measured.qt_ms == pytest.approx(true["qt_ms"], abs=32)
    assert not measured.unsure


def test_without_a_p_wave_there_is_no_pr():
    measured = measure(simulate(["AFIB"], seed=3, rate=500).ecg)
    assert measured.p_ms is None and measured.pr_ms is None
    assert "P wave" in measured.unsure["pr_ms"]
    assert measured.qrs_ms is not None and measured.heart_rate_bpm is not None


def test_premature_beats_count_for_the_rate_but_not_for_the_intervals():
    simulated = simulate(["PVC", "SR"], seed=4, rate=500)
    found = delineate(simulated.ecg)
    qrs = [e.onset_s for e in simulated.events if e.kind == "QRS"]
    assert len(found.beats) == len(qrs)
    premature = [e.onset_s for e in simulated.events if e.kind == "PVC"]
    odd = [beat.qrs[0] for beat in found.beats if beat.t is None and beat.qrs[0] < 9]
    assert odd == pytest.approx(premature, abs=0.03)
    measured = measurements(found)
    assert measured.heart_rate_bpm == pytest.approx(60 / np.mean(np.diff(qrs)), abs=1)
    assert measured.qrs_ms < 115


def test_spikes_of_a_pacemaker_are_no_part_of_the_qrs_complex():
    simulated = simulate(["PACE"], seed=4, rate=500)
    assert measure(simulated.ecg).qrs_ms == pytest.approx(truth(simulated)["qrs_ms"], abs=16)


def test_the_waves_of_each_beat_lie_where_they_were_simulated():
    simulated = simulate(["NORM"], seed=5, rate=500)
    found = delineate(simulated.ecg)
    for kind, wave in (("P", "p"), ("QRS", "qrs"), ("T", "t")):
        true = [e for e in simulated.events if e.kind == kind and 0.5 < e.onset_s < 9]
        for event in true:
            spans = [span for beat in found.beats if (span := getattr(beat, wave)) is not None]
            nearest = min(spans, key=lambda s: abs(s[0] - event.onset_s))
            assert nearest[1] == pytest.approx(event.offset_s, abs=0.05)
            assert nearest[0] == pytest.approx(event.onset_s, abs=0.08 if kind == "T" else 0.03)


def test_the_median_beat_carries_the_marks_that_the_intervals_are_read_from():
    ecg = simulate(["NORM"], seed=5, rate=500).ecg
    found = delineate(ecg)
    waves, measured = found.median.waves, measurements(found)
    assert found.median.signal.shape[0] == 12
    assert 0 <= waves.p[0] < waves.p[1] <= waves.qrs[0] < waves.qrs[1] <= waves.t[0] < waves.t[1]
    assert waves.t[1] <= found.median.signal.shape[1] / found.median.rate
    assert measured.qt_ms == pytest.approx(1000 * (waves.t[1] - waves.qrs[0]), abs=0.1)


def test_the_gain_of_single_leads_does_not_move_the_marks():
    ecg = simulate(["NORM"], seed=5, rate=500).ecg
    gains = np.tile([0.4, 2.5, 1.0], 4)[:, None]
    plain, scaled = measure(ecg), measure(replace(ecg, signal=ecg.signal * gains))
    for name in ("heart_rate_bpm", "qrs_ms", "pr_ms", "qt_ms"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), abs=3)
    assert scaled.axis_deg is None and "I + III" in scaled.unsure["axis_deg"]


def test_flat_leads_are_left_out():
    ecg = simulate(["NORM"], seed=5, rate=500).ecg
    signal = ecg.signal.copy()
    signal[[8, 9, 10]] = 0
    whole, fewer = measure(ecg), measure(replace(ecg, signal=signal))
    assert fewer.qrs_ms == pytest.approx(whole.qrs_ms, abs=8)
    assert fewer.qt_ms == pytest.approx(whole.qt_ms, abs=16)


@pytest.mark.parametrize("rate", [100, 500])
def test_noise_is_not_measured(rate):
    noise = np.random.default_rng(0).normal(size=(12, 10 * rate))
    measured = measure(ECG(noise, rate))
    for name in NAMES:
        assert getattr(measured, name) is None
    assert "resemble" in measured.unsure["heart_rate_bpm"]


@pytest.mark.parametrize("level", [1e-5, 1e-9])
def test_what_is_too_small_to_be_a_heart_is_not_measured(level):
    measured = measure(ECG(level * np.random.default_rng(0).normal(size=(12, 5000)), 500))
    assert measured.heart_rate_bpm is None and measured.qrs_ms is None


def test_one_jump_is_no_beat():
    signal = np.zeros((12, 5000))
    signal[:, 2500:] = 1
    measured = measure(ECG(signal, 500))
    assert measured.heart_rate_bpm is None and "fewer" in measured.unsure["heart_rate_bpm"]


@pytest.mark.parametrize("rr_s", [0.27, 3.0])
def test_extreme_rates_are_measured_and_missing_waves_are_not(rr_s):
    measured = measure(paced_at(rr_s, noise=0.005))
    assert measured.heart_rate_bpm == pytest.approx(60 / rr_s, rel=0.02)
    assert measured.pr_ms is None and measured.unsure["pr_ms"]


def test_only_the_first_ten_seconds_are_measured():
    ecg = simulate(["NORM"], seed=5, rate=500).ecg
    longer = replace(ecg, signal=np.hstack([ecg.signal, 0.01 * ecg.signal[:, ::-1]]))
    assert measure(longer) == measure(ecg)


def test_every_missing_value_has_a_reason_and_no_other_has_one():
    for statement in ("AFIB", "STACH"):
        document = measure(simulate([statement], seed=3, rate=500).ecg).to_json()
        without = {name for name in NAMES[:-1] if document[name] is None}
        assert set(document["unsure"]) == without and all(document["unsure"].values())
        assert (document["qtc_ms"] is None) == (document["qt_ms"] is None)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [("Bazett", 447.2), ("Fridericia", 430.9), ("Framingham", 430.8), ("Hodges", 426.2)],
)
def test_qtc_of_400_ms_at_75_bpm(formula, expected):
    assert QTC[formula](400, 0.8) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("formula", QTC)
def test_at_60_bpm_no_formula_corrects(formula):
    assert QTC[formula](412, 1.0) == pytest.approx(412)


@pytest.mark.parametrize("axis", [-150, -45, 0, 60, 100, 179])
def test_the_axis_is_that_of_the_dipole(axis):
    assert measurements(of_axis(axis)).axis_deg == pytest.approx(axis, abs=0.2)


def test_a_complex_as_much_up_as_down_has_no_axis():
    measured = measurements(of_axis(30, shape=np.sin(np.linspace(0, 2 * np.pi, 51))))
    assert measured.axis_deg is None and "up as down" in measured.unsure["axis_deg"]


def of_axis(degrees, shape=None):
    """A delineation whose QRS complex points in one direction of the frontal plane."""
    shape = np.sin(np.linspace(0, np.pi, 51)) if shape is None else shape
    angles = np.radians([0, 60, 120, -150, -30, 90])
    size = np.array([1, 1, 1, 0.75**0.5, 0.75**0.5, 0.75**0.5])
    heights = size * np.cos(np.radians(degrees) - angles)
    signal = np.zeros((12, 300))
    signal[:6, 100:151] = heights[:, None] * shape
    median = MedianBeat(signal, 500, Beat((0.2, 0.3)), 8)
    return Delineation((), median, (0.8,) * 7, {"p": "none", "t": "none"})


def test_qrs_bounds_enclose_the_only_deflection_and_a_rest_within_it():
    lead = np.zeros(500)
    lead[200:250] = np.sin(np.linspace(0, np.pi, 50))
    onset, end = qrs_bounds(np.tile(lead, (12, 1)), 225)
    assert onset == pytest.approx(200, abs=6) and end == pytest.approx(250, abs=6)
    lead[262:290] = -np.sin(np.linspace(0, np.pi, 28))
    assert qrs_bounds(np.tile(lead, (12, 1)), 225)[1] == pytest.approx(290, abs=6)


def test_what_comes_before_each_beat_alike_is_told_from_what_does_not():
    rng = np.random.default_rng(0)
    wave = np.sin(np.linspace(0, np.pi, 100)) * np.linspace(0.5, 1, 12)[:, None]
    steady = wave + 0.1 * rng.normal(size=(8, 12, 100))
    wandering = np.stack([np.roll(wave, shift, axis=1) for shift in rng.integers(0, 100, 8)])
    assert alike_before(steady) > 0.9 > 0.5 > alike_before(rng.normal(size=(8, 12, 100)))
    assert alike_before(wandering) < alike_before(steady)


def test_measurements_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        measurements(of_axis(0)).qrs_ms = 90


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ecg.npy"
    np.save(path, simulate(["NORM"], seed=3, rate=500).ecg.signal)
    return path


def test_the_command_prints_every_value_and_the_formula(file, capsys):
    assert main(["measure", str(file), "--rate", "500", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(NAMES) <= set(document) and document["qtc_formula"] == "Fridericia"
    assert document["qtc_ms"] == document["qtc"]["Fridericia"]
    assert set(document["qtc"]) == {"Bazett", "Fridericia", "Framingham", "Hodges"}


def test_the_command_says_in_words_what_it_is_unsure_of(tmp_path, capsys):
    path = tmp_path / "ecg.npy"
    np.save(path, np.random.default_rng(0).normal(size=(12, 5000)))
    assert main(["measure", str(path), "--rate", "500"]) == 0
    printed = capsys.readouterr().out
    assert "computed" in printed and "unsure: " in printed and "Research use only" in printed


def test_leads_come_in_the_order_that_the_axis_is_read_in():
    assert LEADS[:6] == ("I", "II", "III", "aVR", "aVL", "aVF")
