"""ISHNE and MFER, written here by their standards."""

import struct

import numpy as np
import pytest

from protoecg.ecg import ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
RATE = round(ECG.rate)
COUNTS = np.round(ECG.signal * 200).astype("<i2")
CODES = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)


def ishne(counts=COUNTS, codes=CODES, name=b"Jane Doe", sex=2, born=(4, 3, 1950)):
    """An ISHNE file of 5 uV a count."""
    head = bytearray(512)

    def put(at, fmt, *values):
        struct.pack_into(fmt, head, at - 10, *values)

    put(14, "<i", counts.shape[1])
    put(18, "<ii", 522, 522)
    head[28 - 10 : 28 - 10 + len(name)] = name
    put(128, "<h", sex)
    put(132, "<3h", *born)
    put(138, "<3h", 3, 3, 2021)
    put(150, "<3h", 10, 42, 5)
    put(156, "<h", len(counts))
    put(158, f"<{len(codes)}h", *codes)
    put(206, f"<{len(codes)}h", *[5000] * len(codes))
    put(272, "<h", RATE)
    return b"ISHNE1.0" + bytes(2) + bytes(head) + counts.T.tobytes()


def mfer(name=b"Doe^Jane", age=b"", begun=b""):
    """An MFER file of 5 uV a count, little-endian, one frame of all leads one after another."""
    codes = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
    head = [
        tagged(0x40, b"MFR standard 12-lead".ljust(32)),
        tagged(0x01, b"\1"),
        tagged(0x81, name),
        tagged(0x83, age),
        tagged(0x84, b"\2"),
        tagged(0x85, begun),
        tagged(0x0B, struct.pack("<BbH", 0, 0, RATE)),
        tagged(0x0C, struct.pack("<BbH", 0, -6, 5)),
        tagged(0x0A, b"\0"),
        tagged(0x04, struct.pack("<I", COUNTS.shape[1])),
        tagged(0x05, b"\x0c"),
        tagged(0x06, b"\1"),
    ]
    names = [
        bytes([0x3F, channel]) + tagged(0x09, struct.pack("<H", code), length_too=True)
        for channel, code in enumerate(codes)
    ]
    return b"".join([*head, *names, tagged(0x1E, COUNTS.tobytes()), b"\x80\0"])


def tagged(tag, content, length_too=False):
    long = b"\x84" + len(content).to_bytes(4, "big")
    inner = bytes([tag]) + (bytes([len(content)]) if len(content) < 128 else long) + content
    return bytes([len(inner)]) + inner if length_too else inner


def test_ishne_is_read_by_the_codes_of_its_leads():
    ecg = read_ecg({"holter.ecg": ishne()})
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=3e-3)
    assert ecg.rate == RATE
    assert "Doe" not in repr(ecg)
    turned = read_ecg({"holter.ecg": ishne(COUNTS[::-1], CODES[::-1])})
    np.testing.assert_array_equal(turned.signal, ecg.signal)


def test_a_lead_that_was_off_is_missing_and_no_wave_of_160_mv():
    off = COUNTS.copy()
    off[3, 100:200] = -32768
    with pytest.raises(ECGError, match="missing in lead aVR"):
        read_ecg({"holter.ecg": ishne(off)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ishne()[:600][:156] + bytes(444), "of 0 leads"),
        (ishne(COUNTS[:3], CODES[:3]), "Missing leads V1"),
        (ishne()[:400], "damaged ISHNE"),
    ],
)
def test_an_ishne_file_of_other_leads_is_refused_with_the_reason(content, message):
    with pytest.raises(ECGError, match=message):
        read_ecg({"holter.ecg": content})


def test_mfer_is_read_by_the_codes_of_its_leads():
    ecg = read_ecg({"rest.mwf": mfer()})
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=3e-3)
    assert ecg.rate == RATE
    assert "Doe" not in repr(ecg)
    with pytest.raises(ECGError, match="damaged MFER"):
        read_ecg({"rest.mwf": mfer()[:5000]})


def test_when_and_of_whom_a_holter_recording_is_is_kept_without_the_birth_date():
    ecg = read_ecg({"holter.ecg": ishne()})
    assert ecg.taken.words == "2021-03-03 10:42 · 70 years · female"
    assert "1950" not in repr(ecg.taken)
    odd = read_ecg({"holter.ecg": ishne(sex=77, born=(99, 99, -1))})
    assert odd.taken.words == "2021-03-03 10:42"


BEGUN = struct.pack("<H5B", 2021, 3, 3, 10, 42, 5)


@pytest.mark.parametrize(
    ("age", "begun", "words"),
    [
        (struct.pack("<BH", 64, 0), BEGUN, "2021-03-03 10:42 · 64 years · female"),
        (struct.pack("<BHHBB", 0, 0, 1950, 3, 4), BEGUN, "2021-03-03 10:42 · 70 years · female"),
        (struct.pack("<BH", 255, 9), struct.pack("<H5B", 2138, 3, 3, 1, 1, 1), "female"),
        (b"", b"\xff" * 7, "female"),
    ],
)
def test_when_and_of_whom_an_mfer_recording_is_is_kept(age, begun, words):
    assert read_ecg({"rest.mwf": mfer(age=age, begun=begun)}).taken.words == words
