"""What was measured of a bundle after it was written: `card.json` beside it.

A card is about one revision of a bundle and changes nothing in it. It is a file like any other that
came with a download: it is checked here, and `protoecg.card.tables` reads single results from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic.dataclasses

from protoecg.bundle import Bundle
from protoecg.storage.files import STRICT, Format, FormatError, Head

FORMAT = "protoecg-card"
VERSION = 1
MAX_BYTES = 5_000_000
FILE = "card.json"
AGAIN = "Delete it, or write it anew with `python -m training card`."
# What the ECGs that calibrated a bundle elsewhere say of it.
SITE = "site"
# `evaluations` holds one for each fold, by its number.
MEASUREMENTS = (
    *("evaluations", "faithfulness", "baseline_faithfulness"),
    *("abstention", "known_changes", "practice", "ablations", "curation", SITE),
)

CardResults = Mapping[str, Mapping[str, Any]]


class CardError(ValueError):
    """A card that cannot be used; the message says why and what to do."""


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class _Card(Head):
    revision: str
    measurements: dict[str, Any]


_CARD = Format(FORMAT, VERSION, _Card, MAX_BYTES)


def read_card(bundle: Bundle) -> CardResults:
    """Return the measurements beside a bundle, by their names; none where there is no card.

    Raises
    ------
    CardError
        If the file is damaged, too large, newer, or about another revision of the bundle.
    """
    file = bundle.path / FILE
    if not file.is_file():
        return {}
    try:
        card = _CARD.read(file)
    except FormatError as error:
        raise CardError(str(error) if error.newer else f"{error}. {AGAIN}") from error
    if card.revision != bundle.revision:
        raise CardError(
            f"{file} is about revision {card.revision!r} of the bundle, which is now "
            f"{bundle.revision}. {AGAIN}"
        )
    found = card.measurements
    return {name: found[name] for name in MEASUREMENTS if isinstance(found.get(name), dict)}


def write_card(bundle: Bundle, results: CardResults) -> None:
    """Write the measurements beside a bundle, in place of those that are there."""
    _CARD.write(bundle.path / FILE, revision=bundle.revision, measurements=results)
