from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.uid import (
    AmbulatoryECGWaveformStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    GeneralECGWaveformStorage,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    TwelveLeadECGWaveformStorage,
)

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg

# Comes with pydicom: a device's own file, ten seconds at 1000 Hz and a median beat.
PUBLISHED = dcmread(get_testdata_file("waveform_ecg.dcm"))


def copy():
    return dcmread(get_testdata_file("waveform_ecg.dcm"))


def written(dataset, syntax=None):
    file = BytesIO()
    if syntax:
        dataset.file_meta.TransferSyntaxUID = syntax
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def changed(**elements):
    """Return the published file with other elements in its rhythm group."""
    dataset = copy()
    for name, value in elements.items():
        setattr(dataset.WaveformSequence[0], name, value)
    return written(dataset)


def read(content, **options):
    return read_ecg({"upload": content}, **options)


GOOD = written(copy())
# Its channels are I, II, III, aVR, aVL, aVF, V1 to V6, in 1.25 microvolts a unit.
EXPECTED = PUBLISHED.waveform_array(0).T / 1000


def test_the_published_file_is_read_with_its_rhythm_and_not_its_median_beat():
    ecg = read(GOOD)
    assert (ecg.rate, ecg.signal.shape) == (1000, (12, 10000))
    np.testing.assert_allclose(ecg.signal, EXPECTED, atol=1e-6)
    assert ecg.notes == ()


def test_the_longest_rhythm_counts_wherever_it_stands():
    dataset = copy()
    dataset.WaveformSequence.reverse()
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED, atol=1e-6)


@pytest.mark.parametrize(
    "kind", [TwelveLeadECGWaveformStorage, GeneralECGWaveformStorage, AmbulatoryECGWaveformStorage]
)
def test_any_kind_of_dicom_ecg_is_read(kind):
    dataset = copy()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = kind
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED, atol=1e-6)


def test_either_order_of_bytes_is_read():
    dataset = copy()
    for group in dataset.WaveformSequence:
        group.WaveformData = np.frombuffer(group.WaveformData, "<i2").astype(">i2").tobytes()
    # Without the memory of how it was encoded, which else cannot change.
    plain = Dataset.from_json(dataset.to_json())
    plain.file_meta = dataset.file_meta
    big = written(plain, ExplicitVRBigEndian)
    np.testing.assert_allclose(read(big).signal, EXPECTED, atol=1e-6)
    little = written(copy(), ImplicitVRLittleEndian)
    np.testing.assert_allclose(read(little).signal, EXPECTED, atol=1e-6)


def test_a_deflated_file_and_one_without_its_preamble_are_read():
    deflated = written(copy(), DeflatedExplicitVRLittleEndian)
    np.testing.assert_allclose(read(deflated).signal, EXPECTED, atol=1e-6)
    np.testing.assert_allclose(read(GOOD[132:]).signal, EXPECTED, atol=1e-6)


@pytest.mark.parametrize("law", ["MB", "AB"])
def test_samples_by_a_law_of_telephones_are_not_taken_for_numbers(law):
    content = changed(WaveformSampleInterpretation=law, WaveformBitsAllocated=8)
    with pytest.raises(ECGError, match=f"law of telephones .{law}."):
        read(content)


def test_a_lead_without_a_source_is_known_by_its_label():
    dataset = copy()
    for lead, channel in zip(
        LEADS, dataset.WaveformSequence[0].ChannelDefinitionSequence, strict=True
    ):
        del channel.ChannelSourceSequence
        channel.ChannelLabel = f"Lead {lead}"
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED, atol=1e-6)


def test_a_unit_is_known_by_its_words_where_its_code_is_another_systems():
    dataset = copy()
    for channel in dataset.WaveformSequence[0].ChannelDefinitionSequence:
        unit = channel.ChannelSensitivityUnitsSequence[0]
        unit.CodeValue, unit.CodeMeaning = "266419", "microvolt"
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED, atol=1e-6)


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e-3), ("V", 1e-6), ("uV", 1)])
def test_sensitivity_correction_baseline_and_unit_count(unit, factor):
    dataset = copy()
    for channel in dataset.WaveformSequence[0].ChannelDefinitionSequence:
        channel.ChannelSensitivity = 1.25 * factor / 2
        channel.ChannelSensitivityCorrectionFactor = 2
        channel.ChannelBaseline = 100 * factor
        channel.ChannelSensitivityUnitsSequence[0].CodeValue = unit
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED + 0.1, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        {"CodeValue": "2:2", "CodingSchemeDesignator": "MDC"},
        {"CodeValue": "MDC_ECG_LEAD_II", "CodeMeaning": "Lead II"},
        {"CodeValue": "x", "CodeMeaning": "Lead II (Einthoven)"},
    ],
)
def test_a_lead_is_known_by_its_code_or_by_its_name(name):
    dataset = copy()
    source = dataset.WaveformSequence[0].ChannelDefinitionSequence[1].ChannelSourceSequence[0]
    for key, value in name.items():
        setattr(source, key, value)
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED, atol=1e-6)


