"""The 71 SCP-ECG statements of PTB-XL, and the branch that reads each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

BRANCHES = ("rhythm", "morphology", "global")


@dataclass(frozen=True)
class Statement:
    """One SCP-ECG statement, as defined by PTB-XL's `scp_statements.csv`."""

    code: str
    branch: str
    description: str


def _read() -> dict[str, Statement]:
    text = files("protoecg").joinpath("scp_statements.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {r["code"]: Statement(r["code"], r["branch"], r["description"]) for r in rows}


STATEMENTS = _read()


def describe(code: str) -> str:
    """Words for a statement's code, such as "first degree AV block" for "1AVB"."""
    return STATEMENTS[code].description
