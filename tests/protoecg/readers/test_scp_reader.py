import binascii
import struct
import time

import numpy as np
import pytest

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
CODES = dict(zip(LEADS, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def with_crc(content):
    return struct.pack("<H", binascii.crc_hqx(content, 0xFFFF)) + content


def section(number, body):
    body += bytes(len(body) % 2)
    return with_crc(struct.pack("<HIBB6x", number, 16 + len(body), 20, 20) + body)


def tag(number, value):
    return struct.pack("<BH", number, len(value)) + value


def huffman(values):
    """Encode with the standard's own table: a one for each step from zero, then 0 and the sign."""
    bits = "".join(
        "0" if v == 0 else "1" * abs(v) + "0" + ("1" if v < 0 else "0") if abs(v) <= 8
        else f"1111111110{v & 0xFF:08b}" if -128 <= v < 128 else f"1111111111{v & 0xFFFF:016b}"
        for v in values
    )  # fmt: skip
    bits += "0" * (-len(bits) % 16)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def scp(
    names=LEADS,
    signal=ECG.signal,
    *,
    packed=False,
    interval=2000,
    nanovolts=2500,
    spans=None,
    more=(),
):
    """Write a file as EN 1064 describes it, in 2.5 microvolts a unit at 500 Hz."""
    counts = [np.round(signal[LEADS.index(name)] * 1e6 / 2500).astype(int) for name in names]
    if packed:
        lines = [huffman([*c[:2], *np.diff(c, 2)]) for c in counts]
    else:
        lines = [c.astype("<i2").tobytes() for c in counts]
    spans = spans or [(1, len(c)) for c in counts]
    leads = b"".join(
        struct.pack("<IIB", *span, CODES[n]) for span, n in zip(spans, names, strict=True)
    )
    bodies = {
        1: tag(0, b"Doe\0") + tag(1, b"Jane\0") + tag(2, b"4711\0") + tag(255, b""),
        2: struct.pack("<H", 19999) if packed else None,
        3: struct.pack("<BB", len(names), 4 + 8 * len(names) & 0xFF) + leads,
        6: struct.pack("<HHBB", nanovolts, interval, 2 * packed, 0)
        + struct.pack(f"<{len(names)}H", *map(len, lines))
        + b"".join(lines),
    }
    bodies |= dict(more)
    parts = {n: section(n, body) for n, body in sorted(bodies.items()) if body is not None}
    at, pointers = 7 + 16 + 120, [struct.pack("<HII", 0, 136, 7)]
    for number in range(1, 12):
        size = len(parts.get(number, b""))
        pointers.append(struct.pack("<HII", number, size, at if size else 0))
        at += size
    content = section(0, b"".join(pointers)) + b"".join(parts.values())
    return with_crc(struct.pack("<I", len(content) + 6) + content)


def read(content, **options):
    return read_ecg({"upload": content}, **options)


# Of a reference beat: one microsecond a sample.
BEATS = struct.pack("<HHBB", 2500, 1, 0, 0) + bytes(24)
GOOD, PACKED = scp(), scp(packed=True)
SLOW = [scp(signal=ECG.signal[:, ::5], interval=10_000, packed=packed) for packed in (0, 1)]


@pytest.mark.parametrize("content", [GOOD, PACKED], ids=["plain", "packed"])
def test_samples_are_read_plain_and_packed(content):
    ecg = read(content)
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1.3e-3)
    assert (ecg.rate, ecg.notes) == (500, ())


def test_of_eight_leads_the_others_are_computed():
    ecg = read(scp(EIGHT))
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=0.01)
    assert "Computed from I and II, not stored in the file: III, aVR, aVL, aVF." in ecg.notes


def test_who_the_patient_is_is_not_kept():
    ecg = read(GOOD)
    kept = repr((ecg.source, ecg.notes, ecg.taken))
    assert not any(word in kept for word in ("Jane", "Doe", "4711"))


