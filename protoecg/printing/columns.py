"""What stands below the tracing on a printed page: summary, case, measurements."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.platypus import Flowable, Table

from protoecg import wording
from protoecg.explanation import Explanation, Finding
from protoecg.measure import QTC_FORMULA, Measurements
from protoecg.printing.case import PrintedCase
from protoecg.printing.text import WARNING, paragraph
from protoecg.sheet.colours import LIGHT
from protoecg.summary import HeaderValue, header, header_note, in_words, summarised

# So many of a group are listed; a page of more would be too small to read.
MOST = 14
INDENT = 3.0


def summary_flow(explanation: Explanation) -> list[Flowable]:
    """Return the findings in words, in the order of a reading; absent ones are left out."""
    summary = summarised(explanation)
    if explanation.abstains:
        head = paragraph(
            "Nothing is said: the model abstains. Most alike:", bold=True, colour=WARNING
        )
        return [head, *_findings(summary.in_order)]
    critical_head = paragraph("Critical, likely", bold=True, colour=WARNING)
    critical = [critical_head, *_findings(summary.critical)]
    pressing = [
        paragraph("Critical, only possible", bold=True, colour=WARNING),
        *_findings(summary.possible_critical),
    ]
    rhythm = [paragraph("Rhythm", bold=True, above=1), *_findings(summary.rhythm)]
    possible = [paragraph("Possible", bold=True, above=1), *_findings(summary.possible)]
    other = " other" if summary.critical or summary.rhythm else ""
    none = paragraph(f"No{other} statement is likely.", indent=INDENT)
    return [
        *([paragraph(summary.ordinary)] if summary.ordinary else []),
        *(paragraph(one.sentence, bold=True, colour=WARNING) for one in explanation.unnamed),
        *(critical if summary.critical else []),
        *(pressing if summary.possible_critical else []),
        paragraph("Likely", bold=True, above=1),
        *(_findings(summary.likely) or [none]),
        *(rhythm if summary.rhythm else []),
        *(possible if summary.possible else []),
    ]


def _findings(findings: Sequence[Finding]) -> list[Flowable]:
    lines = [one for finding in findings[:MOST] for one in _finding(finding)]
    if rest := findings[MOST:]:
        lines.append(paragraph(f"and {len(rest)} more, all on screen", indent=INDENT))
    return lines


def _finding(finding: Finding) -> list[Flowable]:
    probability, _ = wording.distinct_probabilities(finding.probability, finding.threshold)
    few = ", low evidence" if finding.low_evidence else ""
    against = [paragraph(s, colour=WARNING, indent=2 * INDENT) for s in finding.contradictions]
    return [paragraph(f"{in_words(finding)}, {probability}{few}", indent=INDENT), *against]


def about_case(case: PrintedCase) -> list[Flowable]:
    """Return what the leading case is, and what is known of it."""
    prototype = case.match.prototype
    own = prototype.statement == case.finding.code
    words = case.finding.statement.description if own else prototype.statement
    sure = None if prototype.likelihood is None else f"likelihood {prototype.likelihood:g} %"
    human = "validated by a human" if prototype.validated else None
    whose = [prototype.sex, f"{min(prototype.age, 90)} years" if prototype.age else None]
    known = ", ".join(one for one in (prototype.record, *whose, sure, human) if one)
    head = f"Looks like: {words}"
    report = f"Report of its ECG: {prototype.readable_report}" if prototype.report else ""
    return [paragraph(head, bold=True), paragraph(known), *([paragraph(report)] if report else [])]


def measurement_flow(measured: Measurements, width: float) -> list[Flowable]:
    """Return each measurement with what is ordinary, and why one is missing."""
    rows = [[paragraph(cell, bold=True) for cell in ("Measured", "", "ordinary")]]
    rows += [_row(value) for value in header(measured)]
    others = [f"{by} {ms:.0f}" for by, ms in measured.qtc.items() if ms and by != QTC_FORMULA]
    table = Table(rows, colWidths=[0.2 * width, 0.44 * width, 0.36 * width], style=_CLOSE)
    more = f"{header_note()} Other QTc, ms: {', '.join(others)}." if others else header_note()
    return [table, paragraph(more, above=1)]


_CLOSE = [
    *((f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "TOP")),
    *((f"{side}PADDING", (0, 0), (-1, -1), 0.6) for side in ("RIGHT", "BOTTOM")),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
]


def _row(value: HeaderValue) -> list[Flowable]:
    text = f"{value.value}: {value.unsure}" if value.unsure else value.value
    flagged = f"{text}, {value.flag}" if value.flag else text
    colour = WARNING if value.flag else LIGHT.ink
    middle = paragraph(flagged, bold=bool(value.flag), colour=colour)
    return [paragraph(value.name), middle, paragraph(value.limits)]
