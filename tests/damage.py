"""Damages to files: to their bytes and numbers, to the parts of a text, to an archive's members."""

import io
import re
import struct
import zipfile
from random import Random

PRINTED = rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
NUMBERS = b"0 -1 1 2 1e308 1e-308 nan inf 255 65535 65536 99999999 4294967296 1e9 -0.0 007".split()
LARGE = (0, 1, 2, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
# Beyond it no reader reads on, and damages that repeat what they repeated would fill the memory.
LARGEST = 30_000_000
SEPARATORS = (b"<", b">", b"\n", b",", b" ", b"\0", b'"', b"=")
DOCTYPE = b'<!DOCTYPE a [<!ENTITY x "%s"><!ENTITY y SYSTEM "file:///etc/hostname">]>' % (b"x" * 999)
MEMBERS = (
    "../ecg",
    "/tmp/ecg",
    "a/" * 40 + "ecg",
    "ecg\0",
    "ECG.hea",
    "é",
    "",
    "ecg.npy",
    "fs.npy",
)


def damaged(content: bytes, random: Random) -> bytes:
    """Return a file with one to eight damages, of an archive often to what is packed in it."""
    if content.startswith(b"PK") and random.random() < 0.6:
        return _repacked(content, random)
    for _ in range(random.randint(1, 8)):
        if len(content) < LARGEST:
            content = random.choice(DAMAGES)(content, random)
    return content


def _place(content: bytes, random: Random) -> int:
    """Choose a place, most often where formats keep their headers or directories."""
    size = len(content)
    first, end = random.choice([(0, 300), (0, 600), (0, 8000), (0, size), (size - 300, size)])
    return random.randint(max(first, 0), max(min(end, size), 0))


def _spliced(content: bytes, random: Random) -> bytes:
    at, length = _place(content, random), random.randint(0, 40)
    new = random.choice(
        [random.randbytes(random.randint(1, 4)), content[at : at + length] * 2, b""]
    )
    return content[:at] + new + content[at + random.choice([length, len(new)]) :]


def _binary_number(content: bytes, random: Random) -> bytes:
    at, order, kind = _place(content, random), random.choice("<>"), random.choice("BHI")
    value = random.choice([*LARGE, len(content)]) % 256 ** struct.calcsize(kind)
    new = struct.pack(order + kind, value)
    return content[:at] + new + content[at + len(new) :]


def _printed_number(content: bytes, random: Random) -> bytes:
    """Print another number, as wide as before in half of the tries, as fixed fields need it."""
    at = _place(content, random)
    found = re.compile(PRINTED).search(content, at)
    if not found:
        return content
    new = random.choice(NUMBERS)
    if random.random() < 0.5:
        new = new[: len(found[0])].ljust(len(found[0]))
    return content[: found.start()] + new + content[found.end() :]


def _part(content: bytes, random: Random) -> bytes:
    """Repeat, drop or move a part of a text: a row, a cell, an element, a field."""
    parts = content.split(separator := random.choice(SEPARATORS))
    at, count = random.randrange(min(len(parts), 400)), random.choice([1, 1, 2, 5])
    kept = parts[at : at + count]
    many = min(50, max(2, LARGEST // max(len(content), 1)))
    parts[at : at + count] = random.choice([[], kept * 2, kept * many, kept[::-1], [b""]])
    return separator.join(parts)


def _entity(content: bytes, random: Random) -> bytes:
    """Define XML entities before the root, or use one."""
    where = content.find(b"?>") + 2 if random.random() < 0.5 else _place(content, random)
    return content[:where] + random.choice([DOCTYPE, b"&x;", b"&y;", b"<!--"]) + content[where:]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.choice([len(content), len(content) - 1, _place(content, random)])]


def _repacked(content: bytes, random: Random) -> bytes:
    """Damage, rename, double or nest a member, and pack the archive whole again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at = random.randrange(len(members))
    name, inside = members[at]
    members[at] = random.choice([(name, damaged(inside, random)), (random.choice(MEMBERS), inside)])
    members += random.choice([[], [], [members[0]], [("inner.zip", content)]])
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", random.choice([0, 8])) as archive:
        for name, inside in members:
            archive.writestr(zipfile.ZipInfo(name), inside, random.choice([0, 8]))
    return written.getvalue()


DAMAGES = (_spliced, _spliced, _binary_number, _printed_number, _part, _entity, _cut)
