"""The JSON file of patients' ECGs that a study is made with, checked before a study rests on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protoecg.storage.files import FormatError, read_limited
from review_db.studies.design import DesignError
from review_db.studies.items import (
    Number,
    ShownCall,
    ShownExplanation,
    SourceFile,
    Statement,
    Window,
)

ECG_SECONDS = 10.0
MAX_BYTES = 20_000_000
# More than anybody rates: each is a row of every reviewer's order.
MOST_CASES = 10_000

C = TypeVar("C")
Many = Annotated[tuple[C, ...], Field(max_length=MOST_CASES)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class StudyCase(_Record):
    """A patient's ECG, and what is true of it, if that is given."""

    case: str
    ecg: SourceFile
    truth: tuple[str, ...] = ()


class MatchCase(StudyCase):
    """A patient's window beside a prototype of the bundle, by its name."""

    prototype: str
    window_s: Window
    similarity: Number


class PairCase(StudyCase):
    """Two explanations of a finding."""

    statement: Statement
    a: ShownExplanation
    b: ShownExplanation


class ReadingCase(StudyCase):
    """An ECG to read, and what is true of it.

    `statement` is the finding that the case is about. Where it is not among the true ones, the
    case is one of specificity. Without `calls`, the model calls what its matches are for.
    """

    statement: Statement
    truth: tuple[str, ...]
    explanation: ShownExplanation
    calls: tuple[ShownCall, ...] | None = None

    @property
    def called(self) -> tuple[ShownCall, ...]:
        """What the model calls in it."""
        if self.calls is not None:
            return self.calls
        of_matches = (match.statement for match in self.explanation.matches)
        return tuple(ShownCall(statement=s) for s in dict.fromkeys(of_matches) if s)


class CaseECG(SourceFile):
    """An ECG that random windows may be cut from."""

    statements: tuple[str, ...]
    duration_s: Number = ECG_SECONDS


class Cases(_Record):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matches: Many[MatchCase] = ()
    pairs: Many[PairCase] = ()
    readings: Many[ReadingCase] = ()
    practice: Many[ReadingCase] = ()
    ecgs: Many[CaseECG] = ()


def read_cases(file: Path) -> Cases:
    """Return the cases of a file.

    Raises
    ------
    DesignError
        If the file cannot be read, or a page could not show something of it.
    """
    given = _read_json(file)
    try:
        return Cases.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        # People count from one.
        where = " ".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        problem = "expected a list" if first["type"] == "tuple_type" else first["msg"]
        reason = f"{where or 'the whole file'}: {problem}"
        raise DesignError(f"{file.name} cannot be used: {reason}.") from error


def _read_json(file: Path) -> Any:
    """Return what a JSON file holds, or raise `DesignError`."""
    try:
        return json.loads(read_limited(file, MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise DesignError(f"{file} cannot be read: {error.strerror}.") from error
    except FormatError as error:
        raise DesignError(f"{error}. Split the cases into several studies.") from error
    except json.JSONDecodeError as error:
        raise DesignError(f"{file} is no JSON: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise DesignError(f"{file} is no JSON that can be read.") from error
