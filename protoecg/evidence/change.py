"""What changed between two ECGs of one patient: measurements, and findings taken apart.

Which of the two is the earlier is for the caller to say: few files give a time to rely on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from protoecg.evidence import repeatability
from protoecg.explanation import CERTAINTIES, Explanation, Finding, Match
from protoecg.measure import QTC_FORMULA, WORDS, Measurements
from protoecg.prototypes.prototype import Prototype

DEGREES = "°"
# Kinds of change in the order of lists; what is absent in both is left out.
CHANGED = (
    *("newly likely", "no longer likely", "now only possible"),
    *("newly possible", "no longer possible"),
)
LISTED = (*CHANGED, "no sure change", "likely in both", "possible in both")
ABSENT = "absent in both"
# Of each value: its words, its unit, the value with which it is unsure.
MEASURED = {
    **{name: (*words_and_unit, name) for name, words_and_unit in WORDS.items() if name != "p_ms"},
    "axis_deg": (WORDS["axis_deg"][0], DEGREES, "axis_deg"),
    "qtc_ms": (f"QTc ({QTC_FORMULA})", "ms", "qt_ms"),
}


@dataclass(frozen=True)
class MeasurementChange:
    """One measurement on both ECGs, in whole units, as they are printed; None where unsure.

    Parameters
    ----------
    name, unit : in words; the axis in degrees
    then, now : on the earlier ECG, on the later one
    noise : by how much two ECGs of one patient differ by themselves
    unsure_then, unsure_now : why a value is None; empty where it is not
    """

    name: str
    unit: str
    then: int | None
    now: int | None
    noise: int
    unsure_then: str = ""
    unsure_now: str = ""

    @property
    def difference(self) -> int | None:
        """Now less then; of an axis the shorter way round, -179 to 180, positive to the right."""
        if self.then is None or self.now is None:
            return None
        difference = self.now - self.then
        return difference if self.unit != DEGREES else 180 - (180 - difference) % 360

    @property
    def times_noise(self) -> float:
        """How large the change is beside the noise; 0 where it is not known."""
        return abs(self.difference or 0) / self.noise

    @property
    def beyond_noise(self) -> bool:
        """Whether it changed by more than two ECGs of one patient differ by themselves."""
        return self.times_noise > 1


@dataclass(frozen=True)
class MatchChange:
    """What one prototype adds to a finding on both ECGs; the weight is the same."""

    then: Match
    now: Match

    @property
    def prototype(self) -> Prototype:
        """The prototype that both ECGs are compared with."""
        return self.now.prototype

    @property
    def amount(self) -> float:
        """By how much its contribution rose, in logits: weight times the rise in similarity."""
        return self.now.contribution - self.then.contribution


@dataclass(frozen=True)
class FindingChange:
    """One statement on both ECGs.

    `matches` are those that spoke on either, sorted by what each changed, largest rise first. Their
    amounts and `measured` add up to `amount`: the bias is in both logits and cancels.
    """

    then: Finding
    now: Finding
    matches: tuple[MatchChange, ...]

    @property
    def code(self) -> str:
        """The statement's code."""
        return self.now.code

    @property
    def amount(self) -> float:
        """By how much the logit rose."""
        return self.now.logit - self.then.logit

    @property
    def measured(self) -> float:
        """By how much rose what all measurements together add, in logits."""
        added = (m.contribution for m in self.now.measured)
        taken = (-m.contribution for m in self.then.measured)
        return math.fsum((*added, *taken))

    @property
    def most(self) -> MatchChange | None:
        """The match whose contribution changed most; None without any."""
        return max(self.matches, key=lambda match: abs(match.amount), default=None)

    @property
    def beyond_noise(self) -> bool:
        """Whether the logit changed by more than in two ECGs of one patient by itself."""
        return abs(self.amount) > repeatability.logit(self.code)

    @property
    def kind(self) -> str:
        """One of `LISTED`, or `ABSENT`: how sure it is has changed, by more than noise, or not."""
        then, now = self.then.certainty, self.now.certainty
        if then == now:
            return f"{now} in both"
        if not self.beyond_noise:
            return "no sure change"
        if CERTAINTIES.index(now) < CERTAINTIES.index(then):
            return f"newly {now}"
        return f"no longer {then}" if now == "absent" else "now only possible"


