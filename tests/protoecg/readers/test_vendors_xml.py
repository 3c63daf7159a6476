"""XML of GE CardioSoft, Schiller and Mortara, written here by what is known of them."""

import base64

import numpy as np
import pytest

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
COUNTS = np.round(ECG.signal * 200).astype(int)
EIGHT = [LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]


def numbers(row):
    return ",\n".join(map(str, row))


def cardiosoft(units="uVperLsb", step="5", rows=range(12), rate="500"):
    def leads(counts):
        return "".join(
            f'<WaveformData lead="{LEADS[i].replace("aV", "av")}">{numbers(counts[i])}'
            "</WaveformData>"
            for i in rows
        )

    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE CardiologyXML SYSTEM "cardio.dtd"><CardiologyXML><ObservationDateTime><Hour>10</Hour>
<Minute>42</Minute><Second>5</Second><Day>3</Day><Month>3</Month><Year>2021</Year>
</ObservationDateTime><PatientInfo><Name><FamilyName>D\u00f6e</FamilyName></Name><PID>4711</PID>
<BirthDateTime><Day>4</Day><Month>3</Month><Year>1950</Year></BirthDateTime>
<Gender>FEMALE</Gender></PatientInfo>
<RestingECGMeasurements><MedianSamples><Resolution units="uVperLsb">5</Resolution>
{leads(COUNTS[:, :600])}</MedianSamples></RestingECGMeasurements>
<StripData><NumberOfLeads>12</NumberOfLeads><SampleRate units="Hz">{rate}</SampleRate>
<Resolution units="{units}">{step}</Resolution>{leads(COUNTS)}</StripData></CardiologyXML>
""".encode("latin-1")


def schiller(kind="ECG_RHYTHMS", rows=EIGHT, exponent="1", unit="uV"):
    def wavedata(kind, counts):
        channels = "".join(
            f"<channel><name>{LEADS[i].upper()}</name><datastype>COMMASEPARATE</datastype>"
            f"<data>{numbers(counts[i])}</data></channel>"
            for i in rows
        )
        return f"""<wavedata><type>{kind}</type><resolution><samplerate><value>500</value>
<exponent>{exponent}</exponent></samplerate><yres><unitperbit>5</unitperbit><units>{unit}</units>
</yres></resolution>{channels}</wavedata>"""

    return f"""<?xml version="1.0" encoding="UTF-8"?><examdescript><startdatetime>
<date>20210303</date><time>104205</time></startdatetime><patdata><lastname>D\u00f6e</lastname>
<id>4711</id><birthdate>19500304</birthdate><gender>Female</gender></patdata><eventdata><event>
{wavedata("ECG_AVERAGES", COUNTS[:, :500])}
{wavedata(kind, COUNTS)}</event></eventdata></examdescript>""".encode()


def mortara(rows=range(12), per_mv="200", encoding="BASE64"):
    def channel(i):
        data = base64.b64encode(COUNTS[i].astype("<i2").tobytes()).decode()
        return (
            f'<CHANNEL OFFSET="0" BITS="16" FORMAT="SIGNED" UNITS_PER_MV="{per_mv}" '
            f'DURATION="5000" SAMPLE_FREQ="500" ENCODING="{encoding}" NAME="{LEADS[i]}" '
            f'DATA="{data}"/>'
        )

    return f"""<?xml version="1.0" encoding="UTF-8"?><ECG ACQUISITION_TIME="20210303104205">
<SUBJECT LAST_NAME="D\u00f6e" ID="4711" DOB="19500304" GENDER="FEMALE"/>
<SOURCE TYPE="STD-12" MANUFACTURER="Mortara"/>
{"".join(map(channel, rows))}</ECG>""".encode()


ALL = {"CardioSoft": cardiosoft(), "Schiller": schiller(), "Mortara": mortara()}


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_the_rhythm_is_read_in_millivolts_and_not_the_medians(content):
    ecg = read_ecg({"upload": content})
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=6e-3)
    assert ecg.rate == 500 and ecg.duration == 10


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_who_the_patient_is_is_not_kept(content, caplog, recwarn):
    ecg = read_ecg({"upload": content})
    kept = repr((ecg.source, ecg.notes, ecg.taken, caplog.text, recwarn.list))
    assert not any(word in kept for word in ("D\u00f6e", "4711", "1950"))


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_when_and_of_whom_it_is_is_kept_where_the_file_says_it(content):
    assert read_ecg({"x": content}).taken.words == "2021-03-03 10:42 · 70 years · female"


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_what_can_not_be_is_dropped_and_the_ecg_read(content):
    odd = content.replace(b"FEMALE", b"Jane").replace(b"Female", b"<b/>")
    odd = odd.replace(b"2021", b"2999").replace(b"1950", b"19x0")
    assert odd != content and not read_ecg({"x": odd}).taken


def test_schillers_eight_leads_are_enough():
    assert "Computed from I and II" in " ".join(read_ecg({"x": schiller()}).notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (cardiosoft(units="mmHg"), "no voltage for the numbers of all leads.*--unit"),
        (cardiosoft(step=""), "no voltage"),
        (cardiosoft(rate="?"), "does not say its sampling rate.*--rate"),
        (cardiosoft(rows=range(11)), "Missing lead V6"),
        (cardiosoft().replace(b"StripData", b"Other"), "without a strip"),
        (
            cardiosoft().replace(b"</WaveformData></StripData>", b"x</WaveformData></StripData>"),
            "text where the numbers",
        ),
        (schiller(kind="ECG_AVERAGES"), "without a rhythm"),
        (schiller(exponent="3"), "does not say its sampling rate"),
        (schiller(unit="bit"), "no voltage"),
        (mortara(per_mv=""), "no voltage"),
        (mortara(encoding="HEX"), "version or compression of Mortara"),
        (mortara(rows=range(3)), "Missing leads V1"),
        (mortara().replace(b'DURATION="5000"', b'DURATION="6000"'), "damaged XML"),
    ],
)
def test_what_lacks_something_is_refused_with_the_reason(content, message):
    with pytest.raises(ECGError, match=message):
        read_ecg({"upload": content})


def test_counts_are_read_by_what_a_person_says_one_is():
    ecg = read_ecg({"upload": cardiosoft(step="")}, unit="5 uV")
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=6e-3)
    assert "Read in 5 uV" in ecg.notes[0]


@pytest.mark.parametrize(
    ("units", "step"),
    [("uVperLsb", "5,0"), ("uV/LSB", "5"), ("nVperLsb", "5000"), ("mV per bit", "0.005")],
)
def test_a_step_is_read_as_it_is_spelt(units, step):
    ecg = read_ecg({"ecg.xml": cardiosoft(units, step)})
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=3e-3)


def test_an_offset_that_nobody_documents_is_told():
    shifted = mortara().replace(b'OFFSET="0"', b'OFFSET="40"', 1)
    assert any("offset of its leads" in note for note in read_ecg({"ecg.xml": shifted}).notes)
    assert not any("offset" in note for note in read_ecg({"ecg.xml": mortara()}).notes)


def test_a_strip_without_leads_is_passed_over():
    empty = b'<StripData><SampleRate units="Hz">500</SampleRate></StripData><StripData>'
    stages = cardiosoft().replace(b"<StripData>", empty, 1)
    one, other = (read_ecg({"upload": content}) for content in (stages, cardiosoft()))
    np.testing.assert_array_equal(one.signal, other.signal)
