"""Ratings of a bundle's prototypes outside studies, as one reviewer gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Engine

from pages.taking_part.answers import ItemSession
from pages.taking_part.rater import Rater
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.sets import PrototypeSet
from review_db import Item, answers, first_open, save_answer
from review_db.questions.catalogue import REQUIRED
from review_db.ratings.answers import revision
from review_db.sessions.checks import refuse_missing
from review_db.sessions.outside import rated_item
from review_db.studies.items import SourceWindow

Answers = Mapping[str, str]


@dataclass(frozen=True)
class Ratings:
    """Who rates which of a bundle's prototypes."""

    engine: Engine
    rater: Rater
    bundle: PrototypeSet
    items: Sequence[Item]

    def given(self) -> dict[str, dict[str, str]]:
        """Return the answers that stand: prototype, then question, then answer."""
        return answers(
            self.engine,
            reviewer=self.rater.reviewer,
            bundle=self.bundle.name,
            fingerprint=self.bundle.fingerprint,
        )

    def first_open(self) -> Item:
        """Return the first prototype that is not rated, or the first of all."""
        return self._open_among(self.items) or self.items[0]

    def following(self, item: Item) -> Item:
        """Return the next prototype that is not rated or, where all are, the next of all."""
        place = self.items.index(item)
        others = [*self.items[place + 1 :], *self.items[:place]]
        return self._open_among(others) or [*others, item][0]

    def _open_among(self, items: Sequence[Item]) -> Item | None:
        return first_open(self.engine, reviewer=self.rater.reviewer, items=items)

    def prototype(self, item: Item) -> Prototype:
        """Return the prototype that is rated as an item."""
        return next(p for p in self.bundle.prototypes if p.name == item.prototype)

    def session(self, item: Item) -> ItemSession:
        """Open an item, whose answers are saved as they are given."""
        # Read before the answers: what is saved in between is then read once more, not lost.
        now = revision(self.engine, self.rater.reviewer)
        shown = rated_item(
            item,
            _window(self.prototype(item)),
            self.given().get(item.prototype, {}),
            position=self.items.index(item) + 1,
            total=len(self.items),
            revision=now,
        )
        return ItemSession(
            name=f"{self.rater.reviewer} {item.fingerprint} {item.prototype}",
            place=(self.rater.reviewer, item),
            item=shown,
            keep=partial(self._save, item),
            save=partial(self._save_whole, item),
            account=self.rater.account,
        )

    def _save(
        self,
        item: Item,
        answers: Mapping[str, Any],
        changes: Mapping[str, Any],
        *,
        seen: int,
        seconds: float,
    ) -> tuple[int, Answers]:
        for question, value in changes.items():
            save_answer(
                self.engine,
                reviewer=self.rater.reviewer,
                item=item,
                question=question,
                value=value,
                secret=self.rater.secret,
            )
        return revision(self.engine, self.rater.reviewer), self.given().get(item.prototype, {})

    def _save_whole(
        self, item: Item, answers: Mapping[str, Any], changes: Mapping[str, Any], **work: Any
    ) -> tuple[int, Answers]:
        saved = self._save(item, answers, changes, **work)
        refuse_missing([question for question in REQUIRED if question not in saved[1]])
        return saved


def _window(p: Prototype) -> SourceWindow:
    return SourceWindow(record=p.record, sha256=p.sha256, window_s=p.window_s)