@dataclass(frozen=True)
class Comparison:
    """What changed on an ECG since an earlier one, whose explanation is `then`."""

    then: Explanation
    measurements: tuple[MeasurementChange, ...]
    findings: tuple[FindingChange, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; of both ECGs, each value of what may have changed."""
        return {
            "source": self.then.source,
            "notes": list(self.then.notes),
            "quality": list(self.then.quality),
            "abstains": self.then.abstains,
            "measurements": [
                {
                    **asdict(change),
                    "difference": change.difference,
                    "beyond_noise": change.beyond_noise,
                }
                for change in self.measurements
            ],
            "findings": [_finding_json(change) for change in self.findings],
        }


def compare(
    then: Explanation, now: Explanation, measured_then: Measurements, measured_now: Measurements
) -> Comparison:
    """Compare an ECG with an earlier one; errors as in `finding_changes`."""
    return Comparison(
        then, measurement_changes(measured_then, measured_now), finding_changes(then, now)
    )


def measurement_changes(then: Measurements, now: Measurements) -> tuple[MeasurementChange, ...]:
    """Return heart rate, axis, PR, QRS, QT and QTc of both ECGs, the largest change first.

    How large a change is, is counted in what two ECGs of one patient differ by themselves.
    """
    changes = (
        MeasurementChange(
            words,
            unit,
            _whole(getattr(then, name)),
            _whole(getattr(now, name)),
            repeatability.MEASURED[name],
            then.unsure.get(reason_of, ""),
            now.unsure.get(reason_of, ""),
        )
        for name, (words, unit, reason_of) in MEASURED.items()
    )
    return tuple(sorted(changes, key=lambda change: -change.times_noise))


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def finding_changes(then: Explanation, now: Explanation) -> tuple[FindingChange, ...]:
    """Return every statement's change, those with the largest change of the logit first.

    Raises
    ------
    ValueError
        If the two were not explained by the same bundle.
    """
    earlier = {finding.code: finding for finding in then.findings}
    if then.bundle != now.bundle or earlier.keys() != {finding.code for finding in now.findings}:
        raise _other_bundle(then, now)
    changes = []
    for finding in now.findings:
        if _fixed(earlier[finding.code]) != _fixed(finding):
            raise _other_bundle(then, now)
        changes.append(_change(earlier[finding.code], finding))
    return tuple(sorted(changes, key=lambda change: -abs(change.amount)))


def _fixed(finding: Finding) -> tuple[float, float, dict[str, float]]:
    """Return what a bundle gives to a finding, whatever the ECG."""
    weights = {match.prototype.name: match.weight for match in finding.matches}
    return finding.bias, finding.threshold, weights


def _other_bundle(then: Explanation, now: Explanation) -> ValueError:
    return ValueError(
        f"The ECGs were explained by different bundles ({then.bundle}, {now.bundle}); explain both "
        "by one version of one bundle."
    )


def _change(then: Finding, now: Finding) -> FindingChange:
    before = {match.prototype.name: match for match in then.matches}
    matches = [MatchChange(before[match.prototype.name], match) for match in now.matches]
    spoke = [m for m in matches if m.then.contribution or m.now.contribution]
    return FindingChange(then, now, tuple(sorted(spoke, key=lambda match: -match.amount)))


def of_kind(changes: Sequence[FindingChange], kind: str) -> list[FindingChange]:
    """Return the changes of a kind, as `FindingChange.kind` names it."""
    return [change for change in changes if change.kind == kind]


def total(matches: Sequence[MatchChange]) -> float:
    """Return what some prototypes' contributions rose by together, in logits."""
    return math.fsum(x for m in matches for x in (m.now.contribution, -m.then.contribution))


def _finding_json(change: FindingChange) -> dict[str, Any]:
    return {
        "code": change.code,
        "kind": change.kind,
        "probability": [change.then.probability, change.now.probability],
        "threshold": change.now.threshold,
        "logit": [change.then.logit, change.now.logit],
        "amount": change.amount,
        "beyond_noise": change.beyond_noise,
        "measured": change.measured,
        "matches": [_match_json(match) for match in change.matches],
    }


def _match_json(match: MatchChange) -> dict[str, Any]:
    both = match.then, match.now
    return {
        "prototype": match.prototype.name,
        "contribution": [m.contribution for m in both],
        "window_s": [list(m.window_s) for m in both],
        "amount": match.amount,
    }
