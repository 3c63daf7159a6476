"""SCP-ECG (EN 1064, ISO 11073-91064), through ecgdatakit."""

from __future__ import annotations

import struct

from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

from protoecg.ecg import ECGError
from protoecg.readers import vendor
from protoecg.readers.recording import Recording

MAX_BYTES = 2_000_000
MAX_SAMPLES = 400_000

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
    samples = _announced(content)
    if len(content) > MAX_BYTES or samples > MAX_SAMPLES:
        raise ECGError(
            f"{source} announces {samples:,} samples in {len(content):,} bytes, at most "
            f"{MAX_SAMPLES:,} in {MAX_BYTES:,} are read. Export ten seconds of the recording."
        )
    return vendor.read(SCPECGParser, content, source)


def _announced(content: bytes) -> int:
    """Return the samples of all leads by Section 3, as room is made for them before they come."""
    length = _SECTION_0.unpack_from(content)[4]
    pointers = content[22 : 6 + length]
    for number, size, index in _POINTER.iter_unpack(pointers[: len(pointers) // 10 * 10]):
        if number == 3 and size:
            body = content[index - 1 + _SECTION_HEADER : index - 1 + size]
            leads = body[2 : 2 + 9 * body[0]]
            spans = _LEAD.iter_unpack(leads[: len(leads) // 9 * 9])
            return sum(max(end - start + 1, 0) for start, end, _ in spans)
    return 0
