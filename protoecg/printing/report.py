"""An explained ECG on one printed page, its tracing in true millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from reportlab.lib.pagesizes import A4, LETTER, landscape
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from protoecg import wording
from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.evidence.change import TOLD, Comparison, FindingChange, MeasurementChange, of_kind
from protoecg.explanation import Explanation, Finding, Match
from protoecg.figures import sheet
from protoecg.figures.paper import printed_line
from protoecg.figures.theme import LIGHT
from protoecg.labels import describe
from protoecg.measure import Measurements, in_words
from protoecg.sheet.view import LARGE_MM, View

PaperName = Literal["A4", "letter"]
PAPERS: dict[PaperName, tuple[float, float]] = {"A4": landscape(A4), "letter": landscape(LETTER)}
NOTICE = "Research use only. Not a medical device. Not for diagnosis or treatment."
AS_SAID = "Which ECG is the earlier is as it was given: files' dates are not kept."
UNRELIABLE = "What follows is what it would say of an ordinary ECG; it is not to be relied on."

# Lengths are millimetres, of the page, of its text and of the tracing.
VIEW = View()
MM_PER_S, MM_PER_MV = VIEW.speed, VIEW.gain
LARGE_MV = VIEW.mv(LARGE_MM)
EDGE, HEAD, FOOT = 6.0, 6.0, 5.0
GRID_WIDTH, GRID_HEIGHT = 265.0, 115.0
ZERO_MM = 10.0
LETTERS, LEADING, GAP = 2.4, 3.4, 4.0
COLUMNS = (50.0, 84.0, 123.0)

MAX_REACH_MV = 3.0
FAR_MV = 1.0
PULSE_S = -0.28
MATCHES = 10
MATCHES_COMPARED = 4
MATCHES_EACH = 3
MATCH_CELLS = (0, 4, 18, 33, 67.5, 84.5, 99.5, 109.5)
CHANGE_CELLS = (0, 25, 36, 61, 80, 113)
MAX_NOTE_LINES, MAX_DOUBT_LINES = 4, 2
MAX_CHARACTERS = 500

REGULAR, BOLD = "Vera", "VeraBd"
WARNING = "#a3231b"

# Once only: a font registered anew would spoil the pages that other threads are writing.
for _font in (REGULAR, BOLD):
    registerFont(TTFont(_font, f"{_font}.ttf"))


@dataclass(frozen=True)
class _Line:
    """Cells of text, each as (its left edge, text), cut where the next cell begins."""

    cells: tuple[tuple[float, str], ...]
    colour: str = LIGHT.ink
    font: str = REGULAR


@dataclass(frozen=True)
class _Evidence:
    """A match that is printed: its number on the page and the statement it speaks for."""

    number: int
    code: str
    match: Match


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
    evidence = _evidence(explanation, MATCHES_COMPARED if since else MATCHES)
    _write(canvas, [_head(explanation, revision)], (left, top), GRID_WIDTH)
    _draw_ecg(canvas, ecg, evidence, (left, top - HEAD - GRID_HEIGHT))
    top -= HEAD + GRID_HEIGHT + GAP / 2
    for lines in (_abstention(explanation), _notes(explanation)):
        _write(canvas, lines, (left, top), GRID_WIDTH)
        top -= len(lines) * LEADING
    room = int((top - EDGE - FOOT) / LEADING)
    compared = [*_matches(evidence), *(_changes(since) if since else [])]
    columns = (_measurements(measured), _findings(explanation), compared)
    for lines, column in zip(columns, COLUMNS, strict=True):
        _write(canvas, _at_most(lines, room), (left, top - GAP / 2), column)
        left += column + GAP
    _write(canvas, [_foot()], (left - sum(COLUMNS) - 3 * GAP, EDGE + LEADING), GRID_WIDTH)


def _head(explanation: Explanation, revision: str) -> _Line:
    kind = " (simulated)" if explanation.simulated else ""
    bundle = f"Bundle {explanation.bundle}{kind}, revision {revision}"
    return _Line(((0, "ProtoECG"), (20, bundle), (166, NOTICE)), font=BOLD)


def _foot() -> _Line:
    said = (
        "Print at actual size: the calibration pulse is 10 mm high and 5 mm wide. Numbers above "
        "the tracing mark the windows of the matches. Probabilities are calibrated on validation."
    )
    return _Line(((0, said),), colour=LIGHT.faint_ink)


def _abstention(explanation: Explanation) -> list[_Line]:
    if not explanation.abstains:
        return []
    said = (explanation.abstains, UNRELIABLE)
    return [line for s in said for line in _wrapped(s, GRID_WIDTH, font=BOLD, colour=WARNING)]


def _notes(explanation: Explanation) -> list[_Line]:
    told = (*explanation.quality, *explanation.notes)
    lines = [line for note in told for line in _wrapped(note, GRID_WIDTH)]
    return _at_most(lines, MAX_NOTE_LINES)


def _measurements(measured: Measurements) -> list[_Line]:
    lines = [_Line(((0, "Measurements, computed"),), font=BOLD)]
    for name, value in in_words(measured):
        first, *more = (line.cells[0][1] for line in _wrapped(value, COLUMNS[0] - 18))
        lines += [_Line(((0, name), (18, first)))]
        lines += [_Line(((18, part),)) for part in more]
    return lines


def _findings(explanation: Explanation) -> list[_Line]:
    head = _Line(((0, "Probability"), (20, "Threshold"), (38, "Finding")), font=BOLD)
    none = [_Line(((38, "No statement is likely."),))]
    present = [_finding(finding) for finding in explanation.findings if finding.present]
    absent = [_finding(finding) for finding in explanation.findings if not finding.present]
    return [head, *(present or none), *absent]


def _finding(finding: Finding) -> _Line:
    few = "low evidence: " if finding.low_evidence else ""
    sure = "possible: " if finding.certainty == "possible" else ""
    probability, threshold = wording.distinct_probabilities(
        finding.probability, finding.threshold, 1
    )
    return _Line(
        (
            (0, probability),
            (20, threshold),
            (38, f"{finding.code}  {sure}{few}{describe(finding.code)}"),
        ),
        colour=LIGHT.ink if finding.present else LIGHT.faint_ink,
        font=BOLD if finding.present else REGULAR,
    )


def _evidence(explanation: Explanation, most: int) -> list[_Evidence]:
    """Return the strongest matches of what is present, or else of what is most probable."""
    present = [finding for finding in explanation.findings if finding.present]
    told = (present or list(explanation.findings[:1]))[:most]
    each = min(most // len(told), MATCHES_EACH)
    matches = [(finding.code, match) for finding in told for match in finding.speaking[:each]]
    return [_Evidence(number, *found) for number, found in enumerate(matches, start=1)]


def _matches(evidence: Sequence[_Evidence]) -> list[_Line]:
    leads = [_chief_lead(shown.match) for shown in evidence]
    last = "top lead" if any(leads) else ""
    names = ("", "Match for", "window", "prototype", "its window", "similarity", "adds", last)
    lines = [_Line(tuple(zip(MATCH_CELLS, names, strict=True)), font=BOLD)]
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
        lines.append(_Line(tuple(zip(MATCH_CELLS, said, strict=True))))
    return lines


def _chief_lead(match: Match) -> str:
    return next((f"{lead} {wording.share(share)}" for lead, share in match.lead_shares.items()), "")


def _changes(since: Comparison) -> list[_Line]:
    """Return what changed since an earlier ECG, below what else its column has."""
    then, width = since.then, COLUMNS[2]
    told = ", ".join(_measured_change(change) for change in since.measurements)
    rows = [_change(change) for kind in TOLD for change in of_kind(since.findings, kind)]
    none = _Line(((0, "No statement is likely on either ECG."),))
    return [
        _Line(((0, ""),)),
        _Line(
            ((0, f"Change from the earlier ECG, {then.source or 'which has no name'}"),), font=BOLD
        ),
        *_wrapped(AS_SAID, width),
        *_at_most(_doubts(then), MAX_DOUBT_LINES),
        *_wrapped(told, width),
        *(rows or [none]),
    ]


def _doubts(then: Explanation) -> list[_Line]:
    said = " ".join((*([then.abstains] if then.abstains else []), *then.quality))
    return _wrapped(f"Earlier ECG: {said}", COLUMNS[2], colour=WARNING) if said else []


def _measured_change(change: MeasurementChange) -> str:
    values = (change.then, change.now)
    then, now = ("unsure" if v is None else f"{v} {change.unit}" for v in values)
    by = "" if change.difference is None else f" ({wording.signed(change.difference, 0)})"
    return f"{change.name} {then} to {now}{by}"


def _change(change: FindingChange) -> _Line:
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
    return _Line(tuple(zip(CHANGE_CELLS, said, strict=False)))


def _draw_ecg(
    canvas: Canvas, ecg: ECG, evidence: Sequence[_Evidence], corner: tuple[float, float]
) -> None:
    """Draw the tracing on its paper, whose lower left corner is given."""
    left, bottom = corner
    canvas.saveState()
    canvas.translate(left, bottom)
    frame = canvas.beginPath()
    frame.rect(0, 0, GRID_WIDTH, GRID_HEIGHT)
    canvas.clipPath(frame, stroke=0, fill=0)
    _rule(canvas, 1.0, LIGHT.small_squares, 0.1)
    _mark(canvas, evidence)
    _rule(canvas, 5.0, LIGHT.large_squares, 0.15)
    signal, moved = _near_zero(ecg)
    canvas.setStrokeColor(LIGHT.ink)
    canvas.setLineWidth(0.25)
    canvas.setLineJoin(1)
    rows = [_row(signal, ecg.rate, leads) for leads in VIEW.rows]
    whole = [np.concatenate([values for _, _, values in row]) for row in rows]
    for row, zero in zip(rows, _zeros(whole, ecg.rate), strict=True):
        _stroke(canvas, sheet.calibration_pulse(PULSE_S, 0.0, VIEW), zero)
        for lead, start_s, values in row:
            if start_s:
                _stroke(canvas, sheet.vertical(start_s, -0.3, 0.3), zero)
            times = start_s + np.arange(len(values)) / ecg.rate
            _stroke(canvas, list(zip(times.tolist(), values.tolist(), strict=True)), zero)
            at = ZERO_MM + MM_PER_S * start_s + 1, zero + MM_PER_MV * _above(values, ecg.rate)
            _write(canvas, [_Line(((0, lead),), font=BOLD)], (at[0], at[1] + LEADING), GRID_WIDTH)
    _write(canvas, [_Line(((0, moved + printed_line(ecg, VIEW)),))], (2, LEADING), GRID_WIDTH - 4)
    canvas.restoreState()


def _rule(canvas: Canvas, pitch: float, colour: str, width: float) -> None:
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(width)
    across, up = np.arange(0, GRID_WIDTH + 1, pitch), np.arange(0, GRID_HEIGHT + 1, pitch)
    canvas.grid(across.tolist(), up.tolist())


def _row(
    signal: np.ndarray, rate: float, leads: Sequence[str]
) -> list[tuple[str, float, np.ndarray]]:
    """Return what each lead of a row prints: its name, its first second, its millivolts."""
    ends = [round(DURATION_S * rate * part / len(leads)) for part in range(len(leads) + 1)]
    return [
        (lead, start / rate, signal[LEADS.index(lead), start:end])
        for lead, start, end in zip(leads, ends, ends[1:], strict=False)
    ]


def _near_zero(ecg: ECG) -> tuple[np.ndarray, str]:
    """Bring leads of a far baseline back onto the page; return what is printed about that."""
    medians = np.median(ecg.signal, axis=1)
    far = np.abs(medians) > FAR_MV
    moved = ", ".join(lead for lead, is_far in zip(LEADS, far, strict=True) if is_far)
    said = f"baseline moved to zero in {moved}   " if moved else ""
    return ecg.signal - np.where(far, medians, 0.0)[:, None], said


def _zeros(rows: Sequence[np.ndarray], rate: float) -> list[float]:
    """Return the height of each row's zero line; rows run into each other before they shrink."""
    lows, highs = zip(*(sheet.envelope(row, rate) for row in rows), strict=True)
    offsets = np.array(sheet.row_offsets(lows, highs, VIEW, spacing=VIEW.row_mv))
    above = min(sheet.up_to_line(float(rows[0].max()) + 0.3, LARGE_MV), MAX_REACH_MV)
    below = min(sheet.up_to_line(0.5 - float(rows[-1].min()), LARGE_MV), MAX_REACH_MV)
    room = GRID_HEIGHT / MM_PER_MV - max(above, 1.5) - max(below, 1.0)
    if offsets[0] > room:
        offsets *= room / offsets[0]
    spare = sheet.down_to_line((room - offsets[0]) / 2, LARGE_MV)
    return (MM_PER_MV * (offsets + max(below, 1.0) + spare)).tolist()


