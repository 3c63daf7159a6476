"""What is measured far beyond the ordinary though no finding speaks of it, in sentences.

The reverse of `contradictions`: there a finding is doubted by a measurement, here a measurement
stands alone. It is the measurement's word, not the model's, and only a sure one counts. Limits are
those from which guidelines call a value marked or highly abnormal, or lie as far again beyond the
ordinary: PR, QRS and axis by the AHA/ACCF/HRS recommendations for the interpretation of the ECG
(2009), a QTc of 500 ms by the AHA/ACCF statement on torsade de pointes (2010), ST and T at twice
the limits of the Fourth Universal Definition of Myocardial Infarction (2018). A pause is nearly two
usual intervals, as after a beat that was not conducted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan

from protoecg.ecg import LEADS
from protoecg.explanation import Finding, Unnamed
from protoecg.labels import Statement
from protoecg.measure import QUANTITIES
from protoecg.measured import levels
from protoecg.quality import Quality
from protoecg.wording import true_minus

ALONE = "though no finding says so; check it by eye"
# Beyond it QT is long because QRS is (AHA/ACCF/HRS 2009).
_WIDE_QRS_MS = 120
_BLOCKS = ("CLBBB", "CRBBB", "ILBBB", "IVCD", "WPW", "PACE")
# Breathing does not double an interval.
_IRREGULAR = ("SVARR", "AFIB", "AFLT", "2AVB", "3AVB", "PAC", "PVC", "PRC(S)")
_BY_TURNS = ("BIGU", "TRIGU", "PACE")
# Of which ST and T are what they are because QRS is, in all leads.
_CHANGED_QRS = ("CLBBB", "CRBBB", "WPW", "PACE")
_SECONDARY = (*_CHANGED_QRS, "LVH", "RVH", "SEHYP")
_INJURY = ("INJAS", "INJAL", "INJIN", "INJLA", "INJIL")
_INFARCTION = ("IMI", "ASMI", "AMI", "ILMI", "ALMI", "LMI", "IPLMI", "IPMI", "PMI")
_ISCHAEMIA = ("ISC_", "ISCAL", "ISCIN", "ISCIL", "ISCAS", "ISCLA", "ISCAN")


@dataclass(frozen=True)
class _Beyond:
    """From where on a quantity stands out, and by which statements it is spoken of.

    Parameters
    ----------
    word : what it is then
    codes : PTB-XL's, any one of which speaks of it
    kinds : of the statements that mean nothing that PTB-XL knows, which speak of it too
    """

    quantity: str
    word: str
    codes: tuple[str, ...]
    kinds: tuple[str, ...]
    low: float = -inf
    high: float = inf

    def sentence(self, values: Mapping[str, float]) -> str:
        """Say so of an ECG; empty where the quantity is unsure, or ordinary enough."""
        value, quantity = values[self.quantity], QUANTITIES[self.quantity]
        if isnan(value) or self.low < value < self.high:
            return ""
        digits = 2 if quantity.unit == "mV" else 0
        return true_minus(f"{quantity.words} {value:.{digits}f} {quantity.unit}: {self.word}")


@dataclass(frozen=True)
class _Levels:
    """Levels in neighbouring leads that stand out, and by which statements they are spoken of.

    A statement that other leads define does not speak of them.
    """

    wave: str
    word: str
    found: Callable[[Mapping[str, float]], dict[str, float]]
    codes: tuple[str, ...]
    kinds: tuple[str, ...]

    def sentence(self, values: Mapping[str, float]) -> str:
        """Say so of an ECG; empty where levels are unsure, or ordinary enough."""
        found = self.found(values)
        leads = ", ".join(f"{lead} {mv:+.2f}" for lead, mv in found.items())
        return true_minus(f"{self.wave} {leads} mV: {self.word}") if found else ""


_RULES: Mapping[str, _Beyond | _Levels] = {
    "rate_low": _Beyond(
        *("heart_rate", "slow"), ("SBRAD", "2AVB", "3AVB", "AFIB", "AFLT", "PACE"), ("rhythm",), 45
    ),
    "rate_high": _Beyond(
        *("heart_rate", "fast"),
        ("STACH", "AFIB", "AFLT", "SVTAC", "PSVT", "SVARR", "PACE"),
        ("rhythm",),
        high=120,
    ),
    "pause": _Beyond(
        *("longest_rr", "a pause"), (*_IRREGULAR, *_BY_TURNS), ("rhythm", "conduction"), high=180
    ),
    "pr": _Beyond(
        *("pr", "prolonged"), ("1AVB", "LPR", "2AVB", "3AVB", "PACE"), ("conduction",), high=240
    ),
    "qrs": _Beyond("qrs", "wide", _BLOCKS, ("conduction",), high=140),
    "qtc": _Beyond("qtc", "prolonged", ("LNGQT",), ("repolarisation",), high=500),
    "axis_left": _Beyond(
        *("axis", "marked axis deviation"),
        ("LAFB", "IMI", "ILMI", "IPLMI", "IPMI", *_CHANGED_QRS),
        ("conduction",),
        -60,
    ),
    "axis_right": _Beyond(
        *("axis", "marked axis deviation"),
        ("LPFB", "RVH", "LMI", "ALMI", *_CHANGED_QRS),
        ("conduction", "hypertrophy"),
        high=120,
    ),
    "st_raised": _Levels(
        *("ST at J + 60 ms in", "raised", lambda values: levels.raised(values, 0.1)),
        ("STE_", "ANEUR", *_INJURY, *_INFARCTION, *_SECONDARY),
        ("infarction",),
    ),
    "st_lowered": _Levels(
        *("ST at J + 60 ms in", "lowered", lambda values: levels.lowered(values, -0.1)),
        ("STD_", "NST_", "DIG", "EL", *_ISCHAEMIA, *_INJURY, *_SECONDARY),
        ("infarction", "repolarisation"),
    ),
    "t_inverted": _Levels(
        *("T in", "inverted", lambda values: levels.inverted(values, -0.2)),
        (
            *("INVT", "TAB_", "NT_", "NDT", "NST_", "DIG", "EL", "ANEUR", "LNGQT"),
            *(*_ISCHAEMIA, *_INJURY, *_INFARCTION, *_SECONDARY),
        ),
        ("infarction", "repolarisation"),
    ),
    "voltage_low": _Beyond("limb_voltage", "low", ("LVOLT",), ("form",), 0.4),
}
NAMES = tuple(_RULES)


def unnamed(findings: Sequence[Finding], values: Mapping[str, float]) -> tuple[Unnamed, ...]:
    """Return what stands out among measurements, and no likely or possible finding speaks of.

    Parameters
    ----------
    findings : all of an ECG
    values : see `sure`
    """
    named = [finding.statement for finding in findings if finding.certainty != "absent"]
    return tuple(Unnamed(name, f"{sentence}, {ALONE}.") for name, sentence in alone(named, values))


def alone(named: Sequence[Statement], values: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield the name of what stands out and no statement speaks of, and a sentence about it.

    Parameters
    ----------
    named : the statements that are made of an ECG
    values : see `sure`
    """
    for name, sentence in standing_out(values).items():
        if not any(speaks_of(statement, name, values) for statement in named):
            yield name, sentence


