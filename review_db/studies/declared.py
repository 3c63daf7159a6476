"""What is declared before a study starts: the arms of its readings, and what is tested how."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from review_db.studies.settings import SETTINGS, Count, LongText, within

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
    """

    primary: Outcome | None = None
    secondary: tuple[Outcome, ...] = ()
    compare: tuple[Arm, Arm] = ("alone", "prototypes")
    alpha: Annotated[float, Field(strict=True), within(0.0001, 0.2)] = 0.05
    multiplicity: Literal["holm", "none"] = "holm"
    interim: LongText = "No result is looked at before the study is closed."

    @model_validator(mode="after")
    def _declared_once(self) -> Protocol:
        if self.primary in self.secondary or len(set(self.secondary)) < len(self.secondary):
            raise ValueError("An outcome is declared twice. Name each once.")
        if self.compare[0] == self.compare[1]:
            raise ValueError("The two arms that are compared are the same. Name two.")
        return self
