import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protoecg.ecg import ECG, LEADS, ECGError
from protoecg.leads.names import lead_named


def limb_leads(i, ii):
    return np.stack([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2])


def plausible(samples=5000, rate=500):
    """Return twelve leads of which the limb leads agree with each other."""
    t = np.arange(samples) / rate
    beat = np.exp(-(((t % 0.8) - 0.4) ** 2) / 0.001)
    chest = np.stack([beat * k for k in (-0.4, 0.2, 0.6, 1.0, 1.2, 0.9)])
    return np.concatenate([limb_leads(0.6 * beat, beat + 0.1 * np.sin(t)), chest])


USUAL_SPELLINGS = {
    "I": ["i", "Lead I", "lead_1", "ECG I", "MDC_ECG_LEAD_I", "DI", "D1", "1", "ECG Lead I"],
    "II": ["MLII", "ML2", "Lead-II", "D2", "EKG II", "Ableitung II"],
    "III": ["DIII", " iii ", "LEAD 3"],
    "aVR": ["AVR", "avr", "aVr", "Lead aVR", "a.V.R"],
    "aVF": ["MDC_ECG_LEAD_AVF", "ECG_AVF"],
    "V1": ["v1", "V-1", "V 1", "ECG V1", "MDC_ECG_LEAD_V1"],
    "V6": ["Lead V6"],
}


@pytest.mark.parametrize(
    ("spelling", "lead"), [(s, lead) for lead, all_ in USUAL_SPELLINGS.items() for s in all_]
)
def test_usual_spellings_name_their_lead(spelling, lead):
    assert lead_named(spelling) == lead


@pytest.mark.parametrize("name", ["-aVR", "V7", "V4R", "Vx", "Resp", "PLETH", "", "IV", "D", "MV"])
def test_other_channels_name_no_lead(name):
    assert lead_named(name) is None


@given(
    st.sampled_from(LEADS),
    st.sampled_from(["", "Lead ", "ecg_", "MDC_ECG_LEAD_"]),
    st.booleans(),
)
def test_a_lead_is_found_in_any_case_and_with_any_usual_prefix(lead, prefix, lower):
    name = prefix + lead
    assert lead_named(name.lower() if lower else name.upper()) == lead


@given(st.permutations(range(12)))
def test_named_leads_are_put_in_the_standard_order_whatever_their_order(order):
    signal = plausible(1000, 100)
    ecg = ECG.from_leads(signal[order], [LEADS[i] for i in order], 100)
    np.testing.assert_array_equal(ecg.signal, signal.astype(np.float32))


def test_further_channels_are_left_out():
    signal = np.concatenate([plausible(), np.full((1, 5000), 99.0)])
    assert ECG.from_leads(signal, [*LEADS, "Resp"], 500).signal.max() < 20


@pytest.mark.parametrize(
    ("names", "words"),
    [(LEADS[:11], "Missing lead V6"), (LEADS[3:], "Missing leads I, II, III")],
)
def test_missing_leads_are_named(names, words):
    with pytest.raises(ECGError, match=words):
        ECG.from_leads(plausible()[: len(names)], names, 500)


def test_a_lead_that_stands_there_twice_is_refused():
    names = [*LEADS, "MLII"]
    with pytest.raises(ECGError, match="More than one channel is named as lead II"):
        ECG.from_leads(np.concatenate([plausible(), plausible()[:1]]), names, 500)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_missing_samples_are_refused_with_lead_and_time(bad):
    signal = plausible()
    signal[7, 1000:1010] = bad
    with pytest.raises(ECGError, match=r"missing in lead V2 \(first in V2 at 2.00 s\)"):
        ECG(signal, 500)


@pytest.mark.parametrize("factor", [100, 1000, -1000])
def test_microvolts_taken_for_millivolts_are_refused(factor):
    with pytest.raises(ECGError, match="microvolts or raw counts"):
        ECG(plausible() * factor, 500)


@pytest.mark.parametrize("shape", [(11, 5000), (13, 5000), (5000, 12), (12,), (1, 12, 5000), (0,)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ECGError, match="expected \\(12, samples\\)"):
        ECG(np.ones(shape), 500)


@pytest.mark.parametrize("rate", [0, -500, 10, 1e6, float("nan"), float("inf")])
def test_an_absurd_rate_is_refused(rate):
    with pytest.raises(ECGError, match="sampling rate"):
        ECG(plausible(), rate)


def test_less_than_ten_seconds_are_refused_but_a_dropped_last_sample_is_not():
    assert ECG(plausible(4999), 500).duration == pytest.approx(9.998)
    with pytest.raises(ECGError, match=r"lasts 9.9 s at 500 Hz, at least 10 s"):
        ECG(plausible(4950), 500)


def test_flat_leads_are_named_and_twelve_of_them_are_no_ecg():
    signal = plausible()
    signal[[6, 9]] = 0.3
    assert ECG(signal, 500).notes == (
        "No signal in leads V1, V4: findings that rest on it cannot be trusted.",
    )
    with pytest.raises(ECGError, match="All twelve leads are flat"):
        ECG(np.zeros((12, 5000)), 500)


def test_a_sound_ecg_has_no_notes():
    assert ECG(plausible(), 500).notes == ()


@pytest.mark.parametrize(
    ("order", "lead"),
    [((0, 2, 1), "II is not I"), ((1, 0, 2), "II is not I"), ((0, 1, 2, 4, 3, 5), "aVR is not")],
)
def test_swapped_limb_leads_are_noticed(order, lead):
    signal = plausible()
    signal[: len(order)] = signal[list(order)]
    notes = " ".join(ECG(signal, 500).notes)
    assert lead in notes and "-" not in notes


@given(st.floats(0.02, 3), st.floats(-5, 5))
def test_an_offset_or_a_small_amplitude_is_no_contradiction(gain, offset):
    signal = plausible(1000, 100) * gain
    signal[1] += offset
    assert "contradict" not in " ".join(ECG(signal, 100).notes)


def test_the_samples_cannot_be_changed_from_outside():
    signal = plausible().astype(np.float32)
    ecg = ECG(signal, 500)
    signal[:] = 0
    assert ecg.signal.max() > 0.5
    with pytest.raises(ValueError, match="read-only"):
        ecg.signal[0, 0] = 1


@given(st.floats(-3, 13), st.floats(-3, 13))
def test_between_returns_the_part_of_the_ecg_that_lies_in_the_window(start, end):
    ecg = ECG(plausible(1000, 100), 100)
    part = ecg.between(start, end)
    expected = max(min(round(end * 100), 1000) - max(round(start * 100), 0), 0)
    assert part.shape == (12, expected)


def test_a_lead_with_ten_times_the_gain_of_others_is_noted():
    signal = plausible()
    signal[7] *= 13 / np.abs(signal[7]).max()
    (note,) = ECG(signal, 500).notes
    assert note.startswith("More than 12 mV in lead V2: an artefact, or a wrong unit")
