"""XML whose bytes are not in the encoding that its first line declares: devices write such."""

from __future__ import annotations

import re

_DECLARED = re.compile(r"""^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.-]{1,40})["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# UTF-16 where no mark says so: every other byte is zero, up to the first "<" and behind it.
_UNMARKED = (
    (re.compile(rb"(?:\s\0)*<\0"), "utf-16-le"),
    (re.compile(rb"(?:\0\s)*\0<"), "utf-16-be"),
)


def is_utf_16(content: bytes) -> bool:
    """Whether the bytes are an XML document in UTF-16, with a byte order mark or without."""
    start = content.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return any(pattern.match(start) for pattern, _ in _UNMARKED)


def in_utf_8(content: bytes) -> bytes:
    """Return a document in UTF-8 without its declaration, by its bytes and not by what it says.

    The declared encoding counts only where the bytes are not UTF-8; what it cannot decode either
    is read as Latin-1, in which every byte is some letter.
    """
    return _DECLARATION.sub("", _decoded(content)).encode()


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace").lstrip("\ufeff")
    for pattern, encoding in _UNMARKED:
        if pattern.match(content):
            return content.decode(encoding, errors="replace")
    first = content[:200].decode("latin-1")
    declared = _DECLARED.match(first)
    for encoding in ("utf-8", declared[1] if declared else "latin-1"):
        # A declared UTF-16 that has no zero bytes is none.
        if "16" not in encoding:
            try:
                return content.decode(encoding)
            except (UnicodeDecodeError, LookupError):
                continue
    return content.decode("latin-1")
