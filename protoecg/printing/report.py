"""An explained ECG on one printed page, in the order of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Literal

from reportlab.lib.pagesizes import A4, LETTER, landscape
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from protoecg.ecg import ECG
from protoecg.evidence.change import Comparison
from protoecg.explanation import Explanation
from protoecg.measure import QTC_FORMULA, Measurements
from protoecg.printing.case import PrintedCase, draw_case
from protoecg.printing.changes import change_flow
from protoecg.printing.columns import about_case, measurement_flow, summary_flow
from protoecg.printing.text import LEADING, WARNING, fill, paragraph, write
from protoecg.printing.tracing import GRID_HEIGHT, GRID_WIDTH, draw_ecg
from protoecg.sheet.colours import LIGHT
from protoecg.summary import header
from protoecg.taken import UNKNOWN, Taken

PaperName = Literal["A4", "letter"]
PAPERS: dict[PaperName, tuple[float, float]] = {"A4": landscape(A4), "letter": landscape(LETTER)}
NOTICE = "Research use only. Not a medical device. Not for diagnosis or treatment."
UNRELIABLE = "What follows is what it would say of an ordinary ECG; it is not to be relied on."

# Millimetres.
EDGE, HEAD, FOOT, GAP = 6.0, 11.0, 5.0, 4.0
TITLE, HEADER_LETTERS, HEADER_WIDTH = 4.5, 3.4, 47.0
NOTES_HEIGHT = 12.0
# Summary, beats and measurements; the beats are four windows of 0.95 s wide at 25 mm/s.
COLUMNS = (88.0, 95.0, 74.0)
BEATS_HEIGHT = 43.0


def pdf(
    ecg: ECG,
    explanation: Explanation,
    measured: Measurements,
    *,
    revision: str,
    case: PrintedCase | None = None,
    since: Comparison | None = None,
    paper: PaperName = "A4",
    taken: Taken = UNKNOWN,
    earlier: Taken = UNKNOWN,
) -> bytes:
    """Return a page with the first ten seconds of an ECG and its explanation.

    Parameters
    ----------
    measured : on the same ECG
    revision : of the bundle that explained it
    case : to show the patient's beat beside, see `protoecg.printing.case.leading_case`
    since : what changed since an earlier ECG
    taken, earlier : when this and the earlier ECG were taken, and of whom, where a reader wants
        it printed
    """
    written = BytesIO()
    canvas = Canvas(written, pagesize=PAPERS[paper], invariant=1, pageCompression=1, lang="en")
    canvas.setTitle("Explained ECG")
    canvas.setCreator("ProtoECG")
    # Fitted to a printer's margins, ten millimetres would come out shorter.
    canvas.setViewerPreference("PrintScaling", "None")
    canvas.scale(mm, mm)
    width, height = (points / mm for points in PAPERS[paper])
    left, top = (width - GRID_WIDTH) / 2, height - EDGE
    title = " · ".join(filter(None, (ecg.source, taken.words))) or "ECG"
    _title(canvas, title, measured, (left, top))
    top -= HEAD + GRID_HEIGHT
    draw_ecg(canvas, ecg, case.marked_s if case else None, (left, top))
    top -= GAP / 2
    top -= fill(canvas, _warnings(explanation), (left, top), (GRID_WIDTH, NOTES_HEIGHT))
    changes = change_flow(since, earlier) if since else []
    sides = summary_flow(explanation), [*measurement_flow(measured, COLUMNS[2]), *changes]
    _columns(canvas, ecg, sides, case, (left, top - GAP / 2))
    _foot(canvas, explanation, revision, left)
    canvas.save()
    return written.getvalue()


def _title(canvas: Canvas, title: str, measured: Measurements, corner: tuple[float, float]) -> None:
    """Write whose ECG it is, and the header line of an ECG cart."""
    left, top = corner
    half = GRID_WIDTH / 2
    fill(canvas, [paragraph(title, bold=True)], corner, (half, TITLE))
    notice = [paragraph(NOTICE, bold=True, right=True)]
    fill(canvas, notice, (left + half, top), (half, TITLE))
    for place, value in enumerate(header(measured)):
        colour = WARNING if value.flag else LIGHT.ink
        text = paragraph(value.words, bold=True, letters=HEADER_LETTERS, colour=colour)
        at = left + place * HEADER_WIDTH, top - TITLE
        fill(canvas, [text], at, (HEADER_WIDTH - 2, HEAD - TITLE - 1))
    computed = [paragraph(f"computed, QTc by {QTC_FORMULA}", right=True)]
    fill(canvas, computed, (left + half, top - TITLE - 1), (half, HEAD - TITLE - 1))


def _warnings(explanation: Explanation) -> list[Flowable]:
    abstains = (explanation.abstains, UNRELIABLE) if explanation.abstains else ()
    return [
        *(paragraph(sentence, bold=True, colour=WARNING) for sentence in abstains),
        *(paragraph(sentence, colour=WARNING) for sentence in explanation.quality),
        *map(paragraph, explanation.notes),
    ]


def _columns(
    canvas: Canvas,
    ecg: ECG,
    sides: tuple[Sequence[Flowable], Sequence[Flowable]],
    case: PrintedCase | None,
    corner: tuple[float, float],
) -> None:
    left, top = corner
    room = top - EDGE - FOOT
    first, last = sides
    fill(canvas, first, (left, top), (COLUMNS[0], room))
    left += COLUMNS[0] + GAP
    if case:
        _case(canvas, ecg, case, (left, top), room)
    left += COLUMNS[1] + GAP
    fill(canvas, last, (left, top), (COLUMNS[2], room))


def _case(
    canvas: Canvas, ecg: ECG, case: PrintedCase, corner: tuple[float, float], room: float
) -> None:
    left, top = corner
    high = min(BEATS_HEIGHT, room - 4 * LEADING)
    caption = draw_case(canvas, ecg, case, corner, (COLUMNS[1], high))
    below = 0.0 if case.ecg is None else high + 1
    about = [*about_case(case), paragraph(caption)]
    fill(canvas, about, (left, top - below), (COLUMNS[1], room - below))


def _foot(canvas: Canvas, explanation: Explanation, revision: str, left: float) -> None:
    kind = " (simulated)" if explanation.simulated else ""
    site = explanation.recalibrations[-1].words if explanation.recalibrations else ""
    text = (
        f"ProtoECG · bundle {explanation.bundle}{kind}, revision {revision} · Print at actual "
        "size: the calibration pulse is 10 mm high and 5 mm wide. Probabilities are calibrated "
        f"{f'at {site}' if site else 'on validation'}."
    )
    write(canvas, text, (left, EDGE), GRID_WIDTH, colour=LIGHT.faint_ink)
