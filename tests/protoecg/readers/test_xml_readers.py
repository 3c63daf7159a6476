import base64
import time
import zlib
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree  # noqa: S405 - of this test's own files

import numpy as np
import pytest
from scipy.signal import resample_poly

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg, read_recording
from protoecg.simulate import example

CORPUS = Path(__file__).parent / "corpus"
AECG = (CORPUS / "hl7_aecg.xml").read_bytes()
SIERRA = (CORPUS / "philips_sierra.xml").read_bytes()
ECG = example("Atrial fibrillation")
STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def read(content, **options):
    return read_ecg({"upload": content}, **options)


def lead_data(name, samples, units="MICROVOLTS"):
    payload = np.asarray(samples, "<i2").tobytes()
    return f"""<LeadData><LeadByteCountTotal>{len(payload)}</LeadByteCountTotal>
<LeadTimeOffset>0</LeadTimeOffset><LeadSampleCountTotal>{len(payload) // 2}</LeadSampleCountTotal>
<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>
<LeadAmplitudeUnits>{units}</LeadAmplitudeUnits><LeadHighLimit>32767</LeadHighLimit>
<LeadLowLimit>-32768</LeadLowLimit><LeadID>{name}</LeadID>
<LeadSampleSize>2</LeadSampleSize><LeadDataCRC32>{zlib.crc32(payload)}</LeadDataCRC32>
<WaveFormData>{base64.encodebytes(payload).decode()}</WaveFormData></LeadData>"""


def waveform(kind, rate, leads):
    return f"""<Waveform><WaveformType>{kind}</WaveformType><NumberofLeads>{len(leads)}
</NumberofLeads><SampleType>CONTINUOUS_SAMPLES</SampleType><SampleBase>{rate}</SampleBase>
<SampleExponent>0</SampleExponent>{"".join(leads)}</Waveform>"""