def _mark(canvas: Canvas, evidence: Sequence[_Evidence]) -> None:
    """Shade the windows of matches, and number them along the upper edge."""
    numbers: dict[tuple[float, float], list[str]] = {}
    for shown in evidence:
        if not wording.is_whole_strip(shown.match.window_s):
            numbers.setdefault(shown.match.window_s, []).append(str(shown.number))
    canvas.setFillColor(LIGHT.prototype, alpha=0.1)
    for start_s, end_s in numbers:
        width = MM_PER_S * (end_s - start_s)
        canvas.rect(ZERO_MM + MM_PER_S * start_s, 0, width, GRID_HEIGHT, stroke=0, fill=1)
    for line, ((start_s, _), shared) in enumerate(sorted(numbers.items())):
        at = ZERO_MM + MM_PER_S * start_s + 0.5, GRID_HEIGHT - LEADING * (1 + line % 2) + 0.5
        label = _Line(((0, ", ".join(shared)),), colour=LIGHT.prototype, font=BOLD)
        _write(canvas, [label], at, GRID_WIDTH)


def _stroke(canvas: Canvas, points: Sequence[sheet.Point], zero: float) -> None:
    """Draw a line through points in seconds and mV around a zero line, up to a nan."""
    path = canvas.beginPath()
    for index, (seconds, millivolts) in enumerate(points):
        if np.isnan(seconds):
            break
        to = path.lineTo if index else path.moveTo
        to(ZERO_MM + MM_PER_S * seconds, zero + MM_PER_MV * millivolts)
    canvas.drawPath(path)


