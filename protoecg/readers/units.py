"""Units of voltage, as files and people spell them."""

from __future__ import annotations

import re

MICRO_SIGNS = "\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}"

_MILLIVOLTS = {
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1.0),
    **dict.fromkeys(("uv", "microvolt", "microvolts"), 1e-3),
    **dict.fromkeys(("v", "volt", "volts"), 1e3),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-6),
}
# No voltages; all other words are a stranger's text.
_KNOWN = {"mmhg", "bpm", "adu", "counts", "digits", "lsb", "raw", "a.u.", "au", "%", "nt", "pt"}
_COUNT = re.compile(r"(?:(\d{1,9}(?:[.,]\d{1,9})?)\s*)?([^\d\s].*)")


def plain(unit: str) -> str:
    """Return a unit in lower case, without brackets, quotes or Greek letters."""
    return unit.strip(" '\"()[]").translate(dict.fromkeys(map(ord, MICRO_SIGNS), "u")).lower()


def millivolts(unit: str) -> float | None:
    """Return the millivolts of one unit (`"uV"`: 0.001), or None if it is no voltage."""
    return _MILLIVOLTS.get(plain(unit))


def counts_in_millivolts(text: str) -> float | None:
    """Return the millivolts of one count (`"4.88 uV"`: 0.00488), or None if it is no voltage."""
    match = _COUNT.fullmatch(text.strip()[:30])
    unit = millivolts(match[2]) if match else None
    if match is None or unit is None:
        return None
    return unit * float(match[1].replace(",", ".")) or None if match[1] else unit


def in_brackets(unit: str) -> str:
    """Return an unknown unit to be quoted, `" (mmHg)"`, or nothing where it may be any text."""
    return f" ({unit.strip()})" if plain(unit) in _KNOWN else ""