def muse(signal=ECG.signal, rate=500, stored=STORED, units="MICROVOLTS"):
    """A file as GE's restecg.dtd describes it: the median beat first, then eight leads."""
    median = [lead_data(name, np.arange(600), units) for name in stored]
    rhythm = [
        lead_data(name, np.round(signal[LEADS.index(name)] / 4.88e-3), units) for name in stored
    ]
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE RestingECG SYSTEM "restecg.dtd">
<RestingECG><PatientDemographics><PatientID>4711</PatientID><DateofBirth>01-01-1950</DateofBirth>
<PatientLastName>D\u00f6e</PatientLastName><PatientFirstName>Jane</PatientFirstName>
<Gender>FEMALE</Gender></PatientDemographics><TestDemographics>
<AcquisitionDate>03-03-2021</AcquisitionDate><AcquisitionTime>10:42:05</AcquisitionTime>
</TestDemographics>{waveform("Median", rate, median)}{waveform("Rhythm", rate, rhythm)}
</RestingECG>""".encode("latin-1")


MUSE = muse()


def test_an_aecg_of_another_program_is_read():
    ecg = read(AECG)
    expected = resample_poly(ECG.signal, 1, 5, axis=1)
    np.testing.assert_allclose(ecg.signal, expected, atol=1.3e-3)
    assert (ecg.rate, ecg.notes) == (100, ())


def test_a_published_philips_file_is_read():
    ecg = read(SIERRA)
    assert (ecg.rate, ecg.signal.shape) == (500, (12, 5000))
    # What another decoder makes of it: a lead that is stored, and one that is rebuilt.
    np.testing.assert_allclose(ecg.signal[1, [0, 1000, 4999]], [0.585, -0.095, -0.455], atol=1e-6)
    np.testing.assert_allclose(ecg.signal[3, [0, 1000, 4999]], [-0.415, 0.07, 0.27], atol=1e-6)
    # The device recorded a pulse of 1 mV in all leads behind the ECG.
    assert ecg.notes == (
        "A calibration pulse of 0.5 s behind the ECG is left out.",
        "Seconds 0 to 10 of a recording of 11 s.",
    )


def test_a_muse_file_gives_its_rhythm_in_millivolts_and_the_computed_leads_are_named():
    ecg = read(MUSE)
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=0.02)
    assert ecg.rate == 500
    assert ecg.notes == ("Computed from I and II, not stored in the file: III, aVR, aVL, aVF.",)


def test_muse_leads_that_were_recorded_one_after_another_are_not_laid_together():
    first, *rest = MUSE.split(b"<LeadTimeOffset>0<")
    later = b"<LeadTimeOffset>2500<".join(
        [b"<LeadTimeOffset>0<".join([first, *rest[:12]]), *rest[12:]]
    )
    assert later.count(b"<LeadTimeOffset>2500<") == 4
    with pytest.raises(ECGError, match="begin at different moments"):
        read(later)
    # Of one moment, whichever it is, they are one recording.
    assert read(MUSE.replace(b"<LeadTimeOffset>0<", b"<LeadTimeOffset>2500<")).signal.any()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings_are_read(encoding):
    text = SIERRA.decode().replace("UTF-8", encoding.removesuffix("-sig").upper())
    np.testing.assert_array_equal(read(text.encode(encoding)).signal, read(SIERRA).signal)


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("UTF-16", "utf-8"),
        ("UTF-8", "utf-16-le"),
        ("UTF-16", "utf-16-be"),
        ("UTF-8", "latin-1"),
        ("us-ascii", "cp1252"),
        ("no-such-encoding", "latin-1"),
        (None, "utf-16-le"),
        (None, "latin-1"),
    ],
)
def test_the_bytes_count_and_not_the_encoding_that_is_declared(declared, written):
    text = MUSE.decode("latin-1").removeprefix('<?xml version="1.0" encoding="ISO-8859-1"?>')
    if declared:
        text = f'<?xml version="1.0" encoding="{declared}"?>{text}'
    ecg = read(text.encode(written))
    np.testing.assert_array_equal(ecg.signal, read(MUSE).signal)


def sequence_set(names, head="20240101100000.000", step="0.002"):
    def sequence(code, value):
        return f"<component><sequence><code code='{code}'/>{value}</sequence></component>"

    def digits(name):
        numbers = " ".join(map(str, np.round(ECG.signal[LEADS.index(name)] * 200).astype(int)))
        scale = "<origin value='0' unit='uV'/><scale value='5' unit='uV'/>"
        return f"<value xsi:type='SLIST_PQ'>{scale}<digits>{numbers}</digits></value>"

    time = f"<head value='{head}'/><increment value='{step}' unit='s'/>"
    sequences = sequence("TIME_ABSOLUTE", f"<value xsi:type='GLIST_TS'>{time}</value>")
    sequences += "".join(sequence(f"MDC_ECG_LEAD_{name}", digits(name)) for name in names)
    return f"<component><sequenceSet>{sequences}</sequenceSet></component>"


def aecg(*sets):
    return (
        "<AnnotatedECG xmlns='urn:hl7-org:v3' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>"
        "<id root='x'/><component><series><code code='RHYTHM'/>"
        f"{''.join(sets)}</series></component></AnnotatedECG>"
    ).encode()


def test_leads_in_several_sequence_sets_of_one_time_are_read_together():
    ecg = read(aecg(sequence_set(LEADS[:6]), sequence_set(LEADS[6:])))
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=3e-3)


@pytest.mark.parametrize("other", [{"head": "20240101100010.000"}, {"step": "0.004"}])
def test_leads_that_were_recorded_after_the_others_are_not_laid_together(other):
    with pytest.raises(ECGError, match="Missing leads V1"):
        read(aecg(sequence_set(LEADS[:6]), sequence_set(LEADS[6:], **other)))


def pulse(seconds, before, rate=500):
    at = np.arange(round(seconds * rate)) / rate
    return np.repeat([(at >= before) & (at < before + 0.2)], 12, axis=0).astype(float)


@pytest.mark.parametrize(("seconds", "before"), [(1.0, 0.3), (0.5, 0.0), (1.0, 0.0)])
def test_a_calibration_pulse_behind_the_ecg_is_no_part_of_it(seconds, before):
    recording = read_recording({"a.xml": muse(np.hstack([ECG.signal, pulse(seconds, before)]))})
    assert recording.duration == 10
    assert "calibration pulse" in recording.notes[0]
    assert "calibration pulse" not in " ".join(read(MUSE).notes)


def test_a_checksum_that_does_not_fit_is_noted():
    crc = MUSE.index(b"<LeadDataCRC32>", MUSE.index(b"Rhythm")) + 15
    other = b"1" if MUSE[crc : crc + 1] != b"1" else b"2"
    notes = read(MUSE[:crc] + other + MUSE[crc + 1 :]).notes
    assert notes[0].startswith("The file's own checksum does not fit")


@pytest.mark.parametrize("content", [MUSE, SIERRA, AECG.replace(b"X X X X", b"Jane 4711")])
def test_who_the_patient_is_is_not_kept(content, recwarn, caplog, capfd):
    assert b"Jane" in content
    ecg = read(content)
    printed = caplog.text, capfd.readouterr(), recwarn.list
    kept = repr((ecg.source, ecg.notes, ecg.taken, printed))
    assert not any(word in kept for word in ("Jane", "Doe", "D\u00f6e", "4711", "1950"))


DATED = AECG.replace(b"19850101", b"20210303").replace(b'code="UN"', b'code="F"')


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MUSE, "2021-03-03 10:42 · 71 years · female"),
        (MUSE.replace(b"FEMALE", b"?").replace(b"2021", b"2999"), ""),
        (SIERRA, "1999-12-31 00:00 · 50 years · male"),
        (
            SIERRA.replace(b"<years>50<", b"<years>-50<").replace(b">Male<", b">Jane<"),
            "1999-12-31 00:00",
        ),
        # Its day is the one that EDF writes of none.
        (AECG, ""),
        (DATED, "2021-03-03 00:00 · female"),
        (DATED.replace(b"20210303000000", b"Jane"), "female"),
    ],
)
def test_when_and_of_whom_it_is_is_kept_where_the_file_says_it(content, words):
    assert read(content).taken.words == words


LAUGHS = b"".join(
    b'<!ENTITY %c "%s">' % (97 + i, b"&%c;" % (96 + i) * 10 if i else b"lol") for i in range(10)
)
BOMBS = {
    "laughs": b"<?xml version='1.0'?><!DOCTYPE x [" + LAUGHS + b"]><RestingECG>&j;</RestingECG>",
    "outside": b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><RestingECG>&a;</RestingECG>",
    "parameter": b"<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://host/x.dtd'> %a;]><RestingECG/>",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_entities_are_refused(content):
    with pytest.raises(ECGError, match="defines XML entities, which are refused"):
        read(content)


START = b'nbitspersample="16">'
TINY_CHUNK = (1).to_bytes(4, "little") + bytes(5)
CHANNELS = b">12</numberchannelsallocated>"
MANY_CHANNELS = CHANNELS.replace(b"12", b"900000000")


def lzw_bomb():
    """Twelve chunks, each of codes that repeat the longest string known: 64 kB stand for 40 MB."""
    codes = [0, *range(256, 1022), *[1021] * 52_000]
    bits = "".join(f"{code:010b}" for code in codes)
    chunk = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return packed_waveform((len(chunk).to_bytes(4, "little") + bytes(4) + chunk) * 12)


def packed_waveform(chunks):
    start, end = SIERRA.index(START) + len(START), SIERRA.index(b"</parsedwaveforms>")
    return SIERRA[:start] + base64.b64encode(chunks) + SIERRA[end:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: b"<a>" * 60 + b"</a>" * 60, "too many parts"),
        (lambda: b"<RestingECG>" + b"<a/>" * 60_000 + b"</RestingECG>", "too many parts"),
        (lambda: b"<RestingECG>" + bytes(5_000_000).replace(b"\0", b" "), "of 5 MB, at most 4 MB"),
        (lzw_bomb, "unpacks to more than 0.5 MB"),
        (lambda: lzw_bomb().replace(b'"XLI"', b'" xli "'), "unpacks to more than 0.5 MB"),
        (lambda: lzw_bomb().replace(START, START + b"<a/>"), "unpacks to more than 0.5 MB"),
        (lambda: packed_waveform(TINY_CHUNK * 300), "more channels than any ECG has"),
        (
            lambda: SIERRA.replace(CHANNELS, CHANNELS.replace(b"12", b"900000000")),
            "more channels than any ECG has",
        ),
        (lambda: b"<?xml version='1.0'?><html><body/></html>", "an XML file of another kind"),
        (lambda: MUSE[:-500], "a damaged XML file"),
        (lambda: MUSE.replace(b"Rhythm", b"Median"), "averaged beats without the rhythm"),
        (lambda: AECG.replace(b'"RHYTHM"', b'"REPRESENTATIVE_BEAT"'), "averaged beats without"),
        (lambda: AECG[:-500], "a damaged XML file"),
        (lambda: SIERRA[:-500], "a damaged XML file"),
        (lambda: SIERRA.replace(b">1.03<", b">9.99<"), "version or compression of Philips"),
        (lambda: SIERRA.replace(b'"XLI"', b'"ZIP"'), "version or compression of Philips"),
        (lambda: SIERRA.replace(b">500<", b">0<"), "damaged"),
        (lambda: SIERRA.replace(b">500<", b">500000000<"), "damaged"),
        (lambda: SIERRA.replace(b"<signalresolution>5", b"<signalresolution>"), "no voltage"),
        (lambda: AECG.replace(b'value="0.01" unit="s"', b'value="1e-9" unit="s"'), "sampling rate"),
        (lambda: AECG.replace(b'value="0.01" unit="s"', b'value="nan" unit="s"'), "damaged"),
        (lambda: AECG.replace(b'unit="uV"', b'unit="mmHg"'), "no voltage for the numbers"),
        (lambda: AECG.replace(b"LEAD_V6", b"LEAD_V9"), "Missing lead V6"),
        (lambda: AECG.replace(b'value="2.5"', b'value="2500"'), "microvolts or raw counts"),
        (lambda: AECG.replace(b"<digits>", b"<digits>1e999 ", 3), "differ in length"),
        (lambda: muse(units="UNKNOWN"), "no voltage for the numbers of leads I, II, V1"),
        (lambda: muse(stored=STORED[:7]), "Missing lead V6"),
        (lambda: muse(rate=0), "damaged"),
        (lambda: muse(rate=100_000_000), "sampling rate is 1e\\+08 Hz"),
        (lambda: muse(ECG.signal[:, :4000]), "lasts 8.0 s"),
    ],
)
def test_what_is_no_ecg_is_refused_soon_and_with_the_reason(content, words):
    content = content()
    began = time.process_time()
    with pytest.raises(ECGError, match=words):
        read(content)
    assert time.process_time() - began < 2


def test_of_several_series_of_an_aecg_the_one_with_all_leads_is_read():
    root = ElementTree.fromstring(AECG)  # noqa: S314
    name = "{urn:hl7-org:v3}"
    component = root.find(f"{name}component")
    strip = deepcopy(component)
    for leads in strip.iter(f"{name}sequenceSet"):
        for lead in leads.findall(f"{name}component"):
            code = lead.find(f"{name}sequence/{name}code").get("code")
            if code.startswith("MDC_ECG_LEAD_") and code != "MDC_ECG_LEAD_II":
                leads.remove(lead)
    root.insert(list(root).index(component), strip)
    both = ElementTree.tostring(root)
    assert both.count(b"<digits>") + both.count(b":digits>") > 13
    np.testing.assert_array_equal(read(both).signal, read(AECG).signal)
