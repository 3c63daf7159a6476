"""What a curation keeps between its starts, so that one that was killed ends as it would have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from protoecg.bundle import Bundle
from protoecg.prototypes.curation import Proposals, Rule
from protoecg.storage.files import read_limited, write_json
from training import kept

MAX_BYTES = 1_000_000
DATE, DRAWS = "date", "draws"


@dataclass(frozen=True)
class CurationProgress:
    """When a curation began, and what its random draws did so far.

    Parameters
    ----------
    file : that keeps it until the bundle is there
    date : ISO 8601, UTC
    draws : of each draw, what it costs with the fit made anew and without
    """

    file: Path
    date: str
    draws: list[tuple[float, float]] = field(default_factory=list)

    def add(self, refitted: float, not_refitted: float) -> None:
        """Keep what a draw did."""
        self.draws.append((refitted, not_refitted))
        self.keep()

    def forget(self) -> None:
        """Leave nothing behind: the bundle is there."""
        self.file.unlink(missing_ok=True)

    def keep(self) -> None:
        """Write it down."""
        write_json(self.file, {DATE: self.date, DRAWS: self.draws})


def curation_progress(
    work: Path, bundle: Bundle, proposals: Proposals, rule: Rule
) -> CurationProgress:
    """Return how far this curation of a bundle is; it begins now where it has not begun."""
    # By its keys in order: a rule says the same in whatever order it names prototypes.
    stated = json.dumps([bundle.revision, asdict(proposals), asdict(rule)], sort_keys=True)
    file = work / f"begun-{sha256(stated.encode()).hexdigest()[:32]}.json"
    if file.exists():
        with kept.reading(file):
            found: Mapping[str, Any] = json.loads(read_limited(file, MAX_BYTES))
            draws = [(float(one), float(other)) for one, other in found[DRAWS]]
            return CurationProgress(file, str(found[DATE]), draws)
    begun = CurationProgress(file, datetime.now(UTC).isoformat(timespec="seconds"))
    begun.keep()
    return begun
