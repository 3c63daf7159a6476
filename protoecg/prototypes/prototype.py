"""A training ECG that findings are compared with, and what is known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256 as digest

# PTB-XL's reports were made small letter by letter, but for these: "mÖglich".
_LEFT_LARGE = re.compile(r"(?<=\w)[ÄÖÜÅ]|\b[ÄÖÜÅ](?=[a-zäöüåß])")
# PTB-XL's reports are all in small letters. "I" is a word of Swedish, and a lead in a list of them.
_LEAD = re.compile(
    r"\bv(?=[1-6]\b)|\b(?:iii?|av[rlf])\b|\bi(?=\s*,\s*(?:ii|av[rlf]|v[1-6])\b)", re.IGNORECASE
)
_SPELT = {one.lower(): one for one in ("I", "II", "III", "aVR", "aVL", "aVF", "V")}


@dataclass(frozen=True, kw_only=True)
class SourceECG:
    """A real training ECG, or a window of it, and what is known of it.

    Parameters
    ----------
    name : what to call it; never used as a path
    record : the ECG within its data set, such as `"records100/00000/00001_lr"`
    window_s : start and end in the ECG, seconds; the whole strip for rhythm and global
    statements : every statement of the ECG; none where they are not known
    patient : pseudonymous patient number of the data set
    age, sex : of the patient, where the data set knows; sex as "female" or "male"
    sha256 : of the record's signal file
    """

    name: str
    record: str
    window_s: tuple[float, float]
    statements: tuple[str, ...]
    patient: str
    age: int | None
    sex: str | None
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Prototype(SourceECG):
    """A real training ECG, or a window of it, that stands for a statement.

    Its name is unique within its bundle, such as `"morphology-PVC-3"`.

    Parameters
    ----------
    branch, statement : the branch that compares by it, the statement that it stands for
    likelihood : that its ECG has the statement, in percent, as the data set's annotators gave it;
        None where they gave none, as for rhythms and forms
    validated : whether a human validated the statements of its ECG; None where it is not known
    noise : remarks on its ECG, such as `"burst noise: V4"`
    report : what the cardiologist wrote of its ECG, in the data set's language; empty if nothing
    relaxed : what speaks against its ECG, where none better could be had
    """

    branch: str
    statement: str
    likelihood: float | None = None
    validated: bool | None = None
    noise: tuple[str, ...] = ()
    report: str = ""
    relaxed: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What it is, whatever bundle it is in: see `window_identity`."""
        return window_identity(self.statement, self.sha256, self.window_s)

    @property
    def readable_report(self) -> str:
        """The report with leads as they are written, and no capital umlauts among small letters."""
        small = _LEFT_LARGE.sub(lambda letter: letter[0].lower(), self.report)
        return _LEAD.sub(lambda lead: _SPELT[lead[0].lower()], small)


def window_identity(statement: str, sha256: str, window_s: tuple[float, float]) -> str:
    """Return what ratings belong to: a window of an ECG, by its content, under a statement.

    Parameters
    ----------
    sha256 : of the record's signal file
    window_s : start and end, seconds; told apart by hundredths
    """
    start_s, end_s = window_s
    return digest(f"{statement} {sha256} {start_s:.2f} {end_s:.2f}".encode()).hexdigest()[:32]
