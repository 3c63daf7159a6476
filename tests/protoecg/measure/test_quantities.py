import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.measure import QUANTITIES, delineate, quantities
from protoecg.simulate import simulate


def of(*statements, seed=3):
    return quantities(delineate(simulate(statements, seed=seed, rate=500).ecg))


@pytest.fixture(scope="module")
def normal():
    return of("NORM")


def test_every_quantity_is_given_and_known_in_a_normal_ecg(normal):
    assert list(normal) == list(QUANTITIES)
    assert not np.isnan(list(normal.values())).any()


def test_noise_has_no_quantities_but_no_error_either():
    values = quantities(delineate(ECG(np.random.default_rng(0).normal(size=(12, 5000)), 500)))
    assert np.isnan(list(values.values())).all()


@pytest.mark.parametrize(
    ("statement", "quantity", "larger"),
    [
        ("1AVB", "pr", True),
        ("CLBBB", "qrs", True),
        ("LNGQT", "qtc", True),
        ("SBRAD", "heart_rate", False),
        ("AFIB", "rr_change", True),
        ("AFIB", "p_steady", False),
        ("LVOLT", "limb_voltage", False),
        ("PVC", "early_unusual", True),
        ("PAC", "early_usual", True),
    ],
)
def test_a_finding_moves_the_quantity_that_defines_it(normal, statement, quantity, larger):
    assert (of(statement)[quantity] > normal[quantity]) == larger


def test_heights_are_those_of_the_signal(normal):
    ecg = simulate(["NORM"], seed=3, rate=500).ecg
    twice = quantities(delineate(ECG(2 * ecg.signal, 500)))
    for lead in LEADS:
        assert twice[f"r_{lead}"] == pytest.approx(2 * normal[f"r_{lead}"], rel=0.01, abs=0.01)
    assert twice["qrs"] == pytest.approx(normal["qrs"], abs=4)


def test_a_raised_st_segment_is_measured_in_its_lead(normal):
    found = delineate(simulate(["NORM"], seed=3, rate=500).ecg)
    signal = simulate(["NORM"], seed=3, rate=500).ecg.signal.copy()
    times = np.arange(signal.shape[1]) / 500
    for beat in found.beats:
        onset, end = beat.qrs[1] - 0.01, beat.qrs[1] + 0.12
        signal[LEADS.index("V3"), (times >= onset) & (times < end)] += 0.3
    values = quantities(delineate(ECG(signal, 500)))
    assert values["st_V3"] - normal["st_V3"] == pytest.approx(0.3, abs=0.1)
    assert values["st_V6"] == pytest.approx(normal["st_V6"], abs=0.03)


def test_a_lead_without_a_signal_is_unsure_and_the_others_are_not():
    ecg = simulate(["NORM"], seed=3, rate=500).ecg
    signal = ecg.signal.copy()
    signal[LEADS.index("V2")] = 0
    values = quantities(delineate(ECG(signal, 500)))
    assert np.isnan(values["r_V2"]) and np.isnan(values["st_V2"])
    assert not np.isnan(values["r_V3"])
