"""What a file does not say, given by a person: used where it is lacking, and said."""

import io

import numpy as np
import pytest

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg, read_recording
from protoecg.readers.given import Given, IncompleteFileError
from protoecg.readers.guesses import ORDERS, guessed_rate
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
CABRERA = ORDERS[1]
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return {"ecg.npy": content.getvalue()}


def npz(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return {"ecg.npz": content.getvalue()}


def of(names):
    """Return the leads in an order, -aVR upside down; - is nothing."""
    rows = dict(zip(LEADS, ECG.signal, strict=True))
    rows |= {"-aVR": -rows["aVR"], "-": np.zeros(5000)}
    return np.array([rows[name] for name in names])


def asks(files, **options):
    with pytest.raises(IncompleteFileError) as refused:
        read_recording(files, **options)
    return refused.value.asks


@pytest.mark.parametrize("order", [LEADS[::-1], CABRERA, EIGHT, ("-", *EIGHT[::-1])])
def test_leads_are_read_in_the_order_that_was_given(order):
    ecg = read_ecg(npy(of(order)), rate=500, leads=",".join(order))
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=3e-3)
    assert f"Leads in the order that was given: {', '.join(order)}." in ecg.notes


@pytest.mark.parametrize(
    ("factor", "unit"), [(1000, "uV"), (1e-3, "V"), (200, "5 uV"), (1 / 4.88e-3, "4.88 \u00b5V")]
)
def test_samples_are_read_in_the_unit_that_was_given(factor, unit):
    ecg = read_ecg(npy(ECG.signal * factor), rate=500, unit=unit)
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-4)
    assert f"Read in {unit}, as it was given: the file says no unit." in ecg.notes


def test_what_a_file_says_itself_is_used_and_what_was_given_besides_is_named():
    files = npz(signal=ECG.signal * 1000, leads=np.array(LEADS), fs=500, units="uV")
    ecg = read_ecg(files, rate=250, unit="mV", leads=LEADS[::-1])
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-4)
    notes = " ".join(ecg.notes)
    assert "the given 250 Hz were not used" in notes
    assert "the order that was given was not used" in notes
    assert "itself says its unit; the one that was given was not used" in notes


def test_a_unit_by_which_no_ecg_is_as_high_gives_way_to_the_one_that_was_given():
    files = npz(signal=ECG.signal * 1000, leads=np.array(LEADS), fs=500, units="mV")
    assert read_recording(files).asks == Given(unit="uV")
    ecg = read_ecg(files, unit="uV")
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-4)
    assert "not in the unit that the file says" in " ".join(ecg.notes)


def test_all_that_is_lacking_is_guessed():
    assert asks(npy(of(CABRERA) * 200)) == Given(rate=500.0, leads=CABRERA)
    assert read_recording(npy(of(LEADS) * 200), rate=500).asks == Given(unit="5 uV", leads=LEADS)
    assert asks(npy(of(EIGHT))) == Given(rate=500.0, leads=EIGHT)
    assert not read_recording(npz(signal=ECG.signal, leads=np.array(LEADS), fs=500)).asks


def test_channels_that_are_not_understood_are_named_and_guessed():
    names = [*LEADS[:10], "E5", "Doe"]
    files = npz(signal=ECG.signal, leads=np.array(names), fs=500)
    assert asks(files).leads == LEADS
    with pytest.raises(
        IncompleteFileError, match=r"not understood: E5, channel 12\. .*--leads I,II"
    ) as refused:
        read_ecg(files)
    assert "Doe" not in str(refused.value)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"unit": "mmHg"}, "no voltage. Give mV"),
        ({"unit": "0 uV"}, "no voltage"),
        ({"leads": "I,II,III"}, "not all twelve"),
        ({"leads": ",".join((*LEADS, "V7"))}, "13 leads were given, and ecg.npy has 12 channels"),
        ({"exam": "../1"}, "no exam_id"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(message, words):
    with pytest.raises(ECGError, match=words):
        read_ecg(npy(ECG.signal), rate=500, **message)


@pytest.mark.parametrize("rate", [100, 125, 250, 256, 400, 500, 512, 1000])
@pytest.mark.parametrize("missing", [0, 1])
def test_ten_seconds_tell_the_rate(rate, missing):
    assert guessed_rate(10 * rate - missing) == rate


def test_codes_length_tells_its_rate():
    assert guessed_rate(4096) == 400


@pytest.mark.parametrize("names", [("V7", "V8", "V9"), ("v3r", "C4R", "RV5"), ("vx", "vy", "vz")])
def test_leads_beside_the_twelve_are_kept_beside_them(names):
    beside = ECG.signal[6:9] / 2
    signal = np.concatenate([ECG.signal, beside])
    ecg = read_ecg(npz(signal=signal, leads=np.array([*LEADS, *names]), fs=500))
    np.testing.assert_array_equal(ecg.signal, ECG.signal)
    np.testing.assert_array_equal(list(ecg.others.values()), beside)
    assert f"Beside the twelve the file has {', '.join(ecg.others)}: drawn" in " ".join(ecg.notes)


def test_a_lead_beside_the_twelve_with_a_gap_is_named_and_not_drawn():
    gap = ECG.signal[:1].copy()
    gap[0, 100] = np.nan
    signal = np.concatenate([ECG.signal, gap])
    ecg = read_ecg(npz(signal=signal, leads=np.array([*LEADS, "V7"]), fs=500))
    assert not ecg.others
    assert "V7: not drawn, as samples are missing" in " ".join(ecg.notes)


def test_ten_seconds_of_a_long_recording_take_their_own_part_of_other_leads():
    long = np.tile(ECG.signal, 3)
    signal = np.concatenate([long, np.arange(15_000)[None] / 1000])
    recording = read_recording(npz(signal=signal, leads=np.array([*LEADS, "V7"]), fs=500))
    assert recording.ecg(10).others["V7"][0] == 5
