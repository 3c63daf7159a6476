"""Which item each reviewer of a study meets at which position."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from review_db.questions.catalogue import KINDS
from review_db.studies.blocks import turns
from review_db.studies.design import Design
from review_db.studies.items import StudyItem
from review_db.studies.items.chance import chance_of, shuffled

CROSSED = "differential"
"""The kind of item that is met in each arm once."""


@dataclass(frozen=True)
class Allocation:
    """An item in a reviewer's order; `item` is its number, `repeat_of` an earlier position.

    `swapped` has the two explanations of a pair change sides; `arm` is what is shown of a case,
    "" where there are none; `session` counts the visits that arms are spread over.
    """

    reviewer: str
    position: int
    item: int
    repeat_of: int | None
    swapped: bool
    session: int = 1
    arm: str = ""


@dataclass(frozen=True)
class _Slot:
    number: int
    session: int = 1
    arm: str = ""


def allocate(design: Design, items: Sequence[StudyItem]) -> list[Allocation]:
    """Write down which item each reviewer meets at which position.

    Practice comes first, then one kind of item after the other, each in an order of the
    reviewer's own. Repeats come when at least a third of the items of their kind lies between.
    ECGs to read come in each arm once, each time in another session; what follows them comes in
    the last one. Which arm comes when, and which explanation of a pair stands on the left, is
    balanced over the reviewers by Latin squares. Where the design has blocks, a reviewer meets the
    anchor and their own (`blocks`).
    """
    reviewers = enumerate(design.reviewers)
    return [one for row, name in reviewers for one in order_of(design, items, name, row)]


def order_of(
    design: Design, items: Sequence[StudyItem], reviewer: str, row: int
) -> Iterable[Allocation]:
    """Yield the order of one reviewer, who is the `row`-th of the Latin squares, from 0."""
    chance = chance_of(f"{design.name} {reviewer} {design.seed}")
    left = _sides(design, items, row)
    first: dict[tuple[int, str], int] = {}
    for position, slot in enumerate(_slots(design, items, row, chance), start=1):
        earlier = first.setdefault((slot.number, slot.arm), position)
        repeated = earlier if earlier != position else None
        # A repeat with the sides changed shows whether the side decides.
        swapped = left.get(slot.number, False) ^ (repeated is not None and slot.number in left)
        yield Allocation(reviewer, position, slot.number, repeated, swapped, slot.session, slot.arm)


def _slots(
    design: Design, items: Sequence[StudyItem], row: int, chance: random.Random
) -> Iterator[_Slot]:
    crossed = _numbers(items, CROSSED)
    last = len(design.readings.arms) if crossed else 1
    for number, item in enumerate(items, start=1):
        if item.role == "practice":
            # With all that an arm can show, to get to know it.
            yield _Slot(number, 1, design.readings.arms[-1] if item.kind == CROSSED else "")
    for kind in KINDS:
        if kind == CROSSED:
            yield from _crossover(design, items, crossed, row, chance)
            continue
        block = list(turns(design, items, _numbers(items, kind), row))
        again = [n for n in block if items[n - 1].role == "rated"] if KINDS[kind].repeated else []
        for number in _with_repeats(shuffled(sorted(block), chance), again, design.repeats, chance):
            yield _Slot(number, last)


def _numbers(items: Sequence[StudyItem], kind: str) -> list[int]:
    numbered = enumerate(items, start=1)
    return [n for n, item in numbered if item.kind == kind and item.role != "practice"]


def _crossover(
    design: Design,
    items: Sequence[StudyItem],
    numbers: Sequence[int],
    row: int,
    chance: random.Random,
) -> Iterator[_Slot]:
    """Yield each case in each arm once: of a session, every arm has as many cases as another."""
    arms = design.readings.arms
    turn = turns(design, items, numbers, row, ways=len(arms), what="arms")
    for session in range(len(arms)):
        for number in shuffled(sorted(turn), chance):
            yield _Slot(number, session + 1, arms[(turn[number] + session) % len(arms)])


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


def _sides(design: Design, items: Sequence[StudyItem], row: int) -> dict[int, bool]:
    """Say of each pair whether its sides change.

    Of any two reviewers that follow each other, each meets a side that the other doesn't.
    """
    pairs = [n for n, item in enumerate(items, 1) if item.kind == "pair"]
    sides = turns(design, items, pairs, row, ways=2, what="sides")
    return {number: bool(turn) for number, turn in sides.items()}
