"""How a curation reports its progress: on a command line, or on a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

EVERY_S = 2.0


@dataclass(frozen=True)
class Reporter:
    """Where a curation reports to while it is made.

    Parameters
    ----------
    say : called with each step and each decision, in a line
    follow : yields the items of a long step and shows how many are done; called as `tqdm` is,
        with `desc`, `unit` and how it is drawn
    """

    say: Callable[[str], None]
    follow: Callable[..., Iterable[Any]] = tqdm
