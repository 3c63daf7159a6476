"""HL7 aECG documents that keep limb and chest leads in several sequence sets."""

from __future__ import annotations

from xml.etree.ElementTree import Element  # noqa: S405 - for its type; defusedxml parses

from defusedxml import ElementTree

_HL7 = "{urn:hl7-org:v3}"
_SETS = f"{_HL7}component/{_HL7}sequenceSet"
_SEQUENCES = f"{_HL7}component/{_HL7}sequence"


def with_one_sequence_set(content: bytes) -> bytes:
    """Move the leads of all sets of a series into its first one, where they tell the same time.

    Sets that begin at another time or count other steps hold leads that were recorded one after
    another; they stay where they are, and their leads are then missing rather than laid together.
    """
    root = ElementTree.fromstring(content)
    _begin_with_the_fullest(root)
    for series in root.iter(f"{_HL7}series"):
        sets = series.findall(_SETS)
        for other in sets[1:]:
            if _time(other) == _time(sets[0]):
                sets[0].extend(_leads(other))
    return ElementTree.tostring(root, encoding="utf-8")


def _begin_with_the_fullest(root: Element) -> None:
    """Move the series of most leads that is no averaged beat before the others: it is read."""
    found = [part for part in root.findall(f"{_HL7}component") if _leads_of(part)]
    if len(found) > 1 and (fullest := max(found, key=_leads_of)) is not found[0]:
        place = list(root).index(found[0])
        root.remove(fullest)
        root.insert(place, fullest)


def _leads_of(component: Element) -> int:
    series = component.find(f"{_HL7}series")
    kind = None if series is None else series.find(f"{_HL7}code")
    if series is None or (kind is not None and kind.get("code") == "REPRESENTATIVE_BEAT"):
        return 0
    return sum(len(_leads(one)) for one in series.findall(_SETS))


def _code(component: Element) -> str:
    code = component.find(f"{_HL7}sequence/{_HL7}code")
    return "" if code is None else code.get("code", "")


def _leads(sequence_set: Element) -> list[Element]:
    components = sequence_set.findall(f"{_HL7}component")
    return [component for component in components if not _code(component).startswith("TIME_")]


def _time(sequence_set: Element) -> list[tuple[str, ...]]:
    """Return the time of a set: where it begins, and its step."""
    return [
        tuple(
            "" if part is None else f"{part.get('value')} {part.get('unit')}"
            for part in (sequence.find(f".//{_HL7}head"), sequence.find(f".//{_HL7}increment"))
        )
        for sequence in sequence_set.findall(_SEQUENCES)
        if sequence.find(f"{_HL7}code[@code='TIME_ABSOLUTE']") is not None
        or sequence.find(f"{_HL7}code[@code='TIME_RELATIVE']") is not None
    ]
