"""The matches that a page prints, and what changed since an earlier ECG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protoecg import wording
from protoecg.evidence.change import TOLD, Comparison, FindingChange, MeasurementChange, of_kind
from protoecg.explanation import Explanation, Match
from protoecg.printing.text import BOLD, Line, at_most, line, wrapped

AS_SAID = "Which ECG is the earlier is as it was given: files' dates are not kept."
WARNING = "#a3231b"

# Of a page without and with an earlier ECG, and of one finding.
MATCHES, MATCHES_COMPARED, MATCHES_EACH = 10, 4, 3
# Where cells begin, mm.
MATCH_CELLS = (0, 4, 18, 33, 67.5, 84.5, 99.5, 109.5)
CHANGE_CELLS = (0, 25, 36, 61, 80, 113)
MAX_WARNING_LINES = 2


@dataclass(frozen=True)
class PrintedMatch:
    """A match that is printed: its number on the page and the statement it speaks for."""

    number: int
    code: str
    match: Match


def strongest(explanation: Explanation, most: int) -> list[PrintedMatch]:
    """Return at most `most` of the strongest matches of what is present, else most probable."""
    present = [finding for finding in explanation.findings if finding.present]
    told = (present or list(explanation.findings[:1]))[:most]
    each = min(most // len(told), MATCHES_EACH)
    matches = [(finding.code, match) for finding in told for match in finding.speaking[:each]]
    return [PrintedMatch(number, *found) for number, found in enumerate(matches, start=1)]


def match_lines(evidence: Sequence[PrintedMatch]) -> list[Line]:
    """Return a row for each match, below its headings."""
    leads = [_chief_lead(shown.match) for shown in evidence]
    last = "top lead" if any(leads) else ""
    names = ("", "Match for", "window", "prototype", "its window", "similarity", "adds", last)
    lines = [Line(tuple(zip(MATCH_CELLS, names, strict=True)), font=BOLD)]
    for shown, lead in zip(evidence, leads, strict=True):
        match, prototype = shown.match, shown.match.prototype
        said = (
            f"{shown.number}",
            shown.code,
            wording.window(match.window_s, to="-"),
            prototype.record,
            wording.window(prototype.window_s, to="-"),
            wording.signed(match.similarity),
            wording.signed(match.contribution),
            lead,
        )
        lines.append(Line(tuple(zip(MATCH_CELLS, said, strict=True))))
    return lines


def _chief_lead(match: Match) -> str:
    return next((f"{lead} {wording.share(share)}" for lead, share in match.lead_shares.items()), "")


def change_lines(since: Comparison, width: float) -> list[Line]:
    """Return what changed since an earlier ECG, below what else its column has."""
    then = since.then
    told = ", ".join(_measured_change(change) for change in since.measurements)
    rows = [_change(change) for kind in TOLD for change in of_kind(since.findings, kind)]
    none = line("No statement is likely on either ECG.")
    return [
        line(""),
        line(f"Change from the earlier ECG, {then.source or 'which has no name'}", font=BOLD),
        *wrapped(AS_SAID, width),
        *at_most(_warnings(then, width), MAX_WARNING_LINES),
        *wrapped(told, width),
        *(rows or [none]),
    ]


def _warnings(then: Explanation, width: float) -> list[Line]:
    said = " ".join((*([then.abstains] if then.abstains else []), *then.quality))
    return wrapped(f"Earlier ECG: {said}", width, colour=WARNING) if said else []


def _measured_change(change: MeasurementChange) -> str:
    values = (change.then, change.now)
    then, now = ("unsure" if v is None else f"{v} {change.unit}" for v in values)
    by = "" if change.difference is None else f" ({wording.signed(change.difference, 0)})"
    return f"{change.name} {then} to {now}{by}"


def _change(change: FindingChange) -> Line:
    then, now = change.then, change.now
    most = (
        (f"most {change.most.prototype.name}", wording.signed(change.most.amount))
        if change.most
        else ()
    )
    said = (
        change.kind,
        change.code,
        f"{wording.probability(then.probability, 1)} to {wording.probability(now.probability, 1)}",
        f"logit {wording.signed(change.amount)}",
        *most,
    )
    return Line(tuple(zip(CHANGE_CELLS, said, strict=False)))