def _above(values: np.ndarray, rate: float) -> float:
    """Return the mV above zero at which a lead's name is clear of its first beat."""
    return float(np.clip(values[: round(0.3 * rate)].max() + 0.15, 0.5, 1.2))


def _wrapped(
    text: str, width: float, *, font: str = REGULAR, colour: str = LIGHT.ink
) -> list[_Line]:
    parts = simpleSplit(_printable(text), font, LETTERS, width)
    return [_Line(((0, part),), colour, font) for part in parts]


def _at_most(lines: list[_Line], room: int) -> list[_Line]:
    if len(lines) <= room:
        return lines
    more = _Line(((0, f"\N{HORIZONTAL ELLIPSIS} {len(lines) - room + 1} more"),))
    return [*lines[: room - 1], more]


def _write(
    canvas: Canvas, lines: Sequence[_Line], corner: tuple[float, float], width: float
) -> None:
    """Write lines downwards from an upper left corner."""
    left, y = corner
    for line in lines:
        y -= LEADING
        canvas.setFont(line.font, LETTERS)
        canvas.setFillColor(line.colour, alpha=1)
        ends = [x - 1 for x, _ in line.cells[1:]] + [width]
        for (x, text), end in zip(line.cells, ends, strict=True):
            canvas.drawString(left + x, y, _fitting(text, line.font, end - x))


def _fitting(text: str, font: str, width: float) -> str:
    """Return what fits of a text, with an ellipsis where it had to be cut."""
    text = kept = _printable(text)
    while stringWidth(text, font, LETTERS) > width and kept:
        kept = kept[:-1]
        text = f"{kept}\N{HORIZONTAL ELLIPSIS}"
    return text


def _printable(text: str) -> str:
    # Names of files are others' words: none may be endless or hold control characters.
    return "".join(c if c.isprintable() else " " for c in text[:MAX_CHARACTERS])
