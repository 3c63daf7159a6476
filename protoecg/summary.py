"""What a reader of an ECG sees first, on screen and on paper: a header line, findings in order.

The header line is that of an ECG cart; its limits are those of adults by the AHA/ACCF/HRS
recommendations for the interpretation of the ECG (2009).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from protoecg.explanation import Certainty, Explanation, Finding, Match
from protoecg.measure import QTC_FORMULA, Measurements
from protoecg.wording import true_minus

UNSURE = "unsure"
# What most ECGs have, and rhythms that ask for nothing beside another finding.
USUAL = ("NORM", "SR")
# Of ten that are called with this probability one has it: enough to be shown at once. Rarer ones,
# of which an ECG has several at one in a hundred, would only drown that.
PRESSING = 0.1
SINUS_RHYTHMS = ("SR", "SBRAD", "STACH", "SARRH")


@dataclass(frozen=True)
class Limits:
    """Between which values a measurement is ordinary, and beyond which it cannot wait.

    Parameters
    ----------
    below, above : the word for values beyond, as readers of ECGs use it
    extreme_low : below this value it is called extreme
    """

    low: float = -inf
    high: float = inf
    critical_low: float = -inf
    critical_high: float = inf
    below: str = "short"
    above: str = "long"
    extreme_low: float = -inf

    def flag(self, value: float) -> str:
        """Say how a value is out of the ordinary; empty where it is not."""
        if value < self.extreme_low:
            return "extreme"
        if value < self.low:
            return self.below
        return self.above if value > self.high else ""

    def is_critical(self, value: float) -> bool:
        """Whether a value cannot wait."""
        return value <= self.critical_low or value >= self.critical_high

    @property
    def words(self) -> str:
        """The limits in words, such as "60 to 100" or "up to 110"."""
        if self.low == -inf:
            return f"up to {self.high:g}"
        return true_minus(f"{self.low:g} to {self.high:g}")


# QTc is long from 450 ms in men, from 460 ms in women; few files say whose ECG it is. Short is
# only what is rare: below 390 ms, as recommended, lie many who have nothing.
LIMITS = {
    "heart_rate_bpm": Limits(60, 100, 40, 150, below="slow", above="fast"),
    "pr_ms": Limits(120, 200),
    "qrs_ms": Limits(high=110, above="wide"),
    "qtc_ms": Limits(350, 460, critical_high=500),
    "axis_deg": Limits(-30, 90, below="left", above="right", extreme_low=-90),
}


@dataclass(frozen=True)
class HeaderValue:
    """One measurement of the header line.

    Parameters
    ----------
    name, value : in words, such as "QT/QTc" and "380/420 ms"
    limits : what is ordinary, in words with the unit
    flag : how it is out of that, such as "long"; empty where it is not
    critical : whether it cannot wait
    unsure : why there is no value; empty where there is one
    """

    name: str
    value: str
    limits: str
    flag: str = ""
    critical: bool = False
    unsure: str = ""

    @property
    def words(self) -> str:
        """Name and value as they are printed, such as "PR 220 ms (long)"."""
        return f"{self.name} {self.value}{f' ({self.flag})' if self.flag else ''}"


def header(measured: Measurements) -> tuple[HeaderValue, ...]:
    """Return rate, PR, QRS, QT/QTc and axis, computed, as an ECG cart prints them."""
    qt = "" if measured.qt_ms is None else f"{measured.qt_ms:.0f}/"
    return (
        _value(measured, "heart_rate_bpm", "Rate", "bpm"),
        _value(measured, "pr_ms", "PR", "ms"),
        _value(measured, "qrs_ms", "QRS", "ms"),
        _value(measured, "qtc_ms", "QT/QTc", "ms", before=qt, reason_of="qt_ms"),
        _value(measured, "axis_deg", "Axis", "°"),
    )


def header_note() -> str:
    """Say where the header line's values come from."""
    return f"Computed from the samples, not from the file; QTc by {QTC_FORMULA}."


def _value(
    measured: Measurements,
    field: str,
    name: str,
    unit: str,
    *,
    before: str = "",
    reason_of: str = "",
) -> HeaderValue:
    value, limits = getattr(measured, field), LIMITS[field]
    in_unit = unit if unit == "°" else f" {unit}"
    ordinary = f"{limits.words}{in_unit}"
    if value is None:
        return HeaderValue(
            name, UNSURE, ordinary, unsure=measured.unsure.get(reason_of or field, "")
        )
    # Limits hold for what is printed: 100 bpm is not fast for a hundredth.
    whole = round(value)
    printed = f"{before}{true_minus(str(whole))}{in_unit}"
    return HeaderValue(name, printed, ordinary, limits.flag(whole), limits.is_critical(whole))


