"""Codes that hospital systems know: SNOMED CT of statements, LOINC and MDC of measurements.

SNOMED CT codes are those by which the PhysioNet/CinC challenges of 2020 and 2021 labelled ECGs;
LOINC codes those of its class EKG.MEAS; MDC codes those of ISO/IEEE 11073-10102, as
partition * 65536 + term. A statement that has no code there, such as an infarction by its region,
has its words and the label set's code alone.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO

from protoecg.labels import Statement
from protoecg.measure import QTC_FORMULA

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
MDC = "urn:iso:std:iso:11073:10101"
LABEL_SET = "urn:protoecg:label-set"


@dataclass(frozen=True)
class Coding:
    """A code, the system that it is of, and what it says there; "" where that is not sure.

    HL7's validator refuses words that are not the system's own.
    """

    system: str
    code: str
    display: str = ""

    def to_json(self) -> dict[str, str]:
        """Return it as FHIR has it."""
        fields = {"system": self.system, "code": self.code, "display": self.display}
        return {key: value for key, value in fields.items() if value}


@dataclass(frozen=True)
class Measure:
    """How a measurement is called by systems, and its unit in words and in UCUM."""

    codings: tuple[Coding, ...]
    words: str
    unit: str
    ucum: str


def _read() -> dict[str, Coding]:
    text = files("protoecg.hospital").joinpath("snomed.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(StringIO(text))
    # The challenges' words are not SNOMED CT's.
    return {row["scp"]: Coding(SNOMED, row["code"]) for row in rows}


SNOMED_BY_SCP = _read()


def codings(statement: Statement) -> list[Coding]:
    """Return the codes of a statement, that of its label set last."""
    known = SNOMED_BY_SCP.get(statement.scp)
    own = Coding(LABEL_SET, statement.code, statement.description)
    return [known, own] if known else [own]


def _mdc(term: int, name: str) -> Coding:
    return Coding(MDC, str(2 * 65536 + term), name)


MEASURES = {
    "heart_rate_bpm": Measure(
        (
            # 8867-4 is a vital sign, of which HL7 demands whose it is and when.
            Coding(LOINC, "76282-3", "Heart rate.beat-to-beat by EKG"),
            _mdc(16770, "MDC_ECG_CARD_BEAT_RATE"),
        ),
        "Heart rate",
        "beats/min",
        "/min",
    ),
    "axis_deg": Measure(
        (Coding(LOINC, "8632-2", "QRS axis"), _mdc(16132, "MDC_ECG_ANGLE_QRS_FRONT")),
        "QRS axis in the frontal plane",
        "degrees",
        "deg",
    ),
    "p_ms": Measure((_mdc(16184, "MDC_ECG_TIME_PD_P_GL"),), "P duration", "ms", "ms"),
    "pr_ms": Measure(
        (Coding(LOINC, "8625-6", "P-R Interval"), _mdc(15872, "MDC_ECG_TIME_PD_PR_GL")),
        "PR interval",
        "ms",
        "ms",
    ),
    "qrs_ms": Measure(
        (Coding(LOINC, "8633-0", "QRS duration"), _mdc(16156, "MDC_ECG_TIME_PD_QRS_GL")),
        "QRS duration",
        "ms",
        "ms",
    ),
    "qt_ms": Measure(
        (Coding(LOINC, "8634-8", "Q-T interval"), _mdc(16160, "MDC_ECG_TIME_PD_QT_GL")),
        "QT interval",
        "ms",
        "ms",
    ),
    "qtc_ms": Measure(
        (
            Coding(LOINC, "76634-5"),
            _mdc(15892, "MDC_ECG_TIME_PD_QTcF"),
        ),
        f"QTc by {QTC_FORMULA}",
        "ms",
        "ms",
    ),
}
