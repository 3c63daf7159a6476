"""Chance that is the same for the same study: what a design draws can be drawn again."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TypeVar

_Thing = TypeVar("_Thing")


def chance_of(seed: str) -> random.Random:
    """Return what draws the same for the same seed."""
    return random.Random(seed)  # noqa: S311


def shuffled(things: Iterable[_Thing], chance: random.Random) -> list[_Thing]:
    """Return the things in an order of chance."""
    order = list(things)
    chance.shuffle(order)
    return order
