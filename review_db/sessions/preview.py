"""An item as its reviewer will meet it, before there is a study."""

from __future__ import annotations

from review_db.questions.catalogue import STUDY_QUESTIONS
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import OpenItem
from review_db.sessions.stages import facts, questions_at, shown, stages
from review_db.studies.design import Design
from review_db.studies.items import StudyItem


def previewed(item: StudyItem, design: Design, bundle: str) -> OpenItem:
    """Return the first look at an item; of an ECG to read, in the last arm, which shows most."""
    asked, required = questions_at(item.kind, 1, design)
    return OpenItem(
        at=ItemStage(1),
        total=1,
        session=1,
        kind=item.kind,
        practice=item.role == "practice",
        stages=stages(item.kind, design),
        facts=facts(item, bundle, False, 1, design),
        content=shown(item.content, False, 1, design.readings.arms[-1]),
        questions=tuple(STUDY_QUESTIONS[key] for key in asked),
        required=required,
        saved={},
        draft={},
        revision=0,
        settled=True,
    )
