"""What is declared before a study starts: the arms of its readings, and what is tested how."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, StrictStr, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from review_db.studies.design.settings import SETTINGS, Count, LongText, within

Arm = Literal["alone", "calls", "prototypes"]
"""What is shown beside an ECG to read: nothing, the model's calls, or calls and their matches."""
ARMS: tuple[Arm, ...] = get_args(Arm)
Outcome = Literal[
    "correct", "auc", "brier", "sensitivity", "specificity", "seconds", "preference", "agreement"
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
LONGEST_WASHOUT_DAYS = 365


@dataclass(frozen=True, config=SETTINGS)
class Readings:
    """How ECGs are read: in each arm once, each arm of a case in another session.

    A session opens `washout_days` after the last answer of the one before.
    """

    arms: tuple[Arm, ...] = ARMS
    washout_days: Annotated[int, Field(strict=True), within(0, LONGEST_WASHOUT_DAYS)] = 14

    @model_validator(mode="after")
    def _distinct(self) -> Readings:
        if not self.arms or len(set(self.arms)) < len(self.arms):
            raise ValueError(
                f"The arms of readings are one or more of {', '.join(ARMS)}, each once."
            )
        return self


@dataclass(frozen=True, config=SETTINGS)
class Allocation:
    """Who meets what of the rated items of each kind; all meet practice and controls.

    Parameters
    ----------
    anchor : share that all reviewers meet
    reviewers_each : by how many each of the others is met; by all, if 0
    """

    anchor: Annotated[float, Field(strict=True), within(0, 1)] = 0.3
    reviewers_each: Count = 0


def _checked_date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise PydanticCustomError("expected", "a date such as 2027-03-01") from error


@dataclass(frozen=True, config=SETTINGS)
class Look:
    """A look at the results before the end: from when on, and what it spends of alpha.

    Parameters
    ----------
    answered : share of all that is assigned which has to be answered before
    on : the day from which on it may be taken, as 2027-03-01
    """

    alpha: Annotated[float, Field(strict=True), within(0, 0.2)]
    answered: Annotated[float, Field(strict=True), within(0, 1)] | None = None
    on: Annotated[StrictStr, AfterValidator(_checked_date)] | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Look:
        if (self.answered is None) == (self.on is None):
            raise ValueError("A look of [[protocol.looks]] needs either answered or on, not both.")
        return self

    @property
    def words(self) -> str:
        """When it may be taken, and what it spends."""
        when = f"on {self.on}" if self.on else f"once {100 * (self.answered or 0):g} % is answered"
        return f"{when}, at alpha {self.alpha:g}"


@dataclass(frozen=True, config=SETTINGS)
class Protocol:
    """What is tested, and what counts as an effect.

    Parameters
    ----------
    primary : the outcome that decides; none, where the study describes
    secondary : the others that are declared; whatever else is looked at is exploratory
    compare : the two arms whose difference is tested
    alpha : chance of an effect where there is none, over all that is declared
    multiplicity : "holm" over primary and secondary together, or "none"
    interim : what is looked at before the end, and what follows from it
    looks : when the results are looked at before the end, in this order; they stay closed until
        then, and what they spend of alpha the end has not
    """

    primary: Outcome | None = None
    secondary: tuple[Outcome, ...] = ()
    compare: tuple[Arm, Arm] = ("alone", "prototypes")
    alpha: Annotated[float, Field(strict=True), within(0.0001, 0.2)] = 0.05
    multiplicity: Literal["holm", "none"] = "holm"
    interim: LongText = "No result is looked at before the study is closed."
    looks: tuple[Look, ...] = ()

    @model_validator(mode="after")
    def _declared_once(self) -> Protocol:
        if self.primary in self.secondary or len(set(self.secondary)) < len(self.secondary):
            raise ValueError("An outcome is declared twice. Name each once.")
        if self.compare[0] == self.compare[1]:
            raise ValueError("The two arms that are compared are the same. Name two.")
        if self.final_alpha <= 0:
            raise ValueError("The looks before the end leave nothing of alpha. Lower theirs.")
        return self

    @property
    def final_alpha(self) -> float:
        """What the looks before leave of alpha at the end: by Bonferroni, whatever they share."""
        return round(self.alpha - sum(look.alpha for look in self.looks), 10)
