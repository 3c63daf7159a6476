"""SCP-ECG (EN 1064, ISO 11073-91064), through ecgdatakit."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

from protoecg.ecg import ECGError
from protoecg.readers import vendor
from protoecg.readers.recording import Recording

MAX_BYTES = 2_000_000
MAX_PACKED_BYTES = 400_000
MAX_SAMPLES = 400_000
# Leads, beats, samples of the reference beat.
MAX_OF_EACH = (64, 1_000, 20_000)

_SECTION_0 = struct.Struct("<HIHHI")
_POINTER = struct.Struct("<HII")
_LEAD = struct.Struct("<IIB")
_SECTION_HEADER = 16


def is_scp(content: bytes) -> bool:
    """Whether a file's content is SCP-ECG: its first pointer is that of Section 0 itself."""
    if len(content) < 32:
        return False
    _, _, _, section, length = _SECTION_0.unpack_from(content)
    number, own_length, index = _POINTER.unpack_from(content, 22)
    return (section, number, index) == (0, 0, 7) and length == own_length


def read(content: bytes, source: str) -> Recording:
    """Read the rhythm data of Section 6."""
    sections = dict(_sections(content))
    # Packed by Huffman's codes (Section 2) it takes time by the bit.
    most = MAX_PACKED_BYTES if 2 in sections else MAX_BYTES
    samples = _samples(sections.get(3, b""))
    if len(content) > most or samples > MAX_SAMPLES:
        raise ECGError(
            f"{source} announces {samples:,} samples in {len(content):,} bytes, at most "
            f"{MAX_SAMPLES:,} in {most:,} are read. Export ten seconds of the recording."
        )
    announced = (_leads(sections), _beats(sections), _beat_samples(sections))
    if any(n > most for n, most in zip(announced, MAX_OF_EACH, strict=True)):
        raise ECGError(
            f"{source} announces more leads or beats than any ECG has. Export ten seconds of the "
            "recording."
        )
    return vendor.read(SCPECGParser, content, source)


def _sections(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Return each section's number and body; of two with one number the last is read."""
    length = _SECTION_0.unpack_from(content)[4]
    pointers = content[22 : 6 + length]
    for number, size, index in _POINTER.iter_unpack(pointers[: len(pointers) // 10 * 10]):
        if number and size:
            yield number, content[index - 1 + _SECTION_HEADER : index - 1 + size]


def _leads(sections: Mapping[int, bytes]) -> int:
    return int.from_bytes(sections.get(3, b"")[:1])


def _samples(leads: bytes) -> int:
    """Return the samples of all leads by Section 3, as room is made for them before they come."""
    spans = leads[2 : 2 + 9 * int.from_bytes(leads[:1])]
    whole = spans[: len(spans) // 9 * 9]
    return sum(max(end - start + 1, 0) for start, end, _ in _LEAD.iter_unpack(whole))


def _beats(sections: Mapping[int, bytes]) -> int:
    return int.from_bytes(sections.get(4, b"")[4:6], "little")


def _beat_samples(sections: Mapping[int, bytes]) -> int:
    """Return the samples of a reference beat, as room is made for them before they come."""
    length_ms = int.from_bytes(sections.get(4, b"")[:2], "little")
    step_us = int.from_bytes(sections.get(5, b"")[2:4], "little")
    return length_ms * 1000 // max(step_us, 1)