def test_the_files_padding_is_a_missing_sample():
    dataset = copy()
    group = dataset.WaveformSequence[0]
    samples = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12).copy()
    samples[4000:4100, 7] = -32768
    group.WaveformData = samples.tobytes()
    group.add_new("WaveformPaddingValue", "OW", np.int16(-32768).tobytes())
    with pytest.raises(ECGError, match=r"missing in lead V2 \(first in V2 at 4.00 s\)"):
        read(written(dataset))


def with_samples(change, **elements):
    """Return the published file with other samples (n, 12) in its rhythm group."""
    dataset = copy()
    group = dataset.WaveformSequence[0]
    samples = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12).copy()
    group.WaveformData = change(samples).astype("<i2").tobytes()
    for name, value in elements.items():
        setattr(group, name, value)
    return dataset


def test_a_padding_value_that_samples_have_too_is_missing_only_where_it_stands_long():
    def change(samples):
        samples[3000, 1] = samples[5000, 7] = 0
        return samples

    dataset = with_samples(change)
    dataset.WaveformSequence[0].add_new("WaveformPaddingValue", "OW", bytes(2))
    ecg = read(written(dataset))
    assert ecg.signal[1, 3000] == ecg.signal[7, 5000] == 0

    def long(samples):
        samples[4000:4600, 7] = 0
        return samples

    dataset = with_samples(long)
    dataset.WaveformSequence[0].add_new("WaveformPaddingValue", "OW", bytes(2))
    with pytest.raises(ECGError, match=r"missing in lead V2 \(first in V2 at 4.0"):
        read(written(dataset))


@pytest.mark.parametrize("element", ["ChannelSampleSkew", "ChannelTimeSkew"])
def test_a_lead_that_began_later_is_shifted_back(element):
    twice = PUBLISHED.WaveformSequence[0].WaveformData * 2

    def change(samples):
        whole = np.frombuffer(twice, "<i2").reshape(-1, 12).copy()
        whole[:-10, 9] = whole[10:, 9]
        return whole

    dataset = with_samples(change, NumberOfWaveformSamples=20_000)
    channel = dataset.WaveformSequence[0].ChannelDefinitionSequence[9]
    # A file says one or the other.
    del channel.ChannelSampleSkew
    setattr(channel, element, 10 if element == "ChannelSampleSkew" else 0.01)
    ecg = read(written(dataset))
    # The first sample of V4 was taken 10 ms after those of the others.
    np.testing.assert_allclose(ecg.signal[:, :9990], EXPECTED[:, 10:], atol=1e-6)
    assert "V4 began up to 10 ms after" in ecg.notes[0]


def test_a_part_of_a_sample_is_no_skew():
    dataset = copy()
    dataset.WaveformSequence[0].ChannelDefinitionSequence[9].ChannelSampleSkew = "0.3"
    ecg = read(written(dataset))
    np.testing.assert_allclose(ecg.signal, EXPECTED, atol=1e-6)
    assert ecg.notes == ()


def groups_of(dataset, *parts):
    """Return the rhythm group as several, each of some of its channels."""
    found = []
    for part in parts:
        group = Dataset.from_json(dataset.WaveformSequence[0].to_json())
        samples = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12)
        group.WaveformData = samples[:, part].tobytes()
        group.NumberOfWaveformChannels = len(part)
        channels = group.ChannelDefinitionSequence
        group.ChannelDefinitionSequence = [channels[i] for i in part]
        found.append(group)
    return found


def test_a_rhythm_strip_of_one_lead_before_the_twelve_is_left_out():
    dataset = copy()
    dataset.WaveformSequence[:1] = groups_of(dataset, [1], range(12))
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED, atol=1e-6)


def test_groups_of_one_time_are_read_together_and_of_several_never():
    dataset = copy()
    dataset.WaveformSequence[:1] = groups_of(dataset, range(6), range(6, 12))
    np.testing.assert_allclose(read(written(dataset)).signal, EXPECTED, atol=1e-6)
    dataset.WaveformSequence[1].MultiplexGroupTimeOffset = "10000"
    with pytest.raises(ECGError, match="Missing leads"):
        read(written(dataset))


@pytest.mark.parametrize(
    "name",
    [{"CodeValue": "2:65", "CodeMeaning": "Lead -aVR"}, {"CodeMeaning": "Lead -aVR (Cabrera)"}],
)
def test_minus_avr_is_not_avr(name):
    def change(samples):
        samples[:, 3] = -samples[:, 3]
        return samples

    dataset = with_samples(change)
    source = dataset.WaveformSequence[0].ChannelDefinitionSequence[3].ChannelSourceSequence[0]
    source.CodeValue = "x"
    for key, value in name.items():
        setattr(source, key, value)
    ecg = read(written(dataset))
    np.testing.assert_allclose(ecg.signal, EXPECTED, atol=5e-3)
    assert "Computed from I and II" in ecg.notes[0]


