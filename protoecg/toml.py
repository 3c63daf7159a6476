"""Settings in TOML that somebody hands over, read within limits."""

from __future__ import annotations

import tomllib
from typing import Any

MAX_CHARACTERS = 100_000
# Time and memory of the library grow with the square of a key's parts: a key of 50,000 takes
# 10 GB, one of all these a fifth of a second.
MAX_DOTS = 2_000


def read_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML document.

    Raises
    ------
    ValueError
        If it is none, or larger than settings are; the message is meant for who wrote it.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"it has more than {MAX_CHARACTERS:,} characters")
    if text.count(".") > MAX_DOTS:
        raise ValueError(f"it has more than {MAX_DOTS:,} full stops")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its tables lie too deep in each other") from None
