"""MFER, the medical waveform format of ISO 22077, through ecgdatakit."""

from __future__ import annotations

from ecgdatakit.parsing.parsers.mfer import MFERParser

from protoecg.readers import vendor
from protoecg.readers.channels import Channels


def is_mfer(content: bytes) -> bool:
    """Whether a file's content is MFER, which begins with its preamble."""
    return content[:1] == b"@" and content[2:6] == b"MFR "


def read(content: bytes, source: str) -> Channels:
    """Read the leads."""
    return vendor.read(MFERParser, content, source)
