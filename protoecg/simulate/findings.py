"""Which statements the simulator knows, and which of them go together."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

SINUS = ("SR", "SBRAD", "STACH", "SARRH")
RHYTHMS = (*SINUS, "AFIB", "AFLT", "PACE")
# Groups of which an ECG has at most one.
_ALTERNATIVES = (
    RHYTHMS,
    ("CLBBB", "CRBBB", "WPW"),
    ("CLBBB", "LAFB", "WPW"),
    ("ASMI", "IMI"),
    ("LVH", "LVOLT"),
    ("STD_", "INVT"),
)
_WIDE = ("CLBBB", "PACE", "WPW")
# A paced or pre-excited or left-bundle-blocked complex hides what these are read from.
_HIDDEN = ("ASMI", "IMI", "LVH", "STD_", "INVT", "LNGQT", "LAFB", "LVOLT")
_EXCLUDES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_WIDE, _HIDDEN),
    "PACE": (*_HIDDEN, "CLBBB", "CRBBB", "WPW", "1AVB", "PAC", "PVC"),
    "AFIB": ("1AVB", "PAC", "WPW", "LNGQT"),
    "AFLT": ("1AVB", "PAC", "PVC", "WPW", "LNGQT", "STD_", "INVT", "LVOLT"),
    "STACH": ("1AVB", "LNGQT", "PVC", "PAC"),
    "SARRH": ("PVC", "PAC"),
    "WPW": (*_HIDDEN, "1AVB"),
    "CRBBB": ("LVH", "LVOLT"),
    "LVH": ("LAFB", "STD_", "INVT", "ASMI"),
    "ASMI": ("STD_", "INVT"),
    "IMI": ("STD_", "INVT", "LAFB"),
    "LVOLT": ("ASMI", "INVT", "STD_"),
}
_PRIMARY = {
    "NORM": 5.0,
    **dict.fromkeys(("AFIB", "PVC"), 1.4),
    **dict.fromkeys(("SBRAD", "STACH", "AFLT", "1AVB", "PAC", "CLBBB", "CRBBB"), 1.1),
    **dict.fromkeys(("LVH", "ASMI", "IMI", "STD_", "INVT", "LNGQT", "PACE", "LVOLT"), 1.1),
    **dict.fromkeys(("WPW", "SARRH", "LAFB"), 0.6),
}
CODES = ("SR", *_PRIMARY)
# What an ECG may show besides its first finding.
_SECONDARY = ("PVC", "PAC", "AFIB", "1AVB", "LVH", "CRBBB", "IMI", "LAFB", "SBRAD", "INVT", "STD_")


def completed(statements: Collection[str]) -> tuple[str, ...]:
    """Add the rhythm that goes without saying, in the order of `CODES`.

    Raises
    ------
    ValueError
        If a statement is not among `CODES`, or two of them cannot stand together.
    """
    codes = set(statements)
    if unknown := codes - set(CODES):
        raise ValueError(
            f"Cannot simulate {', '.join(sorted(unknown))}; choose from {', '.join(CODES)}."
        )
    if not codes & set(RHYTHMS):
        codes.add("SR")
    if codes == {"SR"}:
        codes.add("NORM")
    for first, second in _pairs(codes):
        if not compatible(first, second):
            raise ValueError(f"{first} and {second} do not stand together in one ECG; drop one.")
    return tuple(code for code in CODES if code in codes)


def compatible(first: str, second: str) -> bool:
    """Whether two statements can describe the same simulated ECG."""
    if "NORM" in (first, second):
        return {first, second} - {"NORM"} <= set(SINUS)
    if any(first in group and second in group for group in _ALTERNATIVES):
        return False
    return second not in _EXCLUDES.get(first, ()) and first not in _EXCLUDES.get(second, ())


def draw(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw the statements of one ECG: a first finding and, for one in three, a second."""
    weights = np.array(list(_PRIMARY.values()))
    first = str(rng.choice(list(_PRIMARY), p=weights / weights.sum()))
    if first == "NORM":
        rhythm = rng.choice(["SR", "SBRAD", "STACH", "SARRH"], p=[0.8, 0.08, 0.05, 0.07])
        return completed((first, str(rhythm)))
    fitting = [code for code in _SECONDARY if code != first and compatible(first, code)]
    if fitting and rng.uniform() < 0.33:
        return completed((first, str(rng.choice(fitting))))
    return completed((first,))


def _pairs(codes: Iterable[str]) -> Iterable[tuple[str, str]]:
    ordered = sorted(codes)
    return ((a, b) for i, a in enumerate(ordered) for b in ordered[i + 1 :])
