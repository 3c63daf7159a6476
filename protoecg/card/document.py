"""What was measured of a bundle after it was written: `card.json` beside it.

A card is about one revision of a bundle and changes nothing in it. It is a file like any other that
came with a download: it is checked here, and `protoecg.card.tables` reads single figures from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from protoecg.bundle import Bundle

FORMAT = "protoecg-card"
VERSION = 1
MAX_BYTES = 5_000_000
FILE = "card.json"
# `evaluations` holds one for each fold, by its number.
MEASUREMENTS = ("evaluations", "faithfulness", "baseline_faithfulness", "abstention", "ablations")

Measurements = Mapping[str, Mapping[str, Any]]


class CardError(ValueError):
    """A card that cannot be used; the message says why and what to do."""


def read_card(bundle: Bundle) -> Measurements:
    """Return the measurements beside a bundle, by their names; none where there is no card.

    Raises
    ------
    CardError
        If the file is damaged, too large, newer, or about another revision of the bundle.
    """
    file = bundle.path / FILE
    if not file.is_file():
        return {}
    again = "Delete it, or write it anew with `python -m training card`."
    if file.stat().st_size > MAX_BYTES:
        raise CardError(f"{file} is larger than any card. {again}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CardError(f"{file} is damaged: {error}. {again}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CardError(f"{file} was not written by ProtoECG. {again}")
    if content.get("version") != VERSION:
        raise CardError(
            f"{file} has card format {content.get('version')!r}, this program reads {VERSION}. "
            "Update ProtoECG to see it."
        )
    if content.get("revision") != bundle.revision:
        raise CardError(
            f"{file} is about revision {content.get('revision')!r} of the bundle, which is now "
            f"{bundle.revision}. {again}"
        )
    found = content.get("measurements")
    if not isinstance(found, dict):
        raise CardError(f"{file} holds no measurements. {again}")
    return {name: found[name] for name in MEASUREMENTS if isinstance(found.get(name), dict)}


def write_card(bundle: Bundle, measurements: Measurements) -> None:
    """Write the measurements beside a bundle, in place of those that are there."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "revision": bundle.revision,
        "measurements": measurements,
    }
    part = bundle.path / f"{FILE}.part"
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, bundle.path / FILE)
