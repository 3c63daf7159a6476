"""What the settings of a design are made of: numbers within limits, and texts."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, StrictStr, StringConstraints
from pydantic_core import PydanticCustomError

MOST_ITEMS = 10_000
LONGEST_TEXT = 20_000
SETTINGS = ConfigDict(extra="forbid")
_Number = TypeVar("_Number", int, float)


class DesignError(ValueError):
    """A study cannot be made like this; the message says what to change."""


def within(low: float, high: float) -> AfterValidator:
    """Check that a number is from `low` to `high`."""

    def check(value: _Number) -> _Number:
        # What is no number at all is within nothing.
        if not low <= value <= high:
            raise PydanticCustomError("expected", f"{low} to {high}")
        return value

    return AfterValidator(check)


Count = Annotated[int, Field(strict=True), within(0, MOST_ITEMS)]
Texts = tuple[StrictStr, ...]
LongText = Annotated[StrictStr, StringConstraints(max_length=LONGEST_TEXT)]
