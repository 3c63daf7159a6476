from datetime import date, time

import numpy as np
import pytest
from edfio import Bdf, BdfSignal, Edf, EdfAnnotation, EdfSignal, Patient, Recording
from scipy.signal import resample_poly

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
RATE = round(ECG.rate)


def edf(names=LEADS, signal=None, unit="mV", factor=1.0, rate=RATE, annotations=(), **more):
    """Write a file with edfio: 10 s, 12 leads, each over its own range."""
    signal = ECG.signal if signal is None else signal
    signals = [
        EdfSignal(row.astype(float) * factor, rate, label=name, physical_dimension=unit)
        for name, row in zip(names, signal, strict=True)
    ]
    more.setdefault("data_record_duration", 1)
    return Edf(signals, annotations=annotations, **more).to_bytes()


GOOD = edf()


def read(content, **options):
    return read_ecg({"upload": content}, **options)


def field(content, at, text, width=8):
    return content[:at] + text.encode().ljust(width) + content[at + width :]


@pytest.mark.parametrize("spelling", ["{}", "ECG {}", "EKG {}", "Lead {}"])
def test_what_edfio_writes_is_read(spelling):
    ecg = read(edf([spelling.format(lead) for lead in LEADS]))
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-3)
    assert (ecg.rate, ecg.notes) == (RATE, ())


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e3), ("mV", 1), ("V", 1e-3)])
def test_the_units_of_the_file_become_millivolts(unit, factor):
    np.testing.assert_allclose(read(edf(unit=unit, factor=factor)).signal, ECG.signal, atol=2e-3)


@pytest.mark.parametrize("rate", [100, 250, 256, 1000, 2000])
def test_any_usual_rate_is_read(rate):
    signal = resample_poly(ECG.signal, rate, RATE, axis=1)
    ecg = read(edf(signal=signal, rate=rate))
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-3)
    assert ecg.rate == rate


def test_an_unknown_unit_is_noted():
    note = "The file gives no unit for its leads: millivolts are assumed (--unit)."
    assert note in read(edf(unit="")).notes


def test_annotations_and_other_signals_are_left_out():
    signal = np.vstack([np.full((1, ECG.signal.shape[1]), 5.0) + ECG.signal[:1], ECG.signal])
    content = edf(["Resp", *LEADS], signal, annotations=[EdfAnnotation(1, None, "Jane Doe")])
    np.testing.assert_allclose(read(content).signal, ECG.signal, atol=1e-3)


def test_the_limb_leads_that_are_not_stored_are_computed_and_it_is_said():
    kept = [0, 1, *range(6, 12)]
    ecg = read(edf([LEADS[i] for i in kept], ECG.signal[kept]))
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=0.01)
    assert "Computed from I and II, not stored in the file: III, aVR, aVL, aVF." in ecg.notes


def test_of_a_long_recording_the_chosen_ten_seconds_are_read():
    signal = np.concatenate([ECG.signal, ECG.signal[:, ::-1], ECG.signal], axis=1)
    ecg = read(edf(signal=signal), start=10)
    np.testing.assert_allclose(ecg.signal, ECG.signal[:, ::-1], atol=1e-3)
    assert "Seconds 10 to 20 of a recording of 30 s." in ecg.notes
    with pytest.raises(ECGError, match="Choose a start from 0 to 20.0 s"):
        read(edf(signal=signal), start=20.5)


def test_who_the_patient_is_is_not_kept():
    content = edf(
        patient=Patient(code="4711", sex="F", name="Jane_Doe"),
        recording=Recording(hospital_administration_code="HID", investigator_technician_code="Roe"),
    )
    assert b"Jane_Doe" in content
    ecg = read(content)
    kept = repr((ecg.source, ecg.notes, ecg.taken))
    assert not any(word in kept for word in ("Jane", "4711", "Roe"))


WHOSE = Patient(sex="F", birthdate=date(1950, 3, 4), name="Jane_Doe")
BEGUN = Recording(startdate=date(2021, 3, 3))


def test_when_and_of_whom_it_is_is_kept_where_the_file_says_it():
    content = edf(patient=WHOSE, recording=BEGUN, starttime=time(10, 42, 5))
    assert read(content).taken.words == "2021-03-03 10:42 · 70 years · female"
    hidden = edf(patient=Patient(sex="M"), starttime=time(10, 42))
    assert read(hidden).taken.words == "male"


