"""The geometry of the paper, which the screen and the printed page share."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from protoecg.ecg import ECG
from protoecg.sheet.pieces import MAX_REACH_MV, fitted, print_pieces
from protoecg.sheet.strokes import row_marks
from protoecg.sheet.view import LAYOUTS, View
from protoecg.simulate import simulate

ROOT = Path(__file__).resolve().parents[3]
HEIGHT_MV = 11.5


@pytest.fixture(scope="module")
def ecg() -> ECG:
    return simulate(["PVC"], seed=1, rate=100).ecg


def heights(pieces):
    return [*dict.fromkeys(round(piece.offset, 6) for piece in pieces)]


def test_a_page_keeps_the_distances_of_the_rows_where_there_is_room(ecg):
    pieces = print_pieces(ecg, View())
    printed = fitted(pieces, View(), HEIGHT_MV)
    np.testing.assert_allclose(np.diff(heights(printed)), np.diff(heights(pieces)))
    assert [p.lead for p in printed] == [p.lead for p in pieces]
    for row, piece in zip(printed, pieces, strict=True):
        np.testing.assert_array_equal(row.values, piece.values)


def test_rows_lie_closer_where_there_is_none_and_stay_on_the_page(ecg):
    tall = ECG(2.5 * ecg.signal, ecg.rate)
    printed = fitted(print_pieces(tall, View()), View(), HEIGHT_MV)
    top, bottom = max(heights(printed)), min(heights(printed))
    assert 0 < bottom <= MAX_REACH_MV and HEIGHT_MV - MAX_REACH_MV <= top < HEIGHT_MV
    np.testing.assert_array_equal(printed[0].values, print_pieces(tall, View())[0].values)


def test_close_rows_lie_as_far_apart_as_usual_however_tall_the_waves(ecg):
    tall = ECG(2.5 * ecg.signal, ecg.rate)
    apart, close = (heights(print_pieces(tall, View(close=close))) for close in (False, True))
    assert np.diff(close) == pytest.approx([-View().row_mv] * 3)
    assert apart[0] > close[0]


def test_one_row_alone_is_on_the_page(ecg):
    view = View(layout="1x1")
    (only,) = fitted(print_pieces(ecg, view), view, 5.0)
    assert 0 < only.offset < 5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_row_has_a_pulse_and_each_further_lead_a_stroke(ecg, layout):
    view = View(layout=layout)
    pieces = print_pieces(ecg, view)
    points = np.array(row_marks(pieces, -0.4, view))
    rows = len(view.rows)
    assert np.isnan(points[:, 0]).sum() == len(pieces)
    begins = [piece.start_s for piece in pieces if piece.start_s]
    strokes = points[points[:, 0] > 0, 0]
    assert sorted(strokes) == sorted(2 * begins)
    pulses = points[points[:, 0] < 0]
    assert len(pulses) == 6 * rows
    assert pulses[:, 1].max() - pieces[0].offset == 1.0


@pytest.mark.parametrize("module", ["protoecg.sheet.pieces", "protoecg.printing.report"])
def test_paper_and_page_need_neither_plotly_nor_torch(module):
    code = (
        f"import sys, {module}\n"
        "sys.exit(bool({'plotly', 'torch', 'streamlit'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
