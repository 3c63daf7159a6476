"""ISHNE and MFER, written here by their standards."""

import struct

import numpy as np
import pytest

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
RATE = round(ECG.rate)
COUNTS = np.round(ECG.signal * 200).astype("<i2")
CODES = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)


def ishne(counts=COUNTS, codes=CODES, name=b"Jane Doe"):
    """An ISHNE file of 5 uV a count."""
    head = bytearray(512)

    def put(at, fmt, *values):
        struct.pack_into(fmt, head, at - 10, *values)

    put(14, "<i", counts.shape[1])
    put(18, "<ii", 522, 522)
    head[28 - 10 : 28 - 10 + len(name)] = name
    put(156, "<h", len(counts))
    put(158, f"<{len(codes)}h", *codes)
    put(206, f"<{len(codes)}h", *[5000] * len(codes))
    put(272, "<h", RATE)
    return b"ISHNE1.0" + bytes(2) + bytes(head) + counts.T.tobytes()


def field(tag, content):
    return bytes([tag, len(content)]) + content if len(content) < 128 else (
        bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content
    )


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
    ("content", "said"),
    [
        (ishne()[:600][:156] + bytes(444), "of 0 leads"),
        (ishne(COUNTS[:3], CODES[:3]), "Missing leads V1"),
        (ishne()[:400], "damaged ISHNE"),
    ],
)
def test_an_ishne_file_of_other_leads_is_refused_with_the_reason(content, said):
    with pytest.raises(ECGError, match=said):
        read_ecg({"holter.ecg": content})
