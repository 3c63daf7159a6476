"""How whoever waits for a curation is told how far it is: on a command line, or on a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

EVERY_S = 2.0


@dataclass(frozen=True)
class Telling:
    """What a curation says while it is made.

    Parameters
    ----------
    say : is told each step and each decision, in a line
    follow : hands on the items of what takes long, and tells how many of them are done, called as
        `tqdm` is, with `desc`, `unit` and how it is drawn
    """

    say: Callable[[str], None]
    follow: Callable[..., Iterable[Any]] = tqdm