@pytest.mark.parametrize(
    ("at", "text", "width", "words"),
    [
        # Free words, as EDF has them: "F" is no sex there.
        (8, "Doe F Jane born 1950", 80, "2021-03-03 10:42"),
        (8, "X Z 99-XXX-1950 Jane", 80, "2021-03-03 10:42"),
        (88, "Startdate X X X X", 80, "female"),
        (88, "a strip", 80, "2021-03-03 10:42 · 70 years · female"),
        (88, "Startdate 31-FEB-2021 X X X", 80, "2021-03-03 10:42 · 70 years · female"),
        (176, "99.99.99", 8, "female"),
    ],
)
def test_what_is_no_time_and_no_patient_is_dropped(at, text, width, words, recwarn):
    content = edf(patient=WHOSE, recording=BEGUN, starttime=time(10, 42, 5))
    ecg = read(field(content, at, text, width))
    np.testing.assert_array_equal(ecg.signal, read(content).signal)
    assert ecg.taken.words == words
    assert not recwarn.list


SIGNALS = int(GOOD[252:256])


def of_signal(channel, before):
    """Where a field of eight bytes stands, by the bytes a signal of the fields before it."""
    return 256 + before * SIGNALS + 8 * channel


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD[:-1000], "the copy is incomplete or damaged"),
        (GOOD[:5000], "incomplete or damaged"),
        (GOOD[:300], "a damaged EDF file"),
        (field(GOOD, 236, "99999999"), "announces [0-9,]+: the copy is incomplete"),
        (field(GOOD, 244, "0"), "a damaged EDF file"),
        (field(GOOD, 244, "nan"), "a damaged EDF file|sampling rate"),
        (field(GOOD, 244, "0.00001"), "sampling rate"),
        (field(GOOD, 252, "9999", 4), "damaged|9999 EDF signals"),
        (field(GOOD, 252, "0", 4), "0 EDF signals"),
        (field(GOOD, of_signal(3, 216), "-500"), "negative|damaged"),
        (
            field(field(GOOD, of_signal(2, 104), "1"), of_signal(2, 112), "1"),
            "no voltage for .* lead III",
        ),
        (field(GOOD, of_signal(2, 120), "32767"), "no voltage for .* lead III"),
        (field(GOOD, of_signal(2, 112), "nan"), "missing in lead III|damaged"),
        (edf(["ECG"] * 12), "Missing leads I, II"),
        (edf([*LEADS[:11], "Lead I"]), "Missing lead V6"),
        (edf(signal=ECG.signal[:, : 9 * RATE]), "lasts 9.0 s"),
        (edf(factor=1000), "microvolts or raw counts"),
    ],
)
def test_what_is_no_ecg_is_refused_with_the_reason(content, words):
    with pytest.raises(ECGError, match=words):
        read(content)


def test_a_recorder_that_stopped_before_it_counted_its_records_is_believed():
    stopped = field(GOOD, 236, "-1")
    np.testing.assert_array_equal(read(stopped).signal, read(GOOD).signal)
    # The last record is not whole: it is left out.
    longer = edf(signal=np.tile(ECG.signal, 2))
    half = field(longer, 236, "-1")[:-100]
    assert read(half).signal.shape == ECG.signal.shape
    with pytest.raises(ECGError, match="at least 10 s"):
        read(field(GOOD, 236, "-1")[:-100])


def test_samples_of_three_bytes_are_read():
    signals = [
        BdfSignal(row.astype(float), RATE, label=f"ECG {name}", physical_dimension="mV")
        for name, row in zip(LEADS, ECG.signal, strict=True)
    ]
    content = Bdf(signals, data_record_duration=1).to_bytes()
    np.testing.assert_allclose(read(content).signal, ECG.signal, atol=1e-5)
    with pytest.raises(ECGError, match="incomplete or damaged"):
        read(content[:-3000])


def test_chest_leads_may_be_named_as_the_iec_does():
    iec = [name.replace("V", "C") if name[0] == "V" else name for name in LEADS]
    np.testing.assert_array_equal(read(edf(iec)).signal, read(GOOD).signal)
    # Beside V3 and V4, C3 and C4 are places of an EEG.
    both = np.vstack([ECG.signal, ECG.signal[:2] * 0.1])
    np.testing.assert_allclose(read(edf([*LEADS, "C3", "C4"], both)).signal, ECG.signal, atol=1e-3)
