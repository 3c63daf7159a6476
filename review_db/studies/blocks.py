"""Which of a study's items a reviewer meets, and how sides and arms turn from one to the next.

Without blocks everybody meets everything, and turns are those of Latin squares. With blocks there
is an anchor that all meet, and of the rest each item goes to some reviewers, by turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from review_db.statistics import Array
from review_db.studies.design import Design
from review_db.studies.items import StudyItem
from review_db.studies.items.chance import chance_of, shuffled


def turns(
    design: Design,
    items: Sequence[StudyItem],
    numbers: Sequence[int],
    row: int,
    *,
    ways: int = 1,
    what: str = "blocks",
) -> dict[int, int]:
    """Return which of these items a reviewer meets, and the turn of each, 0 to `ways` - 1.

    An item's turns are spread evenly over those who meet it, and a reviewer's over the items.

    Parameters
    ----------
    numbers : of items of one kind, from 1
    row : which reviewer, from 0; one who comes late meets the block of one before
    what : is dealt by chance, named for the study's seed
    """
    shared = [n for n in numbers if items[n - 1].role == "rated"]
    anchor, rest = _parted(design, items, shared)
    order = shuffled([n for n in numbers if n not in {*rest}], chance_of(_seed(design, what)))
    own = {number: (index + row) % ways for index, number in enumerate(order)}
    if not rest:
        return own
    reviewers = len(design.reviewers)
    statements = tuple(items[n - 1].statement for n in rest)
    reviewers_of = dealt(statements, reviewers, design.allocation.reviewers_each)
    block = _own_turns(reviewers_of, reviewers, ways)[row % reviewers]
    return own | {rest[index]: turn for index, turn in block.items()}


@lru_cache(maxsize=64)
def dealt(statements: tuple[str, ...], reviewers: int, each: int) -> tuple[tuple[int, ...], ...]:
    """Deal an item of each of these statements to `each` of the reviewers.

    As evenly as can be over reviewers, over each one's statements, and over pairs of reviewers.
    """
    load, together = np.zeros(reviewers, int), np.zeros((reviewers, reviewers), int)
    of_statement = {statement: np.zeros(reviewers, int) for statement in statements}
    hands = []
    for statement in statements:
        own, hand = of_statement[statement], list[int]()
        while len(hand) < min(each, reviewers):
            burden = load + own + together[:, hand].sum(axis=1)
            others = [who for who in range(reviewers) if who not in hand]
            hand.append(min(others, key=burden.__getitem__))
        load[hand] += 1
        own[hand] += 1
        together[np.ix_(hand, hand)] += 1
        hands.append(tuple(hand))
    return tuple(hands)


def met(items: int, reviewers: int, anchor: float, each: int) -> Array:
    """Return who meets what, (items, reviewers) of True and False.

    Parameters
    ----------
    anchor : share of the items that all meet
    each : by how many the others are met; 0, by all
    """
    found = np.ones((items, reviewers), bool)
    first = round(anchor * items)
    if each:
        found[first:] = False
        for index, whose in enumerate(dealt(("",) * (items - first), reviewers, each)):
            found[first + index, list(whose)] = True
    return found


def _parted(
    design: Design, items: Sequence[StudyItem], numbers: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Part items into the anchor and the rest, both of all statements as evenly as can be."""
    if not design.allocation.reviewers_each:
        return list(numbers), []
    seen: dict[str, int] = {}
    of_statement = []
    for number in shuffled(numbers, chance_of(_seed(design, "blocks"))):
        statement = items[number - 1].statement
        of_statement.append((seen.setdefault(statement, 0), number))
        seen[statement] += 1
    spread = [number for _, number in sorted(of_statement, key=lambda one: one[0])]
    first = round(design.allocation.anchor * len(spread))
    return spread[:first], spread[first:]


@lru_cache(maxsize=64)
def _own_turns(
    reviewers_of: tuple[tuple[int, ...], ...], reviewers: int, ways: int
) -> tuple[Mapping[int, int], ...]:
    """Return of each reviewer the turns of the items that they meet, by an item's place."""
    own: list[dict[int, int]] = [{} for _ in range(reviewers)]
    counted = np.zeros((reviewers, ways), int)
    for index, whose in enumerate(reviewers_of):
        # The beginning that leaves each reviewer's turns most even.
        first = min(range(ways), key=lambda begin: _crowd(counted, whose, begin, ways))
        for rank, reviewer in enumerate(whose):
            turn = (first + rank) % ways
            own[reviewer][index] = turn
            counted[reviewer, turn] += 1
    return tuple(own)


def _crowd(counted: Array, whose: Sequence[int], begin: int, ways: int) -> int:
    return sum(int(counted[who, (begin + rank) % ways]) for rank, who in enumerate(whose))


def _seed(design: Design, what: str) -> str:
    return f"{design.name} {what} {design.seed}"