def test_who_the_patient_is_is_not_kept():
    dataset = copy()
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = (
        "Doe^Jane",
        "4711",
        "19500101",
    )
    ecg = read(written(dataset))
    kept = repr((ecg.source, ecg.notes, ecg.taken))
    assert not any(word in kept for word in ("Doe", "4711", "1950"))


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        (
            {"AcquisitionDateTime": "20210303104205.123+0100", "PatientAge": "064Y"},
            "2021-03-03 10:42 · 64 years · female",
        ),
        (
            {"ContentDate": "20210303", "ContentTime": "1042", "PatientBirthDate": "19500304"},
            "2021-03-03 10:42 · 70 years · female",
        ),
        ({"StudyDate": "20210303", "StudyTime": ""}, "2021-03-03 · female"),
        ({"PatientAge": "018M", "PatientSex": "M"}, "1 year · male"),
        ({"PatientAge": "999Y", "StudyDate": "21380817", "PatientSex": "Jane"}, ""),
        ({"PatientAge": "64 years of Jane Doe", "StudyDate": "20211399", "PatientSex": ""}, ""),
    ],
)
def test_when_and_of_whom_it_is_is_kept_where_the_file_says_it(elements, words):
    dataset = copy()
    for name in ("AcquisitionDateTime", "AcquisitionDate", "ContentDate", "StudyDate"):
        if name in dataset:
            delattr(dataset, name)
    dataset.PatientAge, dataset.PatientBirthDate, dataset.PatientSex = "", "", "F"
    for name, value in elements.items():
        setattr(dataset, name, value)
    assert read(written(dataset)).taken.words == words


def without_waveforms():
    dataset = copy()
    del dataset.WaveformSequence
    return written(dataset)


def only_the_median():
    dataset = copy()
    del dataset.WaveformSequence[0]
    return written(dataset)


def uncalibrated():
    dataset = copy()
    del dataset.WaveformSequence[0].ChannelDefinitionSequence[4].ChannelSensitivity
    return written(dataset)


def deflated_bomb():
    dataset = copy()
    dataset.WaveformSequence[0].WaveformData = bytes(50_000_000)
    return written(dataset, DeflatedExplicitVRLittleEndian)


def empty_items():
    """A sequence of 400,000 items with nothing in them, eight bytes each."""
    sequence = b"\x00\x54\x00\x01SQ\0\0\xff\xff\xff\xff"
    items = b"\xfe\xff\x00\xe0\0\0\0\0" * 400_000
    return without_waveforms() + sequence + items + b"\xfe\xff\xdd\xe0\0\0\0\0"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (empty_items, "more than 20,000 parts"),
        (without_waveforms, "without waveforms, perhaps a picture"),
        (only_the_median, "only averaged beats"),
        (uncalibrated, "no voltage for the numbers of lead aVL"),
        (deflated_bomb, "unpacks to more than 40 MB"),
        (lambda: GOOD[:-100_000], "damaged"),
        (lambda: GOOD[:200], "damaged|without waveforms"),
        (lambda: changed(NumberOfWaveformSamples=4_000_000_000), "announces [0-9,]+: the copy"),
        (lambda: changed(NumberOfWaveformChannels=11), "announces 11 channels and describes 12"),
        (lambda: changed(NumberOfWaveformSamples=0), "lasts 1.2 s|damaged|lasts 0.0"),
        (lambda: changed(SamplingFrequency="0"), "damaged"),
        (lambda: changed(SamplingFrequency="1e300"), "sampling rate|lasts"),
        (lambda: changed(SamplingFrequency="-500"), "sampling rate|lasts"),
        (lambda: changed(WaveformBitsAllocated=24), "damaged"),
        (lambda: changed(NumberOfWaveformSamples=9000), "lasts 9.0 s"),
    ],
)
def test_what_is_no_ecg_is_refused_with_the_reason(content, words):
    with pytest.raises(ECGError, match=words):
        read(content())


def test_the_leads_are_all_there_to_begin_with():
    assert len(LEADS) == PUBLISHED.WaveformSequence[0].NumberOfWaveformChannels


def test_the_directory_of_a_disk_is_no_second_ecg():
    directory = copy()
    del directory.WaveformSequence
    directory.SOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    disk = {"DICOMDIR": written(directory), "00000001": GOOD, "README.TXT": b"How to open this"}
    np.testing.assert_allclose(read_ecg(disk).signal, EXPECTED, atol=1e-6)
    with pytest.raises(ECGError, match="2 files"):
        read_ecg({**disk, "00000002": GOOD})
