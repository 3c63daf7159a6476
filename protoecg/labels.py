"""The 71 SCP-ECG statements of PTB-XL, and the branch that reads each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

BRANCHES = ("rhythm", "morphology", "global")
# What somebody must be told of at once: injury, high-degree block, fast rhythms, long QT.
CRITICAL = frozenset(
    ("INJAS", "INJAL", "INJIN", "INJIL", "INJLA", "3AVB", "2AVB", "SVTAC", "PSVT", "LNGQT")
)
# In the order of a reading: diagnoses by PTB-XL's classes, then the others, a normal ECG last.
_ORDER = ("MI", "CD", "HYP", "STTC", "form", "rhythm", "NORM")


@dataclass(frozen=True)
class Statement:
    """One SCP-ECG statement, as defined by PTB-XL's `scp_statements.csv`.

    Parameters
    ----------
    diagnostic_class : of PTB-XL, such as "MI"; empty where it is no diagnosis
    is_rhythm : whether it names a rhythm, whatever branch reads it
    """

    code: str
    branch: str
    description: str
    diagnostic_class: str
    is_rhythm: bool

    @property
    def critical(self) -> bool:
        """Whether somebody must be told of it at once."""
        return self.code in CRITICAL

    @property
    def urgency(self) -> int:
        """Its place in a reading: 0 is critical, a normal ECG comes last."""
        kind = self.diagnostic_class or ("rhythm" if self.is_rhythm else "form")
        return 0 if self.critical else 1 + _ORDER.index(kind)


def _read() -> dict[str, Statement]:
    text = files("protoecg").joinpath("scp_statements.csv").read_text(encoding="utf-8")
    return {row["code"]: _statement(row) for row in csv.DictReader(text.splitlines())}


def _statement(row: dict[str, str]) -> Statement:
    return Statement(
        row["code"], row["branch"], row["description"], row["diagnostic_class"], bool(row["rhythm"])
    )


STATEMENTS = _read()


def describe(code: str) -> str:
    """Words for a statement's code, such as "first degree AV block" for "1AVB"."""
    return STATEMENTS[code].description
