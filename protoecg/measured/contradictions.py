"""Where measurements contradict a finding, in sentences.

Limits leave room for the error of a measurement beside the definition that they are taken from, but
where hardly a normal ECG is measured beyond it: rates and intervals by the AHA/ACCF/HRS
recommendations for the interpretation of the ECG (2009), ST and T of a normal ECG by the Fourth
Universal Definition of Myocardial Infarction (2018), low voltage by its usual definition, no limb
lead of 0.5 mV. `python -m training guards` counts what they contradict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan, nan

from protoecg.ecg import LEADS
from protoecg.explanation import Finding
from protoecg.labels import Statement
from protoecg.measure import QUANTITIES
from protoecg.measured import levels

# Rhythms that a normal ECG may have.
_SINUS = ("SR", "SBRAD", "STACH", "SARRH")


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

    def sentence(self, statement: Statement, value: float) -> str:
        """Say what was measured, and what goes with the statement."""
        quantity = QUANTITIES[self.quantity]
        span = f"{self.low:g} to {self.high:g}"
        if self.high == inf:
            span = f"at least {self.low:g}"
        if self.low == -inf:
            span = f"at most {self.high:g}"
        return (
            f"{quantity.words} is {value:.{_digits(quantity.unit)}f} {quantity.unit}; "
            f"{statement.description} goes with {span}."
        )


def _digits(unit: str) -> int:
    return 2 if unit == "mV" else 0


# From which steadiness of what precedes the QRS complexes on that may be P waves, for what needs
# them, and for what has none.
_NEEDS_P, _WITHOUT_P = {"1AVB": 40, "LPR": 40, "SR": 35}, {"AFIB": 90}
_SMALL_VOLTAGE = (Limits("sokolow", 2), Limits("cornell", 1.2), Limits("limb_voltage", 1.3))
# By PTB-XL's codes, as all that follows: see `Statement.scp`.
LIMITS: dict[str, tuple[Limits, ...]] = {
    "NORM": (
        Limits("heart_rate", 50, 110),
        Limits("pr", 100, 220),
        Limits("qrs", high=120),
        Limits("qtc", high=480),
        Limits("axis", -45, 110),
        Limits("longest_rr", high=180),
        Limits("limb_voltage", 0.5),
    ),
    "SR": (Limits("heart_rate", 50, 110),),
    "SBRAD": (Limits("heart_rate", high=65),),
    "STACH": (Limits("heart_rate", 95),),
    "SARRH": (Limits("rr_spread", 3),),
    "AFIB": (Limits("rr_spread", low=3),),
    "BIGU": (Limits("rr_alternates", 0),),
    "1AVB": (Limits("pr", 190),),
    "LPR": (Limits("pr", 180),),
    "WPW": (Limits("pr", high=180),),
    "CLBBB": (Limits("qrs", 110),),
    "CRBBB": (Limits("qrs", 110),),
    "IVCD": (Limits("qrs", 85),),
    "IRBBB": (Limits("qrs", high=150),),
    "ILBBB": (Limits("qrs", high=150),),
    "LNGQT": (Limits("qtc", 430),),
    "LAFB": (Limits("axis", high=-15),),
    "LPFB": (Limits("axis", 60),),
    "LVOLT": (Limits("limb_voltage", high=0.8),),
}
# Of which all have to be broken: any one of them is enough.
ANY_OF: dict[str, tuple[Limits, ...]] = {
    "PVC": (Limits("early_unusual", 1), Limits("early_usual", 1), Limits("unusual", 1)),
    "PAC": (Limits("early_usual", 1), Limits("early_unusual", 1)),
    "HVOLT": _SMALL_VOLTAGE,
    "VCLVH": _SMALL_VOLTAGE,
}


@dataclass(frozen=True)
class SomeLead:
    """Between which values a wave lies in one lead at least, if the statement is to be.

    Parameters
    ----------
    wave : "st" or "t", as in `QUANTITIES`
    leads : of which one is enough
    """

    wave: str
    leads: tuple[str, ...]
    low: float = -inf
    high: float = inf

    def broken_by(self, values: Mapping[str, float]) -> bool:
        """Whether the wave is known in all of the leads, and lies outside in each."""
        known = [values[f"{self.wave}_{lead}"] for lead in self.leads]
        return not any(isnan(mv) or self.low <= mv <= self.high for mv in known)

    def sentence(self, statement: Statement, values: Mapping[str, float]) -> str:
        """Say what was measured."""
        known = [values[f"{self.wave}_{lead}"] for lead in self.leads]
        return (
            f"{self.wave.upper()} is {min(known):+.2f} to {max(known):+.2f} mV in "
            f"{', '.join(self.leads)}, which does not go with {statement.description}."
        )


_BUT_AVR = tuple(lead for lead in LEADS if lead != "aVR")
_USUAL_T = ("I", "II", "V2", "V3", "V4", "V5", "V6")
SOME_LEAD: dict[str, SomeLead] = {
    "INVT": SomeLead("t", tuple(lead for lead in _BUT_AVR if lead != "V1"), high=0),
    "LOWT": SomeLead("t", _USUAL_T, -0.15, 0.15),
    "NT_": SomeLead("t", _USUAL_T, high=0.15),
    "NDT": SomeLead("t", _USUAL_T, high=0.2),
    "TAB_": SomeLead("t", _USUAL_T, high=0.2),
    "STE_": SomeLead("st", LEADS, low=0.05),
    "STD_": SomeLead("st", _BUT_AVR, high=-0.02),
}
# The measurement that a statement rests on.
_RESTS_ON = {"1AVB": "pr", "LPR": "pr", "LNGQT": "qtc"}


def guarded(findings: Sequence[Finding], values: Mapping[str, float]) -> list[Finding]:
    """Return the findings, each that is likely or possible with what contradicts it.

    A normal ECG that anything contradicts is withheld, see `Finding.withheld`.

    Parameters
    ----------
    findings : all of an ECG
    values : as `protoecg.measure.quantities` returns them
    """
    likely = [finding.statement for finding in findings if finding.present]
    return [
        replace(finding, contradictions=tuple(contradictions(finding.statement, values, likely)))
        if finding.certainty != "absent"
        else finding
        for finding in findings
    ]


def judgeable(values: Mapping[str, float], wander: Collection[str]) -> dict[str, float]:
    """Return measurements without the ST levels of leads whose baseline wanders: NaN, unsure."""
    return {**values, **{f"st_{lead}": nan for lead in wander}}


def contradictions(
    statement: Statement, values: Mapping[str, float], likely: Sequence[Statement] = ()
) -> Iterator[str]:
    """Yield a sentence for each measurement, and each likely finding, that contradicts one.

    So does what a statement rests on and could not be measured.
    """
    found = [*_measured(statement, values), *_p_waves(statement, values["p_steady"])]
    yield from found or unmeasured(statement, values)
    if statement.is_normal:
        yield from _st_and_t(values)
        if abnormal := [other.description for other in likely if not _is_ordinary(other)]:
            yield f"A normal ECG does not go with {', '.join(abnormal)}."


def _is_ordinary(statement: Statement) -> bool:
    return statement.is_normal or statement.scp in _SINUS


def unmeasured(statement: Statement, values: Mapping[str, float]) -> Iterator[str]:
    """Yield a sentence where a statement rests on what could not be measured."""
    code = statement.scp
    if code in _RESTS_ON and isnan(values[_RESTS_ON[code]]):
        words = QUANTITIES[_RESTS_ON[code]].words
        yield f"{words} could not be measured; {statement.description} rests on it."


def _measured(statement: Statement, values: Mapping[str, float]) -> Iterator[str]:
    code = statement.scp
    for limits in LIMITS.get(code, ()):
        if limits.broken_by(values):
            yield limits.sentence(statement, values[limits.quantity])
    either = ANY_OF.get(code, ())
    if either and all(limits.broken_by(values) for limits in either):
        yield either[0].sentence(statement, values[either[0].quantity])
    if code in SOME_LEAD and SOME_LEAD[code].broken_by(values):
        yield SOME_LEAD[code].sentence(statement, values)


def _p_waves(statement: Statement, steady: float) -> Iterator[str]:
    if steady < _NEEDS_P.get(statement.scp, -inf):
        yield f"No steady P wave comes before the QRS complexes; {statement.description} needs one."
    if steady > _WITHOUT_P.get(statement.scp, inf):
        yield f"P waves come steadily before the QRS complexes; {statement.description} has none."


def _st_and_t(values: Mapping[str, float]) -> Iterator[str]:
    """Yield what ST levels and T waves in two neighbouring leads say against a normal ECG."""
    for words, found in (
        ("ST is elevated 60 ms after the QRS complex", levels.raised(values)),
        ("ST is depressed 60 ms after the QRS complex", levels.lowered(values)),
        ("T is inverted", levels.inverted(values)),
    ):
        if found:
            yield f"{words}: {', '.join(f'{lead} {mv:+.2f} mV' for lead, mv in found.items())}."
