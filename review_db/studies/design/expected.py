"""How long a study will take a reviewer, before anybody has answered and after."""

from __future__ import annotations

from collections.abc import Iterable

# Seconds an item, as long as no reviewer of the study has answered one: what pilots took, rounded.
USUAL_S = {
    "reading": 120.0,
    "differential": 75.0,
    "prototype": 30.0,
    "match": 40.0,
    "pair": 60.0,
    "statement": 90.0,
}


def expected_minutes(kinds: Iterable[str], stages: int = 1) -> int:
    """Return how many minutes items of these kinds will take, at least 1; `stages` a prototype."""
    seconds = sum(
        USUAL_S[kind] * (stages if kind in ("prototype", "match") else 1) for kind in kinds
    )
    return max(1, round(seconds / 60))
