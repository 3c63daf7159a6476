"""The items of a study, each kind with what it is drawn from.

A content goes from `selection` through the column `study_item.data`, as JSON, to
`sessions.stages`, which takes away what its reviewer may not see, and to the page that draws it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from sqlalchemy import Row

from protoecg.labels import is_code
from review_db.store.failures import UnreadableValue


def _known(code: str) -> str:
    if not is_code(code):
        raise PydanticCustomError("statement", "expected the code of a statement, such as AFIB")
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
"""Start and end in an ECG, seconds."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class SourceFile(_Part):
    """Where an ECG is: its record, and the SHA-256 of the record's signal file."""

    record: str
    sha256: str


class SourceWindow(SourceFile):
    """A window of an ECG, such as a prototype's."""

    window_s: Window


class NamedWindow(SourceWindow):
    """The window of a prototype that answers can name."""

    name: str


class ShownMatch(_Part):
    """A match of an explanation: the patient's window, and the prototype's."""

    window_s: Window
    prototype: SourceWindow
    statement: Statement | None = None


class ShownExplanation(_Part):
    """What a bundle explains a case by."""

    matches: tuple[ShownMatch, ...]
    bundle: str = ""

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs of its prototypes."""
        return tuple(match.prototype for match in self.matches)


class Noise(_Part):
    """Noise that is added to an ECG: signal to noise, and the seed that it is drawn by."""

    snr_db: Number
    seed: int


class PrototypeContent(_Part):
    """A prototype, or a control in its place.

    `stands_for` is the prototype that a random window is shown instead of.
    """

    kind: Literal["prototype"] = "prototype"
    ecg: SourceWindow
    noise: Noise | None = None
    stands_for: str | None = None

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs that it is drawn from."""
        return (self.ecg,)


class MatchContent(_Part):
    """A patient's window beside a prototype's."""

    kind: Literal["match"] = "match"
    ecg: SourceFile
    window_s: Window
    similarity: Number
    prototype: SourceWindow

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs that it is drawn from."""
        return self.ecg, self.prototype


class PairContent(_Part):
    """Two explanations of a case."""

    kind: Literal["pair"] = "pair"
    ecg: SourceFile
    a: ShownExplanation
    b: ShownExplanation

    def sides(self, swapped: bool) -> SidesContent:
        """Return it as a reviewer meets it, who isn't told which side is which."""
        left, right = (self.b, self.a) if swapped else (self.a, self.b)
        return SidesContent(ecg=self.ecg, left=left, right=right)

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs that it is drawn from."""
        return self.sides(False).sources


class SidesContent(_Part):
    """Two explanations of a case, side by side."""

    ecg: SourceFile
    left: ShownExplanation
    right: ShownExplanation

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs that it is drawn from."""
        return self.ecg, *self.left.sources, *self.right.sources


class ReadingContent(_Part):
    """An ECG to read, first without, then with the explanation."""

    kind: Literal["reading"] = "reading"
    ecg: SourceFile
    explanation: ShownExplanation | None

    def alone(self) -> ReadingContent:
        """Return the ECG without the explanation."""
        return ReadingContent(ecg=self.ecg, explanation=None)

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs that it is drawn from."""
        return self.ecg, *(self.explanation.sources if self.explanation else ())


class ShownCall(_Part):
    """A finding that a model calls in a case, and how probable it says that is."""

    statement: Statement
    probability: Number | None = None


class DifferentialContent(_Part):
    """An ECG to read, with what the arm shows beside it: calls, and the matches behind them.

    `calls` and `explanation` are None where they are not to be seen.
    """

    kind: Literal["differential"] = "differential"
    ecg: SourceFile
    calls: tuple[ShownCall, ...] | None
    explanation: ShownExplanation | None

    def in_arm(self, arm: str) -> DifferentialContent:
        """Return it as an arm of the study shows it."""
        return DifferentialContent(
            ecg=self.ecg,
            calls=None if arm == "alone" else self.calls,
            explanation=self.explanation if arm == "prototypes" else None,
        )

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs that it is drawn from."""
        return self.ecg, *(self.explanation.sources if self.explanation else ())


class StatementContent(_Part):
    """All rated prototypes of a statement."""

    kind: Literal["statement"] = "statement"
    prototypes: tuple[NamedWindow, ...]

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The ECGs that it is drawn from."""
        return self.prototypes


Content = (
    PrototypeContent
    | MatchContent
    | PairContent
    | ReadingContent
    | DifferentialContent
    | StatementContent
)
ShownContent = (
    PrototypeContent
    | MatchContent
    | SidesContent
    | ReadingContent
    | DifferentialContent
    | StatementContent
)
"""What a reviewer gets to see of an item."""

_CONTENT: TypeAdapter[Content] = TypeAdapter(Annotated[Content, Field(discriminator="kind")])


@dataclass(frozen=True)
class StudyItem:
    """One thing that a study asks about.

    Parameters
    ----------
    content : what it is drawn from
    role : "rated", "practice", or the kind of control that it is
    statement : the one that is shown, which a control may have wrong
    branch, prototype, case_name : what it is of, "" where its kind has none
    truth : the true statements of a case, for the export alone
    """

    content: Content
    role: str
    statement: str
    branch: str = ""
    prototype: str = ""
    case_name: str = ""
    truth: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return self.content.kind

    def stored(self) -> dict[str, str]:
        """Return the columns of `study_item` that hold it."""
        drawn = self.content.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
        return {
            "kind": self.kind,
            "role": self.role,
            "branch": self.branch,
            "statement": self.statement,
            "prototype": self.prototype,
            "case_name": self.case_name,
            "data": json.dumps({**drawn, "truth": self.truth}),
        }


def item_from(row: Row) -> StudyItem:
    """Return the item that a row of `study_item` holds.

    Raises
    ------
    UnreadableValue
        If the row holds something else.
    """
    data = json.loads(row.data)
    try:
        content = _CONTENT.validate_python({**data, "kind": row.kind})
        truth = tuple(data.get("truth", ()))
    except (ValidationError, TypeError, AttributeError) as error:
        raise UnreadableValue(f"An item of the kind {row.kind!r} is none: {error}") from error
    return StudyItem(
        content, row.role, row.statement, row.branch, row.prototype, row.case_name, truth
    )
