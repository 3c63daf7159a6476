"""An explained ECG on one printed page."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

from reportlab.lib.pagesizes import A4, LETTER, landscape
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from protoecg import wording
from protoecg.ecg import ECG
from protoecg.evidence.change import Comparison
from protoecg.explanation import Explanation, Finding
from protoecg.labels import describe
from protoecg.measure import Measurements, in_words
from protoecg.printing.matches import (
    MATCHES,
    MATCHES_COMPARED,
    WARNING,
    change_lines,
    match_lines,
    strongest,
)
from protoecg.printing.text import BOLD, LEADING, REGULAR, Line, at_most, line, wrapped, write
from protoecg.printing.tracing import GRID_HEIGHT, GRID_WIDTH, draw_ecg
from protoecg.sheet.colours import LIGHT

PaperName = Literal["A4", "letter"]
PAPERS: dict[PaperName, tuple[float, float]] = {"A4": landscape(A4), "letter": landscape(LETTER)}
NOTICE = "Research use only. Not a medical device. Not for diagnosis or treatment."
UNRELIABLE = "What follows is what it would say of an ordinary ECG; it is not to be relied on."

# Millimetres.
EDGE, HEAD, FOOT, GAP = 6.0, 6.0, 5.0, 4.0
COLUMNS = (50.0, 84.0, 123.0)
# Of the column of findings: where their names begin.
NAMES_AT = 38
MAX_NOTE_LINES = 4


def pdf(
    ecg: ECG,
    explanation: Explanation,
    measured: Measurements,
    *,
    revision: str,
    since: Comparison | None = None,
    paper: PaperName = "A4",
) -> bytes:
    """Return a page with the first ten seconds of an ECG and what a bundle says of it.

    Parameters
    ----------
    measured : on the same ECG
    revision : of the bundle that explained it
    since : what changed since an earlier ECG
    """
    written = BytesIO()
    canvas = Canvas(written, pagesize=PAPERS[paper], invariant=1, pageCompression=1, lang="en")
    canvas.setTitle("Explained ECG")
    canvas.setCreator("ProtoECG")
    # Fitted to a printer's margins, ten millimetres would come out shorter.
    canvas.setViewerPreference("PrintScaling", "None")
    canvas.scale(mm, mm)
    _draw_page(canvas, PAPERS[paper], ecg, explanation, measured, revision, since)
    canvas.save()
    return written.getvalue()


def _draw_page(
    canvas: Canvas,
    points: tuple[float, float],
    ecg: ECG,
    explanation: Explanation,
    measured: Measurements,
    revision: str,
    since: Comparison | None,
) -> None:
    width, height = points[0] / mm, points[1] / mm
    left, top = (width - GRID_WIDTH) / 2, height - EDGE
    evidence = strongest(explanation, MATCHES_COMPARED if since else MATCHES)
    write(canvas, [_head(explanation, revision)], (left, top), GRID_WIDTH)
    draw_ecg(canvas, ecg, evidence, (left, top - HEAD - GRID_HEIGHT))
    top -= HEAD + GRID_HEIGHT + GAP / 2
    for lines in (_abstention(explanation), _notes(explanation)):
        write(canvas, lines, (left, top), GRID_WIDTH)
        top -= len(lines) * LEADING
    room = int((top - EDGE - FOOT) / LEADING)
    compared = match_lines(evidence)
    if since:
        compared += change_lines(since, COLUMNS[2])
    columns = (_measurements(measured), _findings(explanation), compared)
    for lines, column in zip(columns, COLUMNS, strict=True):
        write(canvas, at_most(lines, room), (left, top - GAP / 2), column)
        left += column + GAP
    write(canvas, [_foot()], (left - sum(COLUMNS) - 3 * GAP, EDGE + LEADING), GRID_WIDTH)


def _head(explanation: Explanation, revision: str) -> Line:
    kind = " (simulated)" if explanation.simulated else ""
    bundle = f"Bundle {explanation.bundle}{kind}, revision {revision}"
    return Line(((0, "ProtoECG"), (20, bundle), (166, NOTICE)), font=BOLD)


def _foot() -> Line:
    said = (
        "Print at actual size: the calibration pulse is 10 mm high and 5 mm wide. Numbers above "
        "the tracing mark the windows of the matches. Probabilities are calibrated on validation."
    )
    return line(said, colour=LIGHT.faint_ink)


def _abstention(explanation: Explanation) -> list[Line]:
    if not explanation.abstains:
        return []
    said = (explanation.abstains, UNRELIABLE)
    return [one for s in said for one in wrapped(s, GRID_WIDTH, font=BOLD, colour=WARNING)]


def _notes(explanation: Explanation) -> list[Line]:
    told = (*explanation.quality, *explanation.notes)
    lines = [one for note in told for one in wrapped(note, GRID_WIDTH)]
    return at_most(lines, MAX_NOTE_LINES)


def _measurements(measured: Measurements) -> list[Line]:
    lines = [line("Measurements, computed", font=BOLD)]
    for name, value in in_words(measured):
        first, *more = (one.cells[0][1] for one in wrapped(value, COLUMNS[0] - 18))
        lines += [Line(((0, name), (18, first)))]
        lines += [Line(((18, part),)) for part in more]
    return lines


def _findings(explanation: Explanation) -> list[Line]:
    head = Line(((0, "Probability"), (20, "Likely from"), (NAMES_AT, "Finding")), font=BOLD)
    none = [Line(((NAMES_AT, "No statement is likely."),))]
    lines = {
        certainty: [
            one
            for finding in explanation.findings
            if finding.certainty == certainty
            for one in (_finding(finding), *_contradictions(finding))
        ]
        for certainty in ("likely", "possible", "absent")
    }
    return [head, *(lines["likely"] or none), *lines["possible"], *lines["absent"]]


def _contradictions(finding: Finding) -> list[Line]:
    """Return what speaks against a finding that is not absent, below it."""
    if finding.certainty == "absent":
        return []
    told = (wrapped(said, COLUMNS[1] - NAMES_AT) for said in finding.contradictions)
    return [Line(((NAMES_AT, one.cells[0][1]),), colour=WARNING) for lines in told for one in lines]


def _finding(finding: Finding) -> Line:
    few = "low evidence: " if finding.low_evidence else ""
    sure = "possible: " if finding.certainty == "possible" else ""
    probability, threshold = wording.distinct_probabilities(
        finding.probability, finding.threshold, 1
    )
    return Line(
        (
            (0, probability),
            (20, threshold),
            (NAMES_AT, f"{finding.code}  {sure}{few}{describe(finding.code)}"),
        ),
        colour=LIGHT.ink if finding.present else LIGHT.faint_ink,
        font=BOLD if finding.present else REGULAR,
    )