@dataclass(frozen=True)
class Summary:
    """The findings of an ECG that are not absent, each once, in the order of their reading.

    Parameters
    ----------
    critical : likely ones that cannot wait
    possible_critical : those that cannot wait and are merely possible, from `PRESSING` on
    likely : all other likely ones, what is most telling first
    rhythm : likely rhythms
    possible : what else may be, in the same order: critical ones first
    """

    critical: tuple[Finding, ...]
    possible_critical: tuple[Finding, ...]
    likely: tuple[Finding, ...]
    rhythm: tuple[Finding, ...]
    possible: tuple[Finding, ...]

    @property
    def in_order(self) -> tuple[Finding, ...]:
        """All of them, as they are read."""
        first = *self.critical, *self.possible_critical
        return (*first, *self.likely, *self.rhythm, *self.possible)

    @property
    def foremost(self) -> Finding | None:
        """The one to look at first.

        What is likely and not usual; then, where nothing is, a normal ECG or sinus rhythm before
        what is merely possible, unless that cannot wait or a normal ECG is not even possible.
        """
        return min(self.in_order, key=self._after, default=None)

    @property
    def leading(self) -> tuple[Finding, Match] | None:
        """The case to look at first: the strongest match for the foremost finding that has one."""
        looked_at = sorted(self.in_order, key=self._after)
        return next(
            ((f, f.matches[0]) for f in looked_at if f.matches and f.matches[0].contribution > 0),
            None,
        )

    @property
    def may_be_normal(self) -> bool:
        """Whether a normal ECG is likely or possible."""
        return any(finding.statement.is_normal for finding in self.in_order)

    @property
    def ordinary(self) -> str:
        """Say so where nothing but a normal ECG or sinus rhythm is likely; else empty."""
        likely = (*self.critical, *self.likely, *self.rhythm)
        if not likely or not all(map(_is_usual, likely)):
            return ""
        if any(finding.statement.is_normal for finding in likely):
            return "Read as a normal ECG: nothing abnormal is likely."
        return "Nothing abnormal is likely, though the ECG is not read as normal."

    def _after(self, finding: Finding) -> tuple[int, bool, int]:
        """Return what puts a finding after others: its group, sinus rhythm, less urgency."""
        statement = finding.statement
        # Any other rhythm than a sinus rhythm stands beside infarctions.
        urgency = min(statement.urgency, 1) if statement.is_rhythm else statement.urgency
        return self._group(finding), statement.scp in SINUS_RHYTHMS, urgency

    def _group(self, finding: Finding) -> int:
        if finding.certainty == "likely":
            return 2 if _is_usual(finding) else 0
        telling = not (_is_usual(finding) or self.may_be_normal)
        return 1 if finding.statement.critical or telling else 3


def _is_usual(finding: Finding) -> bool:
    return finding.statement.is_normal or finding.statement.scp in USUAL


def summarised(explanation: Explanation) -> Summary:
    """Put the findings of an explanation in the order of their reading.

    Where the model abstains, the order is the same and no group's name is a verdict.
    """
    likely, possible = (_of(explanation, certainty) for certainty in ("likely", "possible"))
    critical = [finding for finding in likely if finding.statement.critical]
    pressing = [f for f in possible if f.statement.critical and f.probability >= PRESSING]
    others = [finding for finding in likely if finding not in critical]
    return Summary(
        critical=tuple(critical),
        possible_critical=tuple(pressing),
        likely=tuple(finding for finding in others if not finding.statement.is_rhythm),
        rhythm=tuple(finding for finding in others if finding.statement.is_rhythm),
        possible=tuple(finding for finding in possible if finding not in pressing),
    )


def _of(explanation: Explanation, certainty: Certainty) -> list[Finding]:
    return by_urgency(f for f in explanation.findings if f.certainty == certainty)


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings: what cannot wait, then by the statement's urgency, then the most probable."""
    return sorted(findings, key=lambda f: (f.statement.urgency, -f.logit))


def in_words(finding: Finding) -> str:
    """Name a finding in words, its code second: "Atrial fibrillation (AFIB)"."""
    return finding.statement.named
