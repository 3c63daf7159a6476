"""The ECGs that practice items and controls are drawn from: each is shown once, and nowhere else.

Who has met an ECG knows it again, so that a control that shows one which is rated as well tells
itself, and a practice item tells how the rated one was answered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from protoecg.prototypes.prototype import Prototype
from review_db.studies.design import DesignError
from review_db.studies.items import StudyItem

Maker = Callable[[Prototype, Collection[str]], StudyItem | None]
"""What makes an item of a prototype, given the records that are shown already; None if it can't."""


class Supply:
    """Prototypes that items can be made of, in the order that they are taken.

    Parameters
    ----------
    prototypes : to make items of
    shown : records that other items show
    """

    def __init__(self, prototypes: Sequence[Prototype], shown: Iterable[str]) -> None:
        self._prototypes = prototypes
        self._shown_by_others = frozenset(shown)
        self._used: set[str] = set()

    @property
    def used(self) -> Collection[str]:
        """The records that what was taken shows."""
        return self._used

    def take(self, make: Maker, number: int, what: str) -> list[StudyItem]:
        """Return a `number` of items that share no ECG with any other.

        Raises
        ------
        DesignError
            If there are not as many.
        """
        found = self._made(make, number)
        if len(found) < number:
            raise DesignError(
                f"The design asks for {number} {what}, but only {len(found)} can be made of ECGs "
                "that nothing else shows. Ask for fewer, rate fewer prototypes, or widen the "
                "sample's branches and statements."
            )
        return found

    def most(self, make: Maker) -> int:
        """Return how many such items there are; none of them is taken."""
        return len(Supply(self._prototypes, self._shown)._made(make, len(self._prototypes)))

    @property
    def _shown(self) -> frozenset[str]:
        return self._shown_by_others | self._used

    def _made(self, make: Maker, number: int) -> list[StudyItem]:
        found: list[StudyItem] = []
        for prototype in self._prototypes:
            if len(found) == number:
                break
            item = make(prototype, self._shown)
            if item is not None and not records(item) & self._shown:
                found.append(item)
                self._used |= records(item)
        return found


def records(item: StudyItem) -> set[str]:
    """Return the records of the ECGs that an item shows."""
    return {source.record for source in item.content.sources}
