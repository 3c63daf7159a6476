"""XML files of several vendors, told apart by their root element."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser
from ecgdatakit.parsing.codecs import LzwDecoder
from ecgdatakit.parsing.parsers.ge_muse_xml import GEMuseXMLParser
from ecgdatakit.parsing.parsers.hl7_aecg import HL7aECGParser
from ecgdatakit.parsing.parsers.mortara_el250 import MortaraEL250Parser
from ecgdatakit.parsing.parsers.sierra_xml import SierraXMLParser

from protoecg.ecg import ECGError
from protoecg.readers import vendor
from protoecg.readers.channels import Channels
from protoecg.readers.formats import XML
from protoecg.readers.xml import plain
from protoecg.readers.xml.aecg_sets import with_one_sequence_set
from protoecg.readers.xml.xml_encoding import in_utf_8, is_utf_16

MAX_BYTES = 4_000_000
MAX_ELEMENTS = 50_000
MAX_DEPTH = 50
MAX_UNPACKED = 500_000
MAX_CHANNELS = 256
MAX_ATTRIBUTES = 100

_SCHILLER = "wavedata"
# By the name of the root element, in lower case; Schiller's has several, and one of these within.
_READERS: dict[str, Callable[[bytes, str], Channels]] = {
    "annotatedecg": partial(vendor.read, HL7aECGParser),
    "restingecg": partial(vendor.read, GEMuseXMLParser),
    "restingecgdata": partial(vendor.read, SierraXMLParser),
    "ecg": partial(vendor.read, MortaraEL250Parser),
    "cardiologyxml": plain.cardiosoft,
    _SCHILLER: plain.schiller,
}
_START = re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml|!DOCTYPE|!--|[A-Za-z])")
_CODE_BITS = 10
_CHANNEL_COUNTS = {"numberchannelsallocated", "numberchannelsvalid"}


def is_xml(content: bytes) -> bool:
    """Whether a file's content is XML."""
    return is_utf_16(content) or _START.match(content) is not None


def read(content: bytes, source: str) -> Channels:
    """Read the rhythm strip, after the document is known to be harmless."""
    if len(content) > MAX_BYTES:
        raise ECGError(
            f"{source} is an XML file of {len(content) / 1e6:.0f} MB, at most "
            f"{MAX_BYTES / 1e6:.0f} MB are read. Export a shorter part of the recording; ten "
            "seconds are enough."
        )
    content = in_utf_8(content)
    survey = _survey(content, source)
    if survey.sequence_sets > 1:
        content = with_one_sequence_set(content)
    reader = _READERS.get(_SCHILLER if survey.is_schiller else survey.root.lower())
    if reader is None:
        raise ECGError(
            f"{source} is an XML file of another kind, expected {XML}. Export the ECG as one of "
            "these, or as DICOM or SCP-ECG."
        )
    for text in survey.packed:
        _refuse_bomb(text, source)
    return reader(content, source)


class _Survey:
    """Parser target that keeps the root's name and packed waveforms, and counts the rest."""

    def __init__(self, source: str) -> None:
        self.root = ""
        self.sequence_sets = 0
        self.is_schiller = False
        self._source = source
        self._elements = 0
        # Of each element that is open: where its own text goes, or None.
        self._open: list[list[str] | None] = []
        self._waveforms: list[list[str]] = []
        self._counts: list[list[str]] = []

    @property
    def packed(self) -> list[str]:
        """The text of each waveform that may be packed, what its children hold left out."""
        return ["".join(parts) for parts in self._waveforms]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self.root = self.root or name
        self.sequence_sets += name == "sequenceSet"
        self.is_schiller |= name == _SCHILLER
        self._elements += 1
        self._open.append(self._kept(name.lower(), attributes))
        if (
            self._elements > MAX_ELEMENTS
            or len(self._open) > MAX_DEPTH
            or len(attributes) > MAX_ATTRIBUTES
        ):
            self._refuse("of too many parts, more than any ECG needs")

    def _kept(self, name: str, attributes: dict[str, str]) -> list[str] | None:
        if name == "parsedwaveforms" and "XLI" in " ".join(attributes.values()).upper():
            return _begun(self._waveforms)
        return _begun(self._counts) if name in _CHANNEL_COUNTS else None

    def data(self, text: str) -> None:
        if self._open and (own := self._open[-1]) is not None:
            own.append(text)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def close(self) -> _Survey:
        # A name is made for each channel before the samples are counted.
        for parts in self._counts:
            digits = re.sub(r"\D", "", "".join(parts))
            if len(digits) > len(str(MAX_CHANNELS)) or int(digits or 0) > MAX_CHANNELS:
                self._refuse("that announces more channels than any ECG has")
        return self

    def _refuse(self, what: str) -> NoReturn:
        raise ECGError(f"{self._source} is an XML file {what}. Export the ECG again.")


def _begun(texts: list[list[str]]) -> list[str]:
    texts.append([])
    return texts[-1]


def _survey(content: bytes, source: str) -> _Survey:
    survey = _Survey(source)
    parser = DefusedXMLParser(target=survey)
    try:
        parser.feed(content)
        parser.close()
    except DefusedXmlException:
        raise ECGError(
            f"{source} defines XML entities, which are refused: they can be made to fill the "
            "memory or to read other files. Export the ECG again."
        ) from None
    return survey


def _refuse_bomb(text: str, source: str) -> None:
    """Unpack without keeping anything, as a few bytes can be packed to stand for gigabytes."""
    packed, at, unpacked = base64.b64decode("".join(text.split()), validate=True), 0, 0
    for _ in range(MAX_CHANNELS):
        if at >= len(packed):
            return
        size = int.from_bytes(packed[at : at + 4], "little")
        decoder = LzwDecoder(packed[at + 8 : at + 8 + size], _CODE_BITS)
        while decoder.read() >= 0:
            unpacked += 1
            if unpacked > MAX_UNPACKED:
                raise ECGError(
                    f"{source} unpacks to more than {MAX_UNPACKED / 1e6:g} MB of samples. "
                    "Export a shorter part of the recording; ten seconds are enough."
                )
        at += 8 + size
    raise ECGError(f"{source} announces more channels than any ECG has. Export the ECG again.")
