"""Ratings of prototypes by clinicians: saved, scored and exported.

engine = open_database()
save_answer(engine, reviewer="R01", item=item, question="clarity", value=4)
"""

from review_db.questions.catalogue import QUESTIONS
from review_db.ratings.answers import (
    Item,
    answers,
    first_open,
    progress,
    save_answer,
)
from review_db.ratings.reviewers import known_reviewer
from review_db.store.database import flush, open_database
from review_db.store.failures import RatingsError

__all__ = [
    "QUESTIONS",
    "Item",
    "RatingsError",
    "answers",
    "first_open",
    "flush",
    "known_reviewer",
    "open_database",
    "progress",
    "save_answer",
]
