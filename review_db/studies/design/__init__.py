"""The design of a study: what is rated, by whom, how often, and what stays hidden.

A design is written as TOML and stored as JSON with the study:

    name = "pilot"
    reviewers = ["R01", "R02"]
    seed = 1
    repeats = 0.12            # share of the rated items that come again
    practice = 3              # items in front that don't count
    two_stages = true         # rate blind, then see what was hidden and rate again
    summaries = true          # best, bad and redundant prototypes of each statement
    title = "A pilot"         # as reviewers read it, like the next two
    instructions = "Read each ECG as you would on your ward."
    consent = ""              # what reviewers agree to before they begin; none, if empty
    test = false              # a test run may be deleted with its answers

    [sample]                  # which prototypes; without it, all
    branches = ["rhythm"]
    statements = ["AFIB", "SR"]
    prototypes = []           # names, where they are to be these
    size = 40
    stratify = "statement"    # or "branch", or "none"
    cases_only = false        # true where no prototype is rated, and cases alone are asked about

    [controls]                # how many of each
    wrong_statement = 4
    random_window = 4
    noise = 4
    noise_snr_db = 0.0

    [blinding]
    statement = true           # shown at the second look
    similarity = true
    reviewers = true
    model = true

    [readings]                # ECGs to read, each once in each arm, an arm a session
    arms = ["alone", "calls", "prototypes"]
    washout_days = 14         # between the end of a session and the next one

    [allocation]              # who meets what; without it, everybody all
    anchor = 0.3              # share of the rated items that all reviewers meet
    reviewers_each = 0        # by how many each of the others is met; 0, by all

    [protocol]                # declared before the start
    primary = "correct"       # or auc, brier, sensitivity, specificity, seconds, ...
    secondary = ["auc", "seconds"]
    compare = ["alone", "prototypes"]
    alpha = 0.05
    multiplicity = "holm"     # over all that is declared; or "none"
    interim = "No result is looked at before the study is closed."

    # [[protocol.looks]]      # a look before the end; the results stay closed until then
    # answered = 0.5          # share of all assigned that is answered; or on = "2027-03-01"
    # alpha = 0.005           # what it spends of alpha
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, field, fields
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails, PydanticCustomError

from protoecg.storage.files import read_toml
from review_db.questions.checks import checked_reviewer
from review_db.store.schema import STUDY_LENGTH
from review_db.studies.design.declared import Allocation, Protocol, Readings
from review_db.studies.design.settings import (
    LONGEST_TEXT,
    SETTINGS,
    Count,
    DesignError,
    LongText,
    Texts,
    within,
)

Stratum = Literal["statement", "branch", "none"]
STRATA: tuple[Stratum, ...] = get_args(Stratum)
MOST_REPEATS = 0.5
LARGEST_SEED = 2**63 - 1

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > STUDY_LENGTH:
        raise PydanticCustomError(
            "expected", f"up to {STUDY_LENGTH} letters A to Z, digits, '_', '.' and '-'"
        )
    return name


def _checked_reviewers(codes: tuple[str, ...]) -> tuple[str, ...]:
    if not codes:
        raise ValueError("The study has no reviewers. Name at least one code.")
    # Blanks around a code would be part of every answer, and no key could be renewed for it.
    checked = tuple(checked_reviewer(code) for code in codes)
    if len({code.lower() for code in checked}) < len(checked):
        raise ValueError(
            "Two reviewers of the study have the same code. Capital and small letters count as "
            "the same; give each reviewer a code of their own."
        )
    return checked


@dataclass(frozen=True, config=SETTINGS)
class Sample:
    """Which prototypes are rated: of these branches, statements and names (all, if none are named).

    `size` of them are drawn (all, if 0), spread evenly over the strata; none where `cases_only`.
    """

    branches: Texts = ()
    statements: Texts = ()
    prototypes: Texts = ()
    size: Count = 0
    stratify: Stratum = "statement"
    cases_only: StrictBool = False


@dataclass(frozen=True, config=SETTINGS)
class Controls:
    """How many items should score badly, if a good score is to mean something.

    Prototypes under a wrong statement, random windows of ECGs with the statement, and prototypes
    with noise added at `noise_snr_db`.
    """

    wrong_statement: Count = 0
    random_window: Count = 0
    noise: Count = 0
    noise_snr_db: Annotated[float, Field(strict=True), within(-40, 60)] = 0.0


@dataclass(frozen=True, config=SETTINGS)
class Blinding:
    """What a reviewer doesn't get to see while rating."""

    statement: StrictBool = False
    similarity: StrictBool = True
    reviewers: StrictBool = True
    model: StrictBool = True


