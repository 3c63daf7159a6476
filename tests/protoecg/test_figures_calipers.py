"""Calipers: what a box on the paper measures, in every print, and where it is drawn again."""

import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.figures.paper import ecg_figure
from protoecg.sheet.calipers import Caliper, caliper_from_box, caliper_over
from protoecg.sheet.filters import Filters
from protoecg.sheet.pieces import print_pieces
from protoecg.sheet.view import GAINS, INVERTED, LAYOUTS, SPEEDS, View

RATE = 500
RR_S, FIRST_S = 0.8, 0.4


@pytest.fixture(scope="module")
def ecg() -> ECG:
    """Spikes of one sample every 0.8 s, in each lead of its own height, around its own level."""
    signal = np.zeros((12, 10 * RATE))
    signal += np.linspace(-0.2, 0.2, 12)[:, None]
    beats = np.arange(round(FIRST_S * RATE), 10 * RATE, round(RR_S * RATE))
    signal[:, beats] += height_mv(np.arange(12))[:, None]
    return ECG(signal, RATE)


def height_mv(row):
    return 0.3 + 0.1 * row


def beats_in(piece):
    peaks = np.flatnonzero(np.abs(np.diff(piece.values)) > 0.25)[::2] + 1
    return piece.start_s + peaks / RATE


def lead_of(piece) -> str:
    return "aVR" if piece.lead == INVERTED else piece.lead


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", ["standard", "Cabrera"])
@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("gain", GAINS)
def test_a_box_from_beat_to_beat_and_foot_to_top_reads_their_true_distance(
    ecg, layout, order, speed, gain
):
    view = View(layout, order, "V3", speed, gain)
    pieces = print_pieces(ecg, view)
    for piece in pieces:
        row = LEADS.index(lead_of(piece))
        first, second = beats_in(piece)[:2]
        level = float(np.median(piece.values)) + piece.offset
        top = level + height_mv(row) * (-1 if piece.lead == INVERTED else 1)

        caliper = caliper_from_box(pieces, (second, first), (top, level))

        assert caliper.lead == LEADS[row]
        assert (caliper.milliseconds, caliper.per_minute) == (800, 75)
        assert caliper.millivolts == pytest.approx(height_mv(row), abs=1e-5)
        foot = ecg.signal[row, 0]
        assert (caliper.low_mv, caliper.high_mv) == pytest.approx(
            (foot, foot + height_mv(row)), abs=1e-5
        )
        assert caliper.start_s == pytest.approx(first) and caliper.end_s == pytest.approx(second)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", ["standard", "Cabrera"])
@pytest.mark.parametrize("filters", [Filters(), Filters(None, 50.0, 40.0)])
def test_it_is_drawn_again_where_its_lead_prints_its_moment(ecg, layout, order, filters):
    caliper = Caliper("aVR", 2.8, 3.6, -0.1, 0.5)
    view = View(layout, order, "II", 50.0, 20.0, filters)
    pieces = print_pieces(ecg, view)
    there = [p for p in pieces if lead_of(p) == "aVR" and p.start_s <= 3.2 < p.end_s]
    figure = ecg_figure(ecg, view=view, calipers=[caliper])
    drawn = [t for t in figure.data if t.name == "calipers"]
    words = [t for t in figure.data if t.name == "calipers in words"]

    assert len(drawn) == len(words) == (len(there) > 0)
    for piece in there:
        x, y = drawn[0].x[:5], drawn[0].y[:5]
        assert (x.min(), x.max()) == pytest.approx((2.8, 3.6), abs=1e-5)
        own = (-0.5, 0.1) if piece.lead == INVERTED else (-0.1, 0.5)
        assert (y.min() - piece.offset, y.max() - piece.offset) == pytest.approx(own, abs=1e-5)
        assert words[0].text == ("1: 800 ms · 75 bpm · 0.60 mV",)
        again = caliper_from_box(pieces, (x.min(), x.max()), (y.min(), y.max()))
        assert again.lead == "aVR" and again.said == caliper.said


def test_in_standard_print_it_is_drawn_in_the_column_and_in_the_strip(ecg):
    pieces = print_pieces(ecg, View())
    assert sum(Caliper("II", 0.4, 1.2, 0, 1).is_printed_on(piece) for piece in pieces) == 2
    assert sum(Caliper("II", 6.0, 6.8, 0, 1).is_printed_on(piece) for piece in pieces) == 1
    assert not any(Caliper("V6", 0.4, 1.2, 0, 1).is_printed_on(piece) for piece in pieces)


def test_a_box_beyond_the_paper_is_cut_and_one_outside_of_it_measures_nothing(ecg):
    pieces = print_pieces(ecg, View("12x1"))
    assert caliper_from_box(pieces, (9.2, 11.0), (0.0, 0.5)).milliseconds == 800
    assert caliper_from_box(pieces, (-0.5, -0.1), (0.0, 0.5)) is None
    assert caliper_from_box(pieces, (10.1, 10.5), (0.0, 0.5)) is None


@pytest.mark.parametrize("at", [0.0001, 2.4999, 9.9997])
def test_a_box_narrower_than_a_sample_still_finds_its_lead(ecg, at):
    pieces = print_pieces(ecg, View())
    strip = pieces[-1]
    heights = (strip.offset - 0.1, strip.offset + 0.1)
    assert caliper_from_box(pieces, (at, at + 0.0002), heights).lead == "II"


def test_by_numbers_the_amplitude_is_that_of_the_lead_in_between_or_as_given(ecg):
    row = LEADS.index("V2")
    over = caliper_over(ecg, "V2", (1.0, 0.3), filters=Filters())
    assert (over.start_s, over.end_s) == (0.3, 1.0)
    assert over.millivolts == pytest.approx(height_mv(row), abs=1e-5)
    assert caliper_over(ecg, "V2", (0.3, 1.0), (0.7, 0.2), filters=Filters()).said == (
        "700 ms · 86 bpm · 0.50 mV"
    )


@pytest.mark.parametrize("at", [0.0, 0.4, 10.0])
def test_one_moment_by_numbers_has_its_own_value(ecg, at):
    assert caliper_over(ecg, "V2", (at, at), filters=Filters()).said == "0 ms · 0.00 mV"


@pytest.mark.parametrize(
    "wrong",
    [
        (INVERTED, 0, 1, 0, 1),
        ("II", 1, 0, 0, 1),
        ("II", -0.1, 1, 0, 1),
        ("II", 0, 10.1, 0, 1),
        ("II", 0, 1, 1, 0),
        ("II", 0, float("nan"), 0, 1),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Caliper(*wrong)


def test_without_a_length_there_is_no_rate():
    assert Caliper("II", 1, 1, 0, 0.25).said == "0 ms · 0.25 mV"
