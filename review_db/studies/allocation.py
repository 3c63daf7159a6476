"""Which item each reviewer of a study meets at which position."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from review_db.questions.catalogue import KINDS
from review_db.studies.chance import chance_of, shuffled
from review_db.studies.design import Design
from review_db.studies.items import StudyItem


@dataclass(frozen=True)
class Allocation:
    """An item in a reviewer's order; `item` is its number, `repeat_of` an earlier position.

    `swapped` has the two explanations of a pair change sides.
    """

    reviewer: str
    position: int
    item: int
    repeat_of: int | None
    swapped: bool


def allocate(design: Design, items: Sequence[StudyItem]) -> list[Allocation]:
    """Write down which item each reviewer meets at which position.

    Practice comes first, then one kind of item after the other, each in an order of the
    reviewer's own. Repeats come when at least a third of the items of their kind lies between.
    """
    return [one for reviewer in design.reviewers for one in _order(design, items, reviewer)]


def _order(design: Design, items: Sequence[StudyItem], reviewer: str) -> Iterable[Allocation]:
    chance = chance_of(f"{design.name} {reviewer} {design.seed}")
    numbers = range(1, len(items) + 1)
    order = [n for n in numbers if items[n - 1].role == "practice"]
    for kind in KINDS:
        block = [
            n for n in numbers if items[n - 1].kind == kind and items[n - 1].role != "practice"
        ]
        again = [n for n in block if items[n - 1].role == "rated"] if KINDS[kind].repeated else []
        order += _with_repeats(shuffled(block, chance), again, design.repeats, chance)
    left = _sides(items, chance)
    first: dict[int, int] = {}
    for position, number in enumerate(order, start=1):
        earlier = first.setdefault(number, position)
        repeated = earlier if earlier != position else None
        # A repeat with the sides changed shows whether the side decides.
        swapped = left.get(number, False) ^ (repeated is not None and number in left)
        yield Allocation(reviewer, position, number, repeated, swapped)


def _with_repeats(
    block: list[int], again: Sequence[int], share: float, chance: random.Random
) -> list[int]:
    apart = -(-len(block) // 3)
    early = [number for number in block[: len(block) - apart] if number in set(again)]
    drawn = chance.sample(early, min(round(share * len(again)), len(early)))
    # A whole number is where an item stands, a half where a repeat is pushed in between.
    keys = [(float(n), number) for n, number in enumerate(block)]
    keys += [
        (chance.randrange(block.index(number) + apart, len(block)) + 0.5, number)
        for number in drawn
    ]
    return [number for _, number in sorted(keys)]


def _sides(items: Sequence[StudyItem], chance: random.Random) -> dict[int, bool]:
    pairs = shuffled([n for n, item in enumerate(items, 1) if item.kind == "pair"], chance)
    start = chance.randrange(2)
    return {number: bool((n + start) % 2) for n, number in enumerate(pairs)}
