"""Readings in arms, as the export of a study lists them."""

from typing import Any

import pandas as pd

from review_db.questions.catalogue import STUDY_QUESTIONS


def reading(reader: str, case: int, arm: str, session: int, **others: Any) -> dict[str, Any]:
    """A reader's differential of a case, of PVC where its number is odd; `others` as it was."""
    present = case % 2 == 1
    return {
        **dict.fromkeys(STUDY_QUESTIONS),
        **{"study": "s", "reviewer": reader, "position": case, "stage": 1, "item": case},
        **{"kind": "differential", "role": "rated", "repeat_of": pd.NA, "branch": ""},
        **{"statement": "PVC", "prototype": "", "case_name": f"c{case}"},
        **{"truth": "PVC; SR" if present else "NORM; SR", "calls": "PVC" if present else ""},
        **{"arm": arm, "session": session, "seconds": 20.0, "swapped": False},
        **{"first_choice": first_choice(case, right=True), "first_confidence": "4"},
        **others,
    }


def first_choice(case: int, *, right: bool) -> str:
    """What a reader names first who is right about a case, or not."""
    return "PVC" if (case % 2 == 1) == right else "NORM"
