"""What a study's items showed, as columns of its files."""

from __future__ import annotations

from review_db.questions.catalogue import BETWEEN
from review_db.studies.items import (
    DifferentialContent,
    MatchContent,
    PairContent,
    PrototypeContent,
    StudyItem,
)

SHOWN = ("record", "window_s", "snr_db", "similarity", "calls", "explanation_a", "explanation_b")


def shown_columns(item: StudyItem) -> dict[str, str | float | None]:
    """Return the columns `SHOWN` of an item; None where its kind has none."""
    content = item.content
    found: dict[str, str | float | None] = dict.fromkeys(SHOWN)
    found["record"] = BETWEEN.join(source.record for source in content.sources[:1])
    if isinstance(content, PrototypeContent):
        found["window_s"] = _window(content.ecg.window_s)
        found["snr_db"] = content.noise.snr_db if content.noise else None
    elif isinstance(content, MatchContent):
        found["window_s"] = _window(content.window_s)
        found["similarity"] = content.similarity
    elif isinstance(content, PairContent):
        found["explanation_a"] = content.a.model_dump_json(exclude_none=True)
        found["explanation_b"] = content.b.model_dump_json(exclude_none=True)
    elif isinstance(content, DifferentialContent):
        found["calls"] = BETWEEN.join(call.statement for call in content.calls or ())
        found["explanation_a"] = _explanation(content)
    return found


def _window(window_s: tuple[float, float]) -> str:
    return BETWEEN.join(f"{end:g}" for end in window_s)


def _explanation(content: DifferentialContent) -> str | None:
    explanation = content.explanation
    return explanation.model_dump_json(exclude_none=True) if explanation else None
