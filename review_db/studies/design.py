"""The design of a study: what is rated, by whom, how often, and what stays hidden.

A design is written as TOML and stored as JSON with the study:

    name = "pilot"
    reviewers = ["R01", "R02"]
    seed = 1
    repeats = 0.12            # share of the rated items that come again
    practice = 3              # items in front that don't count
    two_stages = true         # rate blind, then see what was hidden and rate again
    summaries = true          # best, bad and redundant prototypes of each statement

    [sample]                  # which prototypes; without it, all
    branches = ["rhythm"]
    statements = ["AFIB", "SR"]
    size = 40
    stratify = "statement"    # or "branch", or "none"

    [controls]                # how many of each
    wrong_statement = 4
    random_window = 4
    noise = 4
    noise_snr_db = 0.0

    [blinding]
    statement = false
    similarity = true
    reviewers = true
    model = true
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from review_db.questions.catalogue import checked_reviewer
from review_db.store.schema import STUDY_LENGTH

STRATA = ("statement", "branch", "none")
MOST_REPEATS = 0.5
MOST_ITEMS = 10_000
LARGEST_SEED = 2**63 - 1
SNR_DB = (-40.0, 60.0)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_Part = TypeVar("_Part")


class DesignError(ValueError):
    """A study cannot be made like this; the message says what to change."""


@dataclass(frozen=True)
class Sample:
    """Which prototypes are rated: of these branches and statements (all, if none are named).

    `size` of them are drawn (all, if 0), spread evenly over the strata.
    """

    branches: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    size: int = 0
    stratify: str = "statement"


@dataclass(frozen=True)
class Controls:
    """How many items should score badly, if a good score is to mean something.

    Prototypes under a wrong statement, random windows of ECGs with the statement, and prototypes
    with noise added at `noise_snr_db`.
    """

    wrong_statement: int = 0
    random_window: int = 0
    noise: int = 0
    noise_snr_db: float = 0.0


@dataclass(frozen=True)
class Blinding:
    """What a reviewer doesn't get to see while rating."""

    statement: bool = False
    similarity: bool = True
    reviewers: bool = True
    model: bool = True


@dataclass(frozen=True)
class Design:
    """Everything that was decided before the first rating.

    Raises
    ------
    DesignError
        If it is not possible, such as two reviewers of one code.
    """

    name: str
    reviewers: tuple[str, ...]
    seed: int
    title: str = ""
    repeats: float = 0.12
    practice: int = 3
    two_stages: bool = False
    summaries: bool = True
    sample: Sample = field(default_factory=Sample)
    controls: Controls = field(default_factory=Controls)
    blinding: Blinding = field(default_factory=Blinding)

    def __post_init__(self) -> None:
        for wrong, said in _objections(self):
            if wrong:
                raise DesignError(said)
        try:
            codes = [checked_reviewer(code).lower() for code in self.reviewers]
        except ValueError as error:
            raise DesignError(str(error)) from error
        # Blanks around a code would be part of every answer, and no key could be renewed for it.
        object.__setattr__(self, "reviewers", tuple(code.strip() for code in self.reviewers))
        if len(set(codes)) < len(codes):
            raise DesignError(
                "Two reviewers of the study have the same code. Capital and small letters count "
                "as the same; give each reviewer a code of their own."
            )


def design_from_toml(text: str) -> Design:
    """Read a design; unknown and missing settings are refused.

    Raises
    ------
    DesignError
        If the text is no TOML, or no possible design.
    """
    try:
        settings = tomllib.loads(text)
    # A number of thousands of digits and tables within tables have errors of their own.
    except (ValueError, RecursionError) as error:
        raise DesignError(f"The study's settings are no TOML: {error}.") from error
    return design_from(settings)


def design_from(settings: Mapping[str, Any]) -> Design:
    """Make a design of plain settings, as in the TOML or JSON of one."""
    return _part(Design, settings, "")


def design_to_json(design: Design) -> str:
    """Return the settings as they are stored; `design_from` reads them back."""
    return json.dumps(asdict(design), sort_keys=True)


def _part(kind: type[_Part], settings: Any, place: str) -> _Part:
    if not isinstance(settings, Mapping):
        raise DesignError(f"[{place}] is {settings!r}, expected a table of settings.")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    where = f" in [{place}]" if place else ""
    if unknown := sorted(set(settings) - set(known)):
        raise DesignError(
            f"The setting {unknown[0]!r}{where} is not known, expected one of {', '.join(known)}."
        )
    needed = [
        name
        for name, f in known.items()
        if f.default is MISSING and f.default_factory is MISSING and name not in settings
    ]
    if needed:
        raise DesignError(f"The setting {needed[0]!r}{where} is missing.")
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], name, value) for name, value in settings.items()})


def _value(hint: Any, name: str, value: Any) -> Any:
    if hint in (Sample, Controls, Blinding):
        return _part(hint, value, name)
    if hint is float and type(value) is int:
        return float(value)
    if hint == tuple[str, ...] and isinstance(value, list | tuple):
        if all(isinstance(one, str) for one in value):
            return tuple(value)
    elif type(value) is hint:
        return value
    expected = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    raise DesignError(
        f"The setting {name!r} is {value!r}, expected {expected.get(hint, 'a list of texts')}."
    )


def _objections(design: Design) -> list[tuple[bool, str]]:
    sample, controls, blinding = design.sample, design.controls, design.blinding
    numbers = (sample.size, design.practice, *_how_many(controls).values())
    lowest_db, highest_db = SNR_DB
    return [
        (
            not _NAME.fullmatch(design.name) or len(design.name) > STUDY_LENGTH,
            f"The study's name is {design.name[:80]!r}, expected up to {STUDY_LENGTH} letters A to "
            "Z, digits, '_', '.' and '-'.",
        ),
        (not design.reviewers, "The study has no reviewers. Name at least one code."),
        (
            not 0 <= design.repeats <= MOST_REPEATS,
            f"The share of repeats is {design.repeats:g}, expected 0 to {MOST_REPEATS:g}; 0.10 to "
            "0.15 is usual.",
        ),
        (min(numbers) < 0, "A number of items is negative. Give 0 for none."),
        (
            max(numbers) > MOST_ITEMS,
            f"{max(numbers)} items of a kind are asked for, expected up to {MOST_ITEMS}.",
        ),
        (
            abs(design.seed) > LARGEST_SEED,
            f"The seed has more than 64 bits, expected a whole number up to {LARGEST_SEED}.",
        ),
        (
            not lowest_db <= controls.noise_snr_db <= highest_db,
            f"The signal to noise of the noise controls is {controls.noise_snr_db:g} dB, expected "
            f"{lowest_db:g} to {highest_db:g}.",
        ),
        (
            sample.stratify not in STRATA,
            f"The sample is stratified by {sample.stratify!r}, expected {', '.join(STRATA)}.",
        ),
        (
            blinding.statement and not design.two_stages and controls.wrong_statement > 0,
            "The statement is hidden and never revealed, so prototypes under a wrong statement "
            "show nothing. Set two_stages, or leave these controls out.",
        ),
    ]


def _how_many(controls: Controls) -> dict[str, int]:
    return {name: getattr(controls, name) for name in ("wrong_statement", "random_window", "noise")}