def whose(*tags):
    return {1: tag(0, b"Doe\0") + b"".join(tags) + tag(255, b"")}


DAY, CLOCK = tag(25, struct.pack("<HBB", 2021, 3, 3)), tag(26, bytes([10, 42, 5]))
BORN, AGE = tag(5, struct.pack("<HBB", 1950, 3, 4)), tag(4, struct.pack("<HB", 64, 1))


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ((AGE, BORN, tag(8, b"\2"), DAY, CLOCK), "2021-03-03 10:42 · 64 years · female"),
        ((BORN, tag(8, b"\1"), DAY), "2021-03-03 · 70 years · male"),
        ((tag(4, struct.pack("<HB", 64_000, 1)), tag(8, b"\x63")), ""),
        ((tag(25, struct.pack("<HBB", 65_535, 13, 99)), CLOCK, tag(8, b"")), ""),
    ],
)
def test_when_and_of_whom_it_is_is_kept_where_the_file_says_it(tags, words):
    assert read(scp(more=whose(*tags))).taken.words == words


def test_a_checksum_that_does_not_fit_is_noted():
    altered = bytearray(GOOD)
    altered[-1000] ^= 1
    assert read(bytes(altered)).notes[0].startswith("The file's own checksum does not fit")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD[:-1000], "a damaged SCP-ECG file"),
        (GOOD[:200], "a damaged SCP-ECG file"),
        (scp(spans=[(1, 4_000_000_000)] * 12), "announces 48,000,000,000 samples"),
        (scp(spans=[(1, 4_000_000_000)] * 12, packed=True), "announces 48,000,000,000 samples"),
        (scp(spans=[(1, 5100)] * 12), "a damaged SCP-ECG file"),
        (scp(spans=[(1, 5000)] * 11 + [(1, 4999)]), "differ in length"),
        (scp(interval=0), "a damaged SCP-ECG file"),
        (scp(interval=1), "sampling rate is 1e\\+06 Hz"),
        (scp(nanovolts=0), "no voltage for the numbers of all leads"),
        (scp(LEADS[:11]), "Missing lead V6"),
        (scp(signal=ECG.signal[:, :4000]), "lasts 8.0 s"),
        (GOOD + bytes(3_000_000), "in 3,[0-9,]+ bytes, at most"),
        (PACKED + bytes(1_000_000), "in 1,[0-9,]+ bytes, at most"),
        (scp(LEADS * 10, spans=[(1, 1)] * 120), "more leads or beats"),
        (scp(more={4: struct.pack("<HHH", 0, 0, 60_000)}), "more leads or beats"),
        (scp(more={4: struct.pack("<HHH", 65_000, 0, 0), 5: BEATS}), "more leads or beats"),
        (scp(more={4: struct.pack("<HHH", 65_000, 0, 0), 5: BEATS}, packed=True), "more leads"),
    ],
)
def test_what_is_no_ecg_is_refused_soon_and_with_the_reason(content, words):
    began = time.process_time()
    with pytest.raises(ECGError, match=words):
        read(content)
    assert time.process_time() - began < 2


def test_samples_may_be_counted_from_zero():
    first = scp(spans=[(0, ECG.signal.shape[1] - 1)] * len(LEADS))
    ecg = read_ecg({"ecg.scp": first})
    np.testing.assert_array_equal(ecg.signal, read_ecg({"ecg.scp": scp()}).signal)
    assert ecg.notes == ()
    # A checksum that does not fit is still said.
    damaged = bytes([first[0] ^ 1]) + first[1:]
    assert "checksum" in read_ecg({"ecg.scp": damaged}).notes[0]


def test_leads_that_were_recorded_one_after_another_are_not_laid_together():
    n = ECG.signal.shape[1]
    spans = [(1, n)] * 6 + [(n + 1, 2 * n)] * 6
    with pytest.raises(ECGError, match="one after another"):
        read_ecg({"ecg.scp": scp(spans=spans)})
