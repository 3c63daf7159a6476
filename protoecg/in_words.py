"""An explanation in words, as a terminal shows it."""

from __future__ import annotations

from protoecg import wording
from protoecg.explanation import Explanation, Finding, Match
from protoecg.taken import UNKNOWN, Taken


def in_words(explanation: Explanation, taken: Taken = UNKNOWN) -> list[str]:
    """Return the lines: notes, what is likely and what it rests on, what is possible.

    Parameters
    ----------
    taken : when the ECG was taken, and of whom, where that is to be shown
    """
    kind = " (simulated)" if explanation.simulated else ""
    lines = [f"{explanation.source} by {explanation.bundle}{kind}. Research use only.", ""]
    lines[1:1] = [taken.words] if taken else []
    lines[1:1] = [f"Calibrated at {one.words}." for one in explanation.recalibrations]
    lines += [f"! {note}" for note in (*explanation.quality, *explanation.notes)]
    if explanation.abstains:
        lines += [f"! {explanation.abstains}", "! What follows is not to be relied on.", ""]
    lines += [f"! {one.sentence}" for one in explanation.unnamed]
    for finding in explanation.findings:
        if finding.present:
            lines += _finding_in_words(finding)
    possible = [finding for finding in explanation.findings if finding.certainty == "possible"]
    unsure = [one for finding in possible for one in (_in_a_line(finding), *_against(finding))]
    return [*lines, *(["", "Possible:"] if possible else []), *unsure]


def _against(finding: Finding) -> list[str]:
    return [f"        ! {sentence}" for sentence in finding.contradictions]


def _in_a_line(finding: Finding) -> str:
    few = ", low evidence" if finding.low_evidence else ""
    held = ", withheld: measurements contradict it" if finding.withheld else ""
    probability = wording.probability(finding.probability, 1)
    return f"{probability:>7}  {finding.code}  {finding.statement.description}{few}{held}"


def _finding_in_words(finding: Finding) -> list[str]:
    lines = [_in_a_line(finding), *_against(finding)]
    for match in finding.speaking[:3]:
        start, end = match.window_s
        lines.append(
            f"        {match.contribution:+.2f} = {match.weight:+.2f} x {match.similarity:+.2f}  "
            f"{match.prototype.name} ({match.prototype.record}), at {start:.2f}-{end:.2f} s"
            f"{_chief_leads(match)}"
        )
    return lines


def _chief_leads(match: Match) -> str:
    chief = list(match.lead_shares.items())[:3]
    return "".join(f", {lead} {wording.share(share)}" for lead, share in chief)
