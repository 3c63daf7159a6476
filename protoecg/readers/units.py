"""Units of voltage, as files spell them."""

from __future__ import annotations

MICRO_SIGNS = "\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}"

_MILLIVOLTS = {
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1.0),
    **dict.fromkeys(("uv", "microvolt", "microvolts"), 1e-3),
    **dict.fromkeys(("v", "volt", "volts"), 1e3),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-6),
}


def plain(unit: str) -> str:
    """Return a unit in lower case, without brackets, quotes or Greek letters."""
    return unit.strip(" '\"()[]").translate(dict.fromkeys(map(ord, MICRO_SIGNS), "u")).lower()


def millivolts(unit: str) -> float | None:
    """Return the millivolts of one unit (`"uV"`: 0.001), or None if it is no voltage."""
    return _MILLIVOLTS.get(plain(unit))


def factor(unit: str, lead: str) -> tuple[float, tuple[str, ...]]:
    """Return the factor to millivolts, and a note where the unit had to be guessed."""
    known = millivolts(unit)
    if known is not None:
        return known, ()
    # The unit itself stays unsaid: whatever stands there is a stranger's text.
    shown = f"unit of {lead} is unknown" if unit.strip() else f"file gives no unit for {lead}"
    return 1.0, (f"The {shown}: millivolts are assumed.",)
