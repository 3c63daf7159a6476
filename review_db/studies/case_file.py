"""The JSON file of patients' ECGs that a study is made with, checked before a study rests on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from protoecg.labels import STATEMENTS
from review_db.studies.design import DesignError

ECG_SECONDS = 10.0


def _known(code: str) -> str:
    if code not in STATEMENTS:
        raise PydanticCustomError("statement", "expected a statement of PTB-XL, such as AFIB")
    return code


def _forward(window: tuple[float, float]) -> tuple[float, float]:
    start, end = window
    if start >= end:
        raise PydanticCustomError("window", "expected its start before its end")
    return window


Statement = Annotated[str, AfterValidator(_known)]
# What is stored is what stands in the file, so that nothing may be made a number of here.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Window = Annotated[tuple[Number, Number], AfterValidator(_forward)]


class ECGPlace(BaseModel):
    """Where an ECG is."""

    record: str
    sha256: str


class SourceWindow(ECGPlace):
    """The window of a prototype in its source ECG."""

    window_s: Window


class Shown(BaseModel):
    """A match of an explanation."""

    window_s: Window
    prototype: SourceWindow
    statement: Statement | None = None


class Explained(BaseModel):
    """An explanation."""

    matches: list[Shown]


class Case(BaseModel):
    """A patient's ECG, and what is true of it, if that is told."""

    case: str
    ecg: ECGPlace
    truth: list[str] = []


class MatchCase(Case):
    """A patient's window beside a prototype of the bundle, by its name."""

    prototype: str
    window_s: Window
    similarity: Number


class PairCase(Case):
    """Two explanations of a finding."""

    statement: Statement
    a: Explained
    b: Explained


class ReadingCase(Case):
    """An ECG to read, and what is true of it."""

    statement: Statement
    truth: list[str]
    explanation: Explained


class SourceECGs(ECGPlace):
    """An ECG that random windows may be cut from."""

    statements: list[str]
    duration_s: Number = ECG_SECONDS


class Cases(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    matches: list[MatchCase] = []
    pairs: list[PairCase] = []
    readings: list[ReadingCase] = []
    ecgs: list[SourceECGs] = []


def read_cases(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what stands in a file of cases: the lists of `Cases`, with all that they say.

    Raises
    ------
    DesignError
        If the file cannot be read, or a page could not show something of it.
    """
    given: dict[str, list[dict[str, Any]]] = read_json(file)
    try:
        Cases.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        # People count from one.
        where = (str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        raise DesignError(
            f"{file.name} cannot be used: {' '.join(where)}: {first['msg']}."
        ) from error
    return given


def read_json(file: Path) -> Any:
    """Return what a JSON file holds, or raise `DesignError`."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DesignError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise DesignError(f"{file} is no JSON: {error}.") from error
