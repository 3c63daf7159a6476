"""ISHNE Holter files (Badilini, Ann Noninvasive Electrocardiol 1998), through ecgdatakit."""

from __future__ import annotations

import struct

from ecgdatakit.parsing.parsers.ishne_holter import ISHNEHolterParser

from protoecg.ecg import ECGError
from protoecg.readers import vendor
from protoecg.readers.channels import Channels

# What the standard proposes for a lead that is off.
FAULT = -32768
_LEADS_AT = 156


def is_ishne(content: bytes) -> bool:
    """Whether a file's content is an ISHNE Holter recording."""
    return content.startswith(b"ISHNE1.0")


def read(content: bytes, source: str) -> Channels:
    """Read the leads by their codes."""
    (leads,) = struct.unpack_from("<h", content.ljust(_LEADS_AT + 2, b"\0"), _LEADS_AT)
    if leads < 1:
        raise ECGError(
            f"{source} is an ISHNE Holter file of {leads} leads, expected all twelve (or I, II and "
            "V1 to V6). Export the ECG as DICOM, EDF, WFDB or CSV."
        )
    return vendor.read(ISHNEHolterParser, content, source, missing=FAULT)
