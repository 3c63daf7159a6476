"""XML files: HL7 aECG, GE MUSE and Philips Sierra, told apart by their root element."""

from __future__ import annotations

import base64
import re

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser
from ecgdatakit.parsing.codecs import LzwDecoder
from ecgdatakit.parsing.parsers.ge_muse_xml import GEMuseXMLParser
from ecgdatakit.parsing.parsers.hl7_aecg import HL7aECGParser
from ecgdatakit.parsing.parsers.sierra_xml import SierraXMLParser

from protoecg.ecg import ECGError
from protoecg.readers import vendor
from protoecg.readers.aecg_sets import with_one_sequence_set
from protoecg.readers.recording import Recording
from protoecg.readers.xml_encoding import in_utf_8, is_utf_16

MAX_BYTES = 4_000_000
MAX_ELEMENTS = 50_000
MAX_DEPTH = 50
MAX_UNPACKED = 500_000

_PARSERS: dict[str, type[HL7aECGParser] | type[GEMuseXMLParser] | type[SierraXMLParser]] = {
    "annotatedecg": HL7aECGParser,
    "restingecg": GEMuseXMLParser,
    "restingecgdata": SierraXMLParser,
}
_START = re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml|!DOCTYPE|!--|[A-Za-z])")
_CODE_BITS = 10


def is_xml(content: bytes) -> bool:
    """Whether a file's content is XML."""
    return is_utf_16(content) or _START.match(content) is not None


def read(content: bytes, source: str) -> Recording:
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
    parser = _PARSERS.get(survey.root.lower())
    if parser is None:
        raise ECGError(
            f"{source} is an XML file of another kind: its root is <{survey.root[:40]}>, expected "
            "HL7 aECG, GE MUSE or Philips Sierra. Export the ECG as one of these, or as DICOM."
        )
    if survey.packed:
        _refuse_bomb("".join(survey.packed), source)
    return vendor.read(parser, content, source)


class _Survey:
    """Parser target that keeps the root's name and the packed waveform, and counts the rest."""

    def __init__(self, source: str) -> None:
        self.root = ""
        self.packed: list[str] = []
        self.sequence_sets = 0
        self._source = source
        self._elements = self._depth = 0
        self._in_packed = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self.root = self.root or name
        self.sequence_sets += name == "sequenceSet"
        self._elements += 1
        self._depth += 1
        if self._elements > MAX_ELEMENTS or self._depth > MAX_DEPTH or len(attributes) > 100:
            raise ECGError(
                f"{self._source} is an XML file of too many parts, more than any ECG needs. "
                "Export the ECG again."
            )
        self._in_packed = name.lower() == "parsedwaveforms" and any(
            value.upper() == "XLI" for value in attributes.values()
        )

    def data(self, text: str) -> None:
        if self._in_packed:
            self.packed.append(text)

    def end(self, _tag: str) -> None:
        self._depth -= 1
        self._in_packed = False

    def close(self) -> _Survey:
        return self


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
    packed, at, unpacked = base64.b64decode(text), 0, 0
    while at < len(packed):
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