def standing_out(values: Mapping[str, float]) -> dict[str, str]:
    """Return what stands out among measurements, by its name (one of `NAMES`), in words."""
    sentences = {name: rule.sentence(values) for name, rule in _RULES.items()}
    if values["qrs"] > _WIDE_QRS_MS:
        sentences["qtc"] = ""
    return {name: sentence for name, sentence in sentences.items() if sentence}


def speaks_of(statement: Statement, name: str, values: Mapping[str, float]) -> bool:
    """Whether a statement speaks of what stands out under a name of `NAMES`."""
    rule = _RULES[name]
    if statement.scp not in rule.codes and (statement.scp or statement.kind not in rule.kinds):
        return False
    if isinstance(rule, _Beyond) or not statement.leads or statement.scp in _CHANGED_QRS:
        return True
    return not rule.found(values).keys().isdisjoint(statement.leads)


def sure(values: Mapping[str, float], recording: Quality) -> dict[str, float]:
    """Return measurements without what a faulty recording makes unsure: NaN.

    Parameters
    ----------
    values : as `protoecg.measure.quantities` returns them
    """
    faulty = {*recording.wander, *recording.noisy, *recording.clipped, *recording.flat}
    unsure = [f"st_{lead}" for lead in faulty]
    if recording.arms_swapped or recording.chest_reversed:
        unsure += ["axis", *(f"{wave}_{lead}" for wave in ("st", "t") for lead in LEADS)]
    return {**values, **dict.fromkeys(unsure, nan)}
