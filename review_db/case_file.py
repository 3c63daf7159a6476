"""The JSON file of patients' ECGs that a study is made with, checked before a study rests on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, FiniteFloat, ValidationError

from protoecg.labels import STATEMENTS
from review_db.design import DesignError


def _known(code: str) -> str:
    if code not in STATEMENTS:
        raise ValueError("expected a statement of PTB-XL, such as AFIB")
    return code


Statement = Annotated[str, AfterValidator(_known)]
Window = tuple[FiniteFloat, FiniteFloat]


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


class MatchCase(BaseModel):
    """A patient's window beside a prototype of the bundle, by its name."""

    case: str
    prototype: str
    ecg: ECGPlace
    window_s: Window
    similarity: FiniteFloat


class PairCase(BaseModel):
    """Two explanations of a finding."""

    case: str
    statement: Statement
    ecg: ECGPlace
    a: Explained
    b: Explained


class ReadingCase(BaseModel):
    """An ECG to read, and what is true of it."""

    case: str
    statement: Statement
    truth: list[str]
    ecg: ECGPlace
    explanation: Explained


class SourceECGs(ECGPlace):
    """An ECG that random windows may be cut from."""

    statements: list[str]


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
