"""A study that asks about the newcomers of a curation, blind, beside prototypes that stayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tomli_w

from protoecg.bundle import Bundle
from protoecg.prototypes.curation import Curation, CurationError, curations
from protoecg.storage.files import write_bytes

_HEAD = """\
# Drafted by `python -m training curate`: the newcomers of {name}, and as many
# prototypes that stayed. Read it, change it, then
#   python -m review_db study create {file} --bundle {bundle}
# Those who decided what was retired: {deciders}. Ask others too: to replace what was
# rated lowest raises the mean rating by itself, since low ratings are low by chance as well.

"""


def write_design(bundle: Bundle, file: Path, asked: str) -> None:
    """Write the design of a study of a curated bundle's newcomers; see `design`."""
    write_bytes(file, design(bundle, str(file), asked).encode())


def design(bundle: Bundle, file: str, asked: str) -> str:
    """Return the design of a study of a curated bundle's newcomers, as TOML.

    Parameters
    ----------
    file : that it is going to stand in
    asked : where the bundle lies, as it was named

    Raises
    ------
    CurationError
        If its last curation brought none.
    """
    done = curations(bundle.about)
    new = [change.new for change in done[-1].changes if change.new] if done else []
    if not new:
        raise CurationError("Nothing took the place of a prototype, so there is nothing to rate.")
    deciders = sorted({code for change in done[-1].changes for code in change.reviewers})
    settings = {
        "name": f"newcomers-{bundle.fingerprint[:8]}",
        "title": f"The newcomers of {bundle.name}",
        "reviewers": deciders or ["R01", "R02"],
        "seed": 1,
        "two_stages": False,
        "summaries": False,
        "practice": 0,
        "sample": {"prototypes": [*new, *_stayed(bundle, done[-1], new)], "stratify": "none"},
        "blinding": {"statement": False},
    }
    head = _HEAD.format(
        name=bundle.name, file=file, bundle=asked, deciders=", ".join(deciders) or "nobody"
    )
    return head + tomli_w.dumps(settings)


def _stayed(bundle: Bundle, last: Curation, new: list[str]) -> list[str]:
    """Draw as many prototypes that stayed, of the same statements first."""
    same = {change.statement for change in last.changes}
    chance = np.random.default_rng(0)
    kept = [bundle.prototypes[i] for i in chance.permutation(len(bundle.prototypes))]
    kept = [p for p in kept if p.name not in new]
    kept.sort(key=lambda p: p.statement not in same)
    return [p.name for p in kept[: len(new)]]
