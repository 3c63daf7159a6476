"""What leads are called: the twelve, those beside them, and how devices spell them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# What a recording may hold besides: posterior and right chest leads, and those of Frank.
OTHER_LEADS = (
    *("V7", "V8", "V9", "V1R", "V2R", "V3R", "V4R", "V5R", "V6R", "V7R", "V8R", "V9R"),
    *("X", "Y", "Z"),
)
# Limb leads that I and II make (Einthoven, Goldberger).
DERIVABLE = ("III", "aVR", "aVL", "aVF")

_SEPARATORS = re.compile(r"[\s_.-]+")
_INVERTED = re.compile(r"(^|[\s_.])-\s*A?V|AV[RLF]\s*-$|MINUS|INVERTED|^-")
# German, French, Italian, Spanish and Portuguese devices; "D II" is Spanish for lead II.
_PREFIX = re.compile(
    r"^(MDC)?(ECG|EKG)?(LEAD|ABLEITUNG|ABL|D[EÉ]RIVATION|D[EÉ]RIV|DERIVAZIONE|DERIVACI[OÓ]N)?"
    r"(ML|D(?=[I123]))?"
)
# IEC 60601-2-25 calls the chest leads C1 to C6; French ones may leave out the "a" of aVR.
_IEC = {f"C{number}": f"V{number}" for number in range(1, 7)}
_LEAD_OF_KEY = {
    **{lead.upper(): lead for lead in LEADS},
    **{"1": "I", "2": "II", "3": "III", "VR": "aVR", "VL": "aVL", "VF": "aVF"},
    **_IEC,
}
_OTHER_OF_KEY = {
    **{lead: lead for lead in OTHER_LEADS},
    **{lead.replace("V", "C"): lead for lead in OTHER_LEADS if lead.startswith("V")},
    # Frank's leads as PTB's diagnostic database spells them; right chest leads the other way round.
    **{f"V{axis}": axis for axis in "XYZ"},
    **{f"RV{number}": f"V{number}R" for number in range(1, 10)},
}
# Channels of monitors and sleep laboratories; all other names are a stranger's text.
_SIGNALS = {
    word.upper(): word
    for word in (
        *("ABP", "ART", "BP", "CM5", "CC5", "CVP", "ECG", "EDF Annotations", "EEG", "EKG", "EMG"),
        *("EOG", "ICP", "Marker", "Pace", "PAP", "Pleth", "Resp", "SpO2", "Status", "Temp"),
        *("Trigger", "-aVR"),
    )
}
_NUMBERED = re.compile(r"[A-Za-z]{0,2}[ _.-]?\d{1,3}")


def lead_named(name: str) -> str | None:
    """Return the lead that a channel name means (`"Lead II"`, `"avr"`, `"MLII"`), or None."""
    return _LEAD_OF_KEY.get(_key(name))


def other_lead_named(name: str) -> str | None:
    """Return the lead beside the twelve that a channel name means (`"V4r"`, `"vx"`), or None."""
    return _OTHER_OF_KEY.get(_key(name))


def has_all_leads(names: Iterable[str]) -> bool:
    """Whether channels of these names make twelve leads, computed limb leads included."""
    found = {lead_named(name) for name in names}
    return found >= set(LEADS) - set(DERIVABLE)


def is_iec(name: str) -> bool:
    """Whether a name is one of IEC 60601-2-25, such as C3, which is also a place of an EEG."""
    return name.strip().upper()[-2:] in _IEC


# A header names each of its leads a dozen times.
@lru_cache(maxsize=128)
def _key(name: str) -> str:
    # Roman numerals have letters of their own, too.
    key = unicodedata.normalize("NFKC", name).strip().upper()
    # -aVR is aVR upside down, another lead.
    if _INVERTED.search(key):
        return ""
    return _PREFIX.sub("", _SEPARATORS.sub("", key)).removesuffix("REF")


def not_understood(names: Iterable[str]) -> tuple[str, ...]:
    """Return the channels that are no lead, in words that cannot hold a patient's name.

    What is called as monitors call their signals, or by two letters and a number at most, is
    quoted; any other channel is named by its position in the file.
    """
    return tuple(
        _SIGNALS.get(name.strip().upper())
        or (name.strip() if _NUMBERED.fullmatch(name.strip()) else f"channel {place}")
        for place, name in enumerate(names, 1)
        if not lead_named(name) and not other_lead_named(name)
    )
