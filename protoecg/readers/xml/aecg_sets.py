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
    for series in root.iter(f"{_HL7}series"):
        sets = series.findall(_SETS)
        for other in sets[1:]:
            if _time(other) == _time(sets[0]):
                sets[0].extend(_leads(other))
    return ElementTree.tostring(root, encoding="utf-8")


def _code(component: Element) -> str:
    code = component.find(f"{_HL7}sequence/{_HL7}code")
    return "" if code is None else code.get("code", "")


def _leads(sequence_set: Element) -> list[Element]:
    components = sequence_set.findall(f"{_HL7}component")
    return [component for component in components if not _code(component).startswith("TIME_")]


def _time(sequence_set: Element) -> list[tuple[str, ...]]:
    """Return what a set says of its time: where it begins, and its step."""
    return [
        tuple(
            "" if part is None else f"{part.get('value')} {part.get('unit')}"
            for part in (sequence.find(f".//{_HL7}head"), sequence.find(f".//{_HL7}increment"))
        )
        for sequence in sequence_set.findall(_SEQUENCES)
        if sequence.find(f"{_HL7}code[@code='TIME_ABSOLUTE']") is not None
        or sequence.find(f"{_HL7}code[@code='TIME_RELATIVE']") is not None
    ]
