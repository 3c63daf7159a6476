"""SCP-ECG (EN 1064, ISO 11073-91064), through ecgdatakit."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Iterator, Mapping

from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

from protoecg.ecg import ECGError
from protoecg.readers import vendor
from protoecg.readers.channels import Channels

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


def read(content: bytes, source: str) -> Channels:
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
    begins = {start for start, _ in _spans(sections.get(3, b""))}
    if len(begins) > 1:
        raise ECGError(
            f"The leads of {source} begin at different moments (samples "
            f"{', '.join(map(str, sorted(begins)))}): they were recorded one after another. Export "
            "leads that were recorded together."
        )
    if begins == {0}:
        content = _counted_from_one(content)
    return vendor.read(SCPECGParser, content, source)


def _counted_from_one(content: bytes) -> bytes:
    """Return a file whose Section 3 counts samples from 0 as the standard does, from 1.

    Checksums that were right are right again, those that were not stay wrong.
    """
    file = bytearray(content)
    at, size = next((i, size) for number, size, i in _pointers(content) if number == 3)
    section = slice(at, at + size)
    file_fits, section_fits = _fits(content), _fits(content[section])
    leads = at + _SECTION_HEADER + 2
    for place in range(leads, leads + 9 * content[leads - 2], 9):
        start, end, code = _LEAD.unpack_from(content, place)
        _LEAD.pack_into(file, place, start + 1, end + 1, code)
    if section_fits:
        file[at : at + 2] = _checksum(bytes(file[section]))
    if file_fits:
        file[:2] = _checksum(bytes(file))
    return bytes(file)


def _checksum(part: bytes) -> bytes:
    """Return the CRC-CCITT of a file or section, which begins with the place for it."""
    return crc_hqx(part[2:], 0xFFFF).to_bytes(2, "little")


def _fits(part: bytes) -> bool:
    return part[:2] == _checksum(part)


def _pointers(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Return number, size and first byte of each section that is there."""
    length = _SECTION_0.unpack_from(content)[4]
    pointers = content[22 : 6 + length]
    for number, size, index in _POINTER.iter_unpack(pointers[: len(pointers) // 10 * 10]):
        if number and size and index:
            yield number, size, index - 1


def _sections(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Return each section's number and body; of two with one number the last is read."""
    for number, size, at in _pointers(content):
        yield number, content[at + _SECTION_HEADER : at + size]


def _leads(sections: Mapping[int, bytes]) -> int:
    return int.from_bytes(sections.get(3, b"")[:1])


def _samples(leads: bytes) -> int:
    """Return the samples of all leads by Section 3, as room is made for them before they come."""
    return sum(max(end - start + 1, 0) for start, end in _spans(leads))


def _spans(leads: bytes) -> list[tuple[int, int]]:
    """Return first and last sample of each lead by Section 3."""
    spans = leads[2 : 2 + 9 * int.from_bytes(leads[:1])]
    whole = spans[: len(spans) // 9 * 9]
    return [(start, end) for start, end, _ in _LEAD.iter_unpack(whole)]


def _beats(sections: Mapping[int, bytes]) -> int:
    return int.from_bytes(sections.get(4, b"")[4:6], "little")


def _beat_samples(sections: Mapping[int, bytes]) -> int:
    """Return the samples of a reference beat, as room is made for them before they come."""
    length_ms = int.from_bytes(sections.get(4, b"")[:2], "little")
    step_us = int.from_bytes(sections.get(5, b"")[2:4], "little")
    return length_ms * 1000 // max(step_us, 1)
