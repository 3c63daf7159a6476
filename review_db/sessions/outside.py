"""A prototype that is rated outside studies, as the item that it would be in one."""

from __future__ import annotations

from collections.abc import Mapping

from review_db.questions.catalogue import QUESTIONS, REQUIRED
from review_db.ratings.answers import Item
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import OpenItem
from review_db.sessions.stages import Facts
from review_db.studies.items import PrototypeContent, SourceWindow


def rated_item(
    item: Item,
    window: SourceWindow,
    given: Mapping[str, str],
    *,
    position: int,
    total: int,
    revision: int,
) -> OpenItem:
    """Return a prototype of a bundle as an item, with the answers that stand.

    Parameters
    ----------
    position, total : its place in the bundle, from 1
    revision : of the answers, see `ratings.answers.revision`
    """
    return OpenItem(
        at=ItemStage(position),
        total=total,
        session=1,
        kind="prototype",
        practice=False,
        stages=1,
        facts=Facts(item.statement, item.branch),
        content=PrototypeContent(ecg=window),
        questions=tuple(QUESTIONS.values()),
        required=REQUIRED,
        saved=given,
        draft=given,
        revision=revision,
        settled=False,
    )