@dataclass(frozen=True, config=SETTINGS)
class Design:
    """Everything that was decided before the first rating.

    Raises
    ------
    pydantic.ValidationError
        If it is not possible, such as two reviewers of one code.
    """

    name: Annotated[StrictStr, AfterValidator(_checked_name)]
    reviewers: Annotated[Texts, AfterValidator(_checked_reviewers)]
    seed: Annotated[int, Field(strict=True), within(-LARGEST_SEED, LARGEST_SEED)]
    title: StrictStr = ""
    repeats: Annotated[float, Field(strict=True), within(0, MOST_REPEATS)] = 0.12
    practice: Count = 3
    two_stages: StrictBool = False
    summaries: StrictBool = True
    sample: Sample = field(default_factory=Sample)
    controls: Controls = field(default_factory=Controls)
    blinding: Blinding = field(default_factory=Blinding)
    readings: Readings = field(default_factory=Readings)
    allocation: Allocation = field(default_factory=Allocation)
    protocol: Protocol = field(default_factory=Protocol)
    instructions: LongText = ""
    consent: LongText = ""
    test: StrictBool = False

    @model_validator(mode="after")
    def _is_dealt(self) -> Design:
        each = self.allocation.reviewers_each
        if each > len(self.reviewers):
            raise ValueError(
                f"Each item is to be met by {each} reviewers, and the study has "
                f"{len(self.reviewers)}. Lower reviewers_each in [allocation]."
            )
        if each and self.summaries and not self.sample.cases_only:
            raise ValueError(
                "Summaries compare all prototypes of a statement, and in blocks nobody rates all. "
                "Set summaries to false, or reviewers_each in [allocation] to 0."
            )
        return self

    @model_validator(mode="after")
    def _shows_wrong_statements(self) -> Design:
        never_shown = self.blinding.statement and not self.two_stages
        if never_shown and self.controls.wrong_statement > 0:
            raise ValueError(
                "The statement is hidden and never revealed, so prototypes under a wrong statement "
                "show nothing. Set two_stages, or leave these controls out."
            )
        return self


def design_from_toml(text: str) -> Design:
    """Read a design; unknown and missing settings are refused.

    Raises
    ------
    DesignError
        If the text is no TOML, or no possible design.
    """
    try:
        settings = read_toml(text)
    except ValueError as error:
        raise DesignError(f"The study's settings are no TOML: {error}.") from error
    return design_from(settings)


def design_from(settings: Mapping[str, Any]) -> Design:
    """Make a design of plain settings, as in the TOML or JSON of one.

    Raises
    ------
    DesignError
        If it is not possible.
    """
    try:
        return TypeAdapter(Design).validate_python(settings)
    except ValidationError as error:
        raise DesignError(_in_words(error.errors(include_url=False)[0])) from error


def design_to_json(design: Design) -> str:
    """Return the settings as they are stored; `design_from` reads them back."""
    return json.dumps(asdict(design), sort_keys=True)


_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list of texts",
    "dataclass_type": "a table of settings",
    "string_too_long": f"a text of at most {LONGEST_TEXT:,} characters",
}
_PARTS = {
    "sample": Sample,
    "controls": Controls,
    "blinding": Blinding,
    "readings": Readings,
    "allocation": Allocation,
    "protocol": Protocol,
}


def _in_words(error: ErrorDetails) -> str:
    """Say what is wrong with the first setting that cannot be used."""
    kind, path = error["type"], [str(part) for part in error["loc"] if isinstance(part, str)]
    if kind == "value_error":
        return str(error["ctx"]["error"])
    part = path[0] if len(path) > 1 else ""
    setting = f"The setting {path[-1]!r}{f' in [{part}]' if part else ''}" if path else "The study"
    if kind == "missing":
        return f"{setting} is missing."
    if kind == "unexpected_keyword_argument":
        known = ", ".join(f.name for f in fields(_PARTS.get(part, Design)))
        return f"{setting} is not known, expected one of {known}."
    if kind == "literal_error":
        choices = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{setting} is {error['input']!r:.80}, expected one of {choices}."
    expected = error["msg"] if kind == "expected" else _EXPECTED.get(kind, error["msg"])
    return f"{setting} is {error['input']!r:.80}, expected {expected}."
