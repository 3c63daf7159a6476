"""What the model says about an ECG, in the numbers that it decided by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scipy.special import expit

from protoecg.ecg import LEADS
from protoecg.labels import Statement
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.recalibration import Recalibration

# A similarity nearer to zero is a rest of leads that cancel out; shares of it say nothing.
SMALLEST_SHARED = 0.05

Certainty = Literal["likely", "possible", "absent"]
CERTAINTIES: tuple[Certainty, ...] = ("likely", "possible", "absent")


@dataclass(frozen=True)
class Match:
    """One prototype's part in a finding.

    `contribution` is `weight * similarity`, in logits; negative evidence is against.
    `similarity` is the cosine between the prototype and the best matching window of the query,
    `window_s` (start and end, seconds); a negative one is zero unless the branch is signed. Where
    the branch reads lead by lead, it is the sum of `lead_parts`, in the order of `LEADS`; elsewhere
    there are none.
    """

    prototype: Prototype
    similarity: float
    weight: float
    contribution: float
    window_s: tuple[float, float]
    lead_parts: tuple[float, ...] | None = None

    @property
    def lead_shares(self) -> dict[str, float]:
        """Each lead's share of the similarity, the largest first; they add up to 1.

        Empty where the branch does not read lead by lead, or the similarity is next to zero. A
        share below zero is of a lead that speaks against the others.
        """
        if self.lead_parts is None or abs(self.similarity) < SMALLEST_SHARED:
            return {}
        shares = {
            lead: part / self.similarity for lead, part in zip(LEADS, self.lead_parts, strict=True)
        }
        return dict(sorted(shares.items(), key=lambda share: -share[1]))


@dataclass(frozen=True)
class Measured:
    """One measurement's part in a finding, in logits; negative evidence is against.

    Parameters
    ----------
    name, unit : of the measurement, such as "QTc" and "ms"
    value : of this ECG
    """

    name: str
    value: float
    unit: str
    contribution: float


@dataclass(frozen=True)
class Finding:
    """A statement about the ECG, with every match and measurement that its logit is the sum of.

    `logit == bias + sum of contributions`, `probability` is its logistic (calibrated on the
    validation fold, or at a hospital). The statement is likely from `threshold` on, possible from
    `possible_from` on, else absent. `matches` are sorted by contribution, strongest evidence for
    first.
    `low_evidence` marks a statement of which too few validation ECGs were seen to set thresholds
    by it alone. `contradictions` are sentences on what does not go with the statement.
    """

    statement: Statement
    probability: float
    threshold: float
    logit: float
    bias: float
    low_evidence: bool
    matches: tuple[Match, ...]
    possible_from: float | None = None
    measured: tuple[Measured, ...] = ()
    contradictions: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The statement's code."""
        return self.statement.code

    @property
    def branch(self) -> str:
        """The branch that reads the statement."""
        return self.statement.branch

    @property
    def certainty(self) -> Certainty:
        """How sure it is, by the probability from which a statement is likely or possible."""
        if self.probability >= self.threshold:
            return "possible" if self.withheld else "likely"
        if self.possible_from is not None and self.probability >= self.possible_from:
            return "possible"
        return "absent"

    @property
    def present(self) -> bool:
        """Whether it is likely: its probability reaches the threshold, and it is not withheld."""
        return self.certainty == "likely"

    @property
    def withheld(self) -> bool:
        """Whether an ECG is not called normal because something contradicts it."""
        return self.statement.is_normal and bool(self.contradictions)

    @property
    def speaking(self) -> tuple[Match, ...]:
        """The matches that are for or against it: those that contribute anything."""
        return tuple(match for match in self.matches if match.contribution)


@dataclass(frozen=True)
class Unnamed:
    """What is measured far beyond the ordinary, and no likely or possible finding speaks of.

    Parameters
    ----------
    name : of what stands out, such as "qtc" or "st_raised", see `protoecg.measured.unnamed`
    sentence : the measurement's word, not the model's
    """

    name: str
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """All findings of a bundle on one ECG: likely ones first, then possible ones, by probability.

    `abstains` says why they are not to be relied on, where the ECG is unlike those that the bundle
    was validated on. `quality` says what is wrong with the recording, one sentence each.
    `recalibrations` are the bundle's. `unnamed` is empty where it abstains.
    """

    bundle: str
    simulated: bool
    source: str
    notes: tuple[str, ...]
    abstains: str | None
    findings: tuple[Finding, ...]
    quality: tuple[str, ...] = ()
    recalibrations: tuple[Recalibration, ...] = ()
    unnamed: tuple[Unnamed, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; each match names its prototype and its source window."""
        return {
            "bundle": self.bundle,
            "simulated": self.simulated,
            "recalibrations": [one.to_json() for one in self.recalibrations],
            "source": self.source,
            "notes": list(self.notes),
            "quality": list(self.quality),
            "abstains": self.abstains,
            "unnamed": [asdict(one) for one in self.unnamed],
            "findings": [_finding_json(finding) for finding in self.findings],
        }


def add_up(
    statement: Statement,
    *,
    bias: float,
    threshold: float,
    low_evidence: bool,
    matches: Sequence[Match],
    possible_from: float | None = None,
    measured: Sequence[Measured] = (),
    contradictions: Sequence[str] = (),
) -> Finding:
    """Return the finding that matches, measurements and bias add up to."""
    logit = total(bias, (m.contribution for m in matches), (m.contribution for m in measured))
    return Finding(
        statement=statement,
        probability=probability(logit),
        threshold=threshold,
        logit=logit,
        bias=bias,
        low_evidence=low_evidence,
        matches=tuple(sorted(matches, key=lambda match: -match.contribution)),
        possible_from=possible_from,
        measured=tuple(measured),
        contradictions=tuple(contradictions),
    )


def total(bias: float, matches: Iterable[float], measured: Iterable[float]) -> float:
    """Return the logit that contributions add up to."""
    # Exactly rounded, so that the order of the matches does not show in the last bit.
    return math.fsum((bias, *matches, *measured))


def probability(logit: float) -> float:
    """Return the logistic of a logit."""
    return float(expit(logit))


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return likely findings first, then possible ones, each by probability."""
    # The logit tells apart what a probability rounds to one.
    return tuple(sorted(findings, key=lambda f: (CERTAINTIES.index(f.certainty), -f.logit)))


def _finding_json(finding: Finding) -> dict[str, Any]:
    numbers = asdict(finding)
    del numbers["statement"]
    return {
        "code": finding.code,
        "branch": finding.branch,
        **numbers,
        "certainty": finding.certainty,
        "present": finding.present,
        "withheld": finding.withheld,
        "matches": [_match_json(match) for match in finding.matches],
    }


def _match_json(match: Match) -> dict[str, Any]:
    prototype = match.prototype
    return {
        "prototype": prototype.name,
        "branch": prototype.branch,
        "statement": prototype.statement,
        "similarity": match.similarity,
        "weight": match.weight,
        "contribution": match.contribution,
        "window_s": list(match.window_s),
        "lead_parts": dict(zip(LEADS, match.lead_parts, strict=True)) if match.lead_parts else None,
        "source": {"record": prototype.record, "window_s": list(prototype.window_s)},
    }
