"""What a report in words says against a statement that its ECG is labelled with.

PTB-XL's reports are in German, English and Swedish. Each pattern names a rhythm or a conduction
that cannot be where the statement is true; one that the report denies, or has of an earlier ECG or
fears for later, does not count, nor a report that was edited to say the statement by its code.
"""

from __future__ import annotations

import re

_AV = r"a-?v[- ]*"
_DISSOCIATION = rf"{_AV}disso[zc]iation"
# The atria do not lead the ventricles.
_NO_CONDUCTION = (
    rf"{_DISSOCIATION}|{_AV}rhythmus|junctional|nodal rytm|knotenrhythmus"
    r"|kammer-?rhythmus|idioventri[kc]ul|ventricular rhythm"
)
_HIGHER_BLOCK = (
    rf"{_AV}block (ii|2|iii|3)\b|(second|third|2nd|3rd)[ -]degree|wenckebach|mobitz|complete heart"
)
_FIBRILLATION = (
    r"vorhof-?(flimmern|flattern)|atrial (fibrillation|flutter)|förmaks(flimmer|fladder)"
)
_SINUS = rf"{_NO_CONDUCTION}|{_FIBRILLATION}"
_LONG_PR = rf"{_SINUS}|{_HIGHER_BLOCK}"
_AGAINST = {
    **dict.fromkeys(("SR", "SBRAD", "STACH", "SARRH"), _SINUS),
    **dict.fromkeys(("1AVB", "LPR"), _LONG_PR),
    "2AVB": _DISSOCIATION,
    "3AVB": rf"second[ -]degree|wenckebach|{_AV}block (ii|2)\b",
    "AFIB": r"sinus ?rh?yt|sinus(tachy|brady)",
}
AGAINST = {code: re.compile(pattern) for code, pattern in _AGAINST.items()}
_DENIED = re.compile(
    r"\b(no|not|without|kein\w*|nicht|ohne|ej|inga?|compared|previous\w*|risk)\b[^.;]*$"
)
_EDITED = re.compile(r"\bedit:")


def contradicts(report: str, code: str) -> bool:
    """Whether a report says what cannot be true beside a statement."""
    if code not in AGAINST:
        return False
    text, *edits = _EDITED.split(report.lower())
    if any(code.lower() in edit for edit in edits):
        return False
    return any(not _DENIED.search(text[: match.start()]) for match in AGAINST[code].finditer(text))
