"""The report's picture, dot by dot, against the conventions of a printed twelve-lead ECG.

25 mm/s, 10 mm/mV, squares of 1 and 5 mm, a pulse of 5 by 10 mm before each row, four columns of
2.5 s in the order of the leads, and a rhythm strip of lead II below them.
"""

from io import BytesIO

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from protoecg.ecg import ECG, LEADS
from protoecg.explanation import Explanation, Finding
from protoecg.labels import PTBXL
from protoecg.measure import measure
from protoecg.printing.raster import DPI, png
from protoecg.printing.report import EDGE, HEAD, PAPERS, pdf
from protoecg.printing.tracing import GRID_HEIGHT, GRID_WIDTH

DOTS = DPI / 25.4
INK = 110
PRINTED = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
    ("II", "II", "II", "II"),
)
CELLS = [(row, column) for row in range(4) for column in range(4)]
RATE, COLUMN_S, BEGINS_S, LASTS_S = 500, 2.5, 1.0, 0.4
# Of each lead another one, so that what is printed tells which lead it is.
HEIGHTS_MV = {lead: 0.5 + 0.08 * number for number, lead in enumerate(LEADS)}


def boxes() -> ECG:
    """A box in each 2.5 s of each lead."""
    at_s = np.arange(10 * RATE) / RATE % COLUMN_S
    box = (at_s >= BEGINS_S) & (at_s < BEGINS_S + LASTS_S)
    return ECG(np.outer(list(HEIGHTS_MV.values()), box).astype(np.float32), RATE, "boxes")


@pytest.fixture(scope="module", params=PAPERS)
def page(request):
    ecg = boxes()
    nothing = Finding(PTBXL["NORM"], 0.1, 0.5, -2.0, -2.0, False, ())
    explanation = Explanation("Tiny", True, "boxes", (), None, (nothing,))
    return pdf(ecg, explanation, measure(ecg), revision="0", paper=request.param)


@pytest.fixture(scope="module")
def paper(page):
    """Grey levels of the ECG paper alone, its rows from above."""
    grey = np.asarray(Image.open(BytesIO(png(page))).convert("L"))
    left = grey.shape[1] / DOTS / 2 - GRID_WIDTH / 2
    top = EDGE + HEAD
    return part(grey, left, left + GRID_WIDTH, top, top + GRID_HEIGHT)


def part(grey, left, right, top, bottom):
    """Cut a picture, edges in mm from its upper left corner."""
    down, across = slice(round(top * DOTS), round(bottom * DOTS)), slice(*edges(left, right))
    return grey[down, across]


def edges(left, right):
    return round(left * DOTS), round(right * DOTS)


def lines(is_dark):
    """Middle of each run of dots, in mm."""
    found = np.flatnonzero(np.diff(np.concatenate([[0], is_dark.astype(int), [0]])))
    return found.reshape(-1, 2).mean(axis=1) / DOTS


def zeros(paper):
    """Height of each row's zero line, by the foot of its pulse."""
    foot = part(paper, 2.2, 2.8, 0, GRID_HEIGHT - 5) < INK
    return lines(foot.mean(axis=1) > 0.5)


def test_every_row_begins_with_a_pulse_of_five_by_ten_millimetres(paper):
    rows = zeros(paper)
    assert len(rows) == 4
    for zero in rows:
        pulse = part(paper, 1, 9.8, zero - 12, zero - 1) < INK
        assert np.diff(lines(pulse.mean(axis=0) > 0.5)) == pytest.approx([5], abs=0.1)
        (top,) = lines(pulse[:, slice(*edges(4, 5))].mean(axis=1) > 0.5)
        assert 12 - top == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize(("row", "column"), CELLS)
def test_each_lead_has_its_place_at_25_millimetres_a_second_and_10_a_millivolt(paper, row, column):
    zero = zeros(paper)[row]
    # The first second lies where the foot of the pulse ends.
    start = 10 + 25 * (COLUMN_S * column + BEGINS_S)
    box = part(paper, start - 3, start + 13, zero - 18, zero - 1) < INK
    sides = lines(box.mean(axis=0) > 0.2)
    assert sides == pytest.approx([3, 3 + 25 * LASTS_S], abs=0.15)
    (top,) = lines(box[:, slice(*edges(5, 11))].mean(axis=1) > 0.5)
    expected = HEIGHTS_MV[PRINTED[row][column]]
    assert (18 - top) / 10 == pytest.approx(expected, abs=0.015)


def test_the_columns_are_parted_every_62_and_a_half_millimetres(paper):
    zero = zeros(paper)[0]
    below = part(paper, 11, 11 + 250, zero + 1, zero + 2.5) < INK
    assert lines(below.mean(axis=0) > 0.5) + 1 == pytest.approx([62.5, 125, 187.5], abs=0.1)


def test_there_is_a_line_every_millimetre_and_a_darker_one_every_fifth(paper):
    for levels in (
        part(paper, 0, 200, 1.3, 1.7).mean(axis=0),
        part(paper, 0.3, 0.7, 0, 110).mean(axis=1),
    ):
        at = np.round(np.arange(1, len(levels) / DOTS - 1) * DOTS).astype(int)
        darkest = np.array([levels[dot - 2 : dot + 3].min() for dot in at])
        between = levels[np.round((np.arange(1, len(at)) + 0.5) * DOTS).astype(int)]
        assert darkest.max() < between.min()
        is_large = np.arange(1, len(at) + 1) % 5 == 0
        assert darkest[is_large].max() < darkest[~is_large].min()


def test_leads_are_named_where_they_begin_and_speed_and_gain_stand_below(page, paper):
    words = pypdfium2.PdfDocument(page)[0].get_textpage()
    width, height = (points / 72 * 25.4 for points in pypdfium2.PdfDocument(page)[0].get_size())
    left, top = (width - GRID_WIDTH) / 2, height - EDGE - HEAD

    def within(x, right, y, lower):
        box = (left + x, top - lower, left + right, top - y)
        return words.get_text_bounded(*(mm / 25.4 * 72 for mm in box)).split()

    for row, zero in enumerate(zeros(paper)):
        for column in range(4 if row < 3 else 1):
            start = 10 + 62.5 * column
            assert within(start, start + 12, zero - 17, zero) == [PRINTED[row][column]]
    texts = within(0, GRID_WIDTH, GRID_HEIGHT - 5, GRID_HEIGHT)
    assert " ".join(texts).startswith("25 mm/s 10 mm/mV 500 Hz no filter")
