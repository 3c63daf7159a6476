"""Where measurements contradict a finding, in sentences.

Each limit leaves room for the error of a measurement beside the definition that it is taken from:
rates and intervals by the AHA/ACCF/HRS recommendations for the interpretation of the ECG (2009), ST
by the Fourth Universal Definition of Myocardial Infarction (2018).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan, nan

from protoecg.ecg import LEADS
from protoecg.explanation import Finding
from protoecg.labels import describe
from protoecg.measure import QUANTITIES

NORMAL = "NORM"
# Rhythms that a normal ECG may have.
_SINUS = ("SR", "SBRAD", "STACH", "SARRH")

ELEVATED_MV, ELEVATED_V2_V3_MV, DEPRESSED_MV = 0.1, 0.25, -0.1
# Leads that look from neighbouring places, in the order around the heart.
_NEIGHBOURS = (
    *(("II", "III"), ("II", "aVF"), ("III", "aVF"), ("I", "aVL")),
    *(("V1", "V2"), ("V2", "V3"), ("V3", "V4"), ("V4", "V5"), ("V5", "V6"), ("I", "V6")),
)
_NO_STEADY_P = 40


@dataclass(frozen=True)
class Limits:
    """Between which values a quantity goes with a statement."""

    quantity: str
    low: float = -inf
    high: float = inf

    def broken_by(self, values: Mapping[str, float]) -> bool:
        """Whether the quantity is known and lies outside."""
        value = values[self.quantity]
        return not isnan(value) and not self.low <= value <= self.high

    def sentence(self, code: str, value: float) -> str:
        """Say what was measured, and what goes with the statement."""
        quantity = QUANTITIES[self.quantity]
        span = f"{self.low:g} to {self.high:g}"
        if self.high == inf:
            span = f"at least {self.low:g}"
        if self.low == -inf:
            span = f"at most {self.high:g}"
        return (
            f"{quantity.words} is {value:.{_digits(quantity.unit)}f} {quantity.unit}; "
            f"{describe(code)} goes with {span}."
        )


def _digits(unit: str) -> int:
    return 2 if unit == "mV" else 0


LIMITS: dict[str, tuple[Limits, ...]] = {
    NORMAL: (
        Limits("heart_rate", 50, 110),
        Limits("pr", 100, 220),
        Limits("qrs", high=120),
        Limits("qtc", high=480),
    ),
    "SR": (Limits("heart_rate", 50, 110),),
    "SBRAD": (Limits("heart_rate", high=65),),
    "STACH": (Limits("heart_rate", 95),),
    "1AVB": (Limits("pr", 190),),
    "LPR": (Limits("pr", 180),),
    "WPW": (Limits("pr", high=180),),
    "CLBBB": (Limits("qrs", 110),),
    "CRBBB": (Limits("qrs", 110),),
    "LNGQT": (Limits("qtc", 430),),
    "LAFB": (Limits("axis", high=-15),),
    "LVOLT": (Limits("limb_voltage", high=0.8),),
    "AFIB": (Limits("rr_spread", low=3),),
}
# What cannot be without a P wave before each QRS complex.
_WITH_P = ("1AVB", "LPR")


def guarded(findings: Sequence[Finding], values: Mapping[str, float]) -> list[Finding]:
    """Return the findings, each that is likely or possible with what contradicts it.

    A normal ECG that anything contradicts is withheld, see `Finding.withheld`.

    Parameters
    ----------
    findings : all of an ECG
    values : as `protoecg.measure.quantities` returns them
    """
    likely = [finding.code for finding in findings if finding.present]
    return [
        replace(finding, contradictions=tuple(contradictions(finding.code, values, likely)))
        if finding.certainty != "absent"
        else finding
        for finding in findings
    ]


def judgeable(values: Mapping[str, float], wander: Collection[str]) -> dict[str, float]:
    """Return measurements without the ST levels of leads whose baseline wanders: NaN, unsure."""
    return {**values, **{f"st_{lead}": nan for lead in wander}}


def contradictions(
    code: str, values: Mapping[str, float], likely: Sequence[str] = ()
) -> Iterator[str]:
    """Yield a sentence for each measurement, and each likely finding, that contradicts one."""
    for limits in LIMITS.get(code, ()):
        if limits.broken_by(values):
            yield limits.sentence(code, values[limits.quantity])
    if code in _WITH_P and values["p_steady"] < _NO_STEADY_P:
        yield f"No steady P wave comes before the QRS complexes; {describe(code)} needs one."
    if code == NORMAL:
        yield from _st(values)
        if abnormal := [other for other in likely if other not in (NORMAL, *_SINUS)]:
            yield f"A normal ECG does not go with {', '.join(map(describe, abnormal))}."


def _st(values: Mapping[str, float]) -> Iterator[str]:
    """Yield what ST levels in two neighbouring leads say against a normal ECG."""
    level = {lead: values[f"st_{lead}"] for lead in LEADS}
    kinds = {
        "elevated": {lead for lead, mv in level.items() if mv >= _elevated_from(lead)},
        "depressed": {lead for lead, mv in level.items() if mv <= DEPRESSED_MV},
    }
    for word, found in kinds.items():
        pairs = [pair for pair in _NEIGHBOURS if found.issuperset(pair)]
        if leads := dict.fromkeys(lead for pair in pairs for lead in pair):
            told = ", ".join(f"{lead} {level[lead]:+.2f} mV" for lead in leads)
            yield f"ST is {word} 60 ms after the QRS complex: {told}."


def _elevated_from(lead: str) -> float:
    return ELEVATED_V2_V3_MV if lead in ("V2", "V3") else ELEVATED_MV
