"""How a tracing is printed: order of leads, and lengths in millimetres."""

import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.figures.overlay import comparison_figure, describe_comparison, overlay_figure
from protoecg.figures.paper import Window, describe_ecg, ecg_figure
from protoecg.sheet.filters import ST_MAY_SHIFT, Filters, filtered
from protoecg.sheet.view import GAINS, INVERTED, LAYOUTS, SPEEDS, View
from protoecg.simulate import example

CABRERA = ("aVL", "I", INVERTED, "II", "aVF", "III")
CHEST = LEADS[6:]
SCALES = [(speed, gain) for speed in SPEEDS for gain in GAINS]


@pytest.fixture(scope="module")
def ecg() -> ECG:
    return example("Premature ventricular complexes")


def tracings(figure):
    return [t for t in figure.data if t.customdata is not None]


def named(figure, name):
    return next(t for t in figure.data if t.name == name)


def mm(figure, view):
    """Millimetres of the paper per pixel of its two axes, for a page as wide as planned."""
    axes, margin = figure.layout, figure.layout.margin
    across = (axes.xaxis.range[1] - axes.xaxis.range[0]) * view.speed / (1400 - margin.l - margin.r)
    up = (axes.yaxis.range[1] - axes.yaxis.range[0]) * view.gain
    return across, up / (axes.height - margin.t - margin.b)


@pytest.mark.parametrize(("speed", "gain"), SCALES)
@pytest.mark.parametrize("draw", ["paper", "overlay", "strips"])
def test_a_small_square_is_one_millimetre_and_square_at_every_scale(ecg, draw, speed, gain):
    view = View(speed=speed, gain=gain)
    windows = {"overlay": ((1, 2), (3, 4)), "strips": ((0, 10), (0, 10))}
    if draw == "paper":
        figure = ecg_figure(ecg, view=view)
    else:
        ours, theirs = windows[draw]
        figure = comparison_figure(ecg, ours, ecg, theirs, view=view)
    x, y = figure.layout.xaxis, figure.layout.yaxis
    assert (x.minor.dtick * speed, x.dtick * speed) == pytest.approx((1, 5))
    assert (y.minor.dtick * gain, y.dtick * gain) == pytest.approx((1, 5))
    assert (y.scaleanchor, y.scaleratio) == ("x", pytest.approx(gain / speed))
    across, up = mm(figure, view)
    assert across == pytest.approx(up, rel=0.005)
    assert named(figure, "printed line").text[0].startswith(f"{speed:g} mm/s   {gain:g} mm/mV ")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("speed", "gain"), SCALES)
def test_the_pulse_is_a_millivolt_high_and_a_fifth_of_a_second_wide(ecg, layout, speed, gain):
    view = View(layout, speed=speed, gain=gain)
    # Low beats push no rows apart.
    figure = ecg_figure(ECG(0.05 * ecg.signal, ecg.rate), view=view)
    trace = named(figure, "calibration")
    pulses = trace.x < 0
    rows = len(view.rows)
    x, y = trace.x[pulses].reshape(rows, 6), trace.y[pulses].reshape(rows, 6)
    assert np.ptp(y, axis=1) * gain == pytest.approx([gain] * rows, abs=1e-3)
    assert (x[:, 3] - x[:, 2]) * speed == pytest.approx([0.2 * speed] * rows, abs=1e-3)
    assert (x[:, 1] - x[:, 0]) * speed == pytest.approx([1.0] * rows, abs=1e-3)
    assert figure.layout.xaxis.range[0] < x.min()
    assert figure.layout.yaxis.range[1] > y.max()
    # The pulse of a row ends below the zero line of the row above it.
    assert (y[1:].max(axis=1) < y[:-1].min(axis=1)).all()


@pytest.mark.parametrize(("speed", "gain"), SCALES)
def test_ten_seconds_are_as_many_millimetres_as_the_speed_says(ecg, speed, gain):
    view = View(speed=speed, gain=gain)
    across, _ = mm(figure := ecg_figure(ecg, view=view), view)
    low, high = figure.layout.xaxis.range
    assert (high - low) * speed == pytest.approx(10 * speed + 15 + 0.2 * speed)
    assert across * (1400 - 4) == pytest.approx((high - low) * speed)


@pytest.mark.parametrize(("speed", "gain"), SCALES)
def test_the_window_is_marked_and_retraced_in_every_view(ecg, speed, gain):
    for layout in LAYOUTS:
        view = View(layout, "Cabrera", "V1", speed, gain, Filters(0.5, 50, 40))
        figure = ecg_figure(ecg, view=view, windows=[Window(2.1, 3.0, "w")])
        band, accent = (t for t in figure.data if t.name == "w" and t.mode == "lines")
        assert (np.nanmin(band.x), np.nanmax(band.x)) == pytest.approx((2.1, 3.0), abs=1e-5)
        there = ~np.isnan(accent.x)
        assert (accent.x[there].min(), accent.x[there].max()) == pytest.approx(
            (2.1, 3.0), abs=0.003
        )
        strokes = np.split(there, np.flatnonzero(~there))
        printed_then = {"3x4+strip": 7, "3x4": 6, "6x2": 6, "12x1": 12, "1x1": 1}[layout]
        assert sum(stroke.any() for stroke in strokes) == printed_then
        drawn = {(round(x * 500), float(y)) for t in tracings(figure) for x, y in points(t)}
        assert {
            (round(x * 500), float(y))
            for x, y in zip(accent.x[there], accent.y[there], strict=True)
        } <= drawn


def points(trace):
    return zip(trace.x0 + np.arange(len(trace.y)) * trace.dx, trace.y, strict=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cabrera_changes_the_order_of_the_limb_leads_and_turns_avr_alone(ecg, layout):
    figure = ecg_figure(ecg, view=View(layout, "Cabrera"))
    printed = named(figure, "lead names").text
    limb = [name for name in dict.fromkeys(printed) if name not in CHEST]
    if layout == "12x1":
        assert tuple(printed) == (*CABRERA, *CHEST)
    if layout != "1x1":
        assert sorted(limb) == sorted(CABRERA) and "aVR" not in printed
    for trace in tracings(figure):
        first = round(trace.x0 * ecg.rate)
        sign, lead = (-1, "aVR") if trace.name == INVERTED else (1, trace.name)
        raw = sign * ecg.signal[LEADS.index(lead), first : first + len(trace.y)]
        np.testing.assert_array_equal(trace.customdata, raw)
        np.testing.assert_allclose(np.diff(trace.y), np.diff(raw), atol=1e-5)


def test_inverted_avr_has_a_true_minus_and_lies_between_lead_i_and_lead_ii(ecg):
    i, avr, ii = (
        next(t for t in tracings(ecg_figure(ecg, view=View("12x1", "Cabrera"))) if t.name == name)
        for name in ("I", "\N{MINUS SIGN}aVR", "II")
    )
    np.testing.assert_allclose(avr.customdata, (i.customdata + ii.customdata) / 2, atol=2e-3)


@pytest.mark.parametrize(
    ("layout", "rows"),
    [
        (
            "3x4",
            (("aVL", "II", "V1", "V4"), ("I", "aVF", "V2", "V5"), (INVERTED, "III", "V3", "V6")),
        ),
        ("6x2", tuple(zip(CABRERA, CHEST, strict=True))),
        ("12x1", tuple((lead,) for lead in (*CABRERA, *CHEST))),
    ],
)
def test_columns_are_read_from_above_in_cabrera_order(layout, rows):
    assert View(layout, "Cabrera").rows == rows


@pytest.mark.parametrize("lead", LEADS)
def test_any_lead_can_be_the_rhythm_strip_and_only_that_layout_has_one(ecg, lead):
    strip = tracings(ecg_figure(ecg, view=View("3x4+strip", strip=lead)))[-1]
    assert strip.name == lead
    np.testing.assert_array_equal(strip.customdata, ecg.signal[LEADS.index(lead), :5000])
    assert [len(row) for row in View("3x4", strip=lead).rows] == [4, 4, 4]


@pytest.mark.parametrize("seconds", [0.94, 2.5, 4.0])
@pytest.mark.parametrize("speed", SPEEDS)
def test_the_overlay_keeps_order_sign_and_a_width_that_can_be_read(ecg, seconds, speed):
    view = View(order="Cabrera", speed=speed)
    other = example("Atrial fibrillation")
    figure = overlay_figure(ecg, (1, 1 + seconds), other, (2, 2 + seconds), view=view)
    ours = [t for t in figure.data if t.name == "your ECG"]
    assert [t.hovertemplate.split(":")[0] for t in ours] == [*CABRERA, *CHEST]
    raw = -ecg.between(1, 1 + seconds)[LEADS.index("aVR")]
    np.testing.assert_allclose(ours[2].customdata[:, 0], raw - np.median(raw), atol=1e-5)
    low, high = figure.layout.xaxis.range
    assert (high - low) * speed <= 425
    legends = [t.name for t in figure.data if t.showlegend]
    assert sorted(legends) == ["prototype", "your ECG"]


def test_filters_change_what_is_drawn_and_hovered_in_both_figures(ecg):
    filters = Filters(0.5, 50, 40)
    view = View("12x1", filters=filters)
    drawn = filtered(ecg, filters)
    for trace, values in zip(tracings(ecg_figure(ecg, view=view)), drawn, strict=True):
        np.testing.assert_array_equal(trace.customdata, values)
    figure = overlay_figure(ecg, (1, 2), ecg, (3, 4), view=view)
    ours = [t for t in figure.data if t.name == "your ECG"]
    for trace, values in zip(ours, drawn[:, 500:1000], strict=True):
        np.testing.assert_allclose(trace.customdata[:, 0], values - np.median(values), atol=1e-5)


def test_the_printed_line_of_two_ecgs_tells_their_filters_apart(ecg):
    slow = ECG(ecg.signal[:, ::5], 100)
    figure = overlay_figure(ecg, (1, 2), slow, (3, 4), view=View(filters=Filters(0.5, 60)))
    line = named(figure, "printed line").text[0]
    assert f"high-pass 0.5 Hz, notch 60 Hz / high-pass 0.5 Hz, {ST_MAY_SHIFT}" in line


def test_words_for_those_who_cannot_see_it_tell_scale_filters_and_strips(ecg):
    view = View(strip="V1", speed=50, gain=20, filters=Filters(0.05))
    text = describe_ecg(ecg, view)
    assert "50 mm/s, 20 mm/mV, high-pass 0.05 Hz" in text and ST_MAY_SHIFT in text
    assert "leads V1 and II" in describe_comparison((0, 10), (0, 10), view)


@pytest.mark.parametrize(("speed", "times"), [(25, 1), (50, 2)])
def test_leads_are_named_anew_where_wide_paper_is_scrolled_to(ecg, speed, times):
    names = named(ecg_figure(ecg, view=View("12x1", speed=speed)), "lead names")
    assert sorted(names.text) == sorted(LEADS * times)
    assert sorted({round(x - 0.75 / speed, 3) for x in names.x}) == [0, 5][:times]


@pytest.mark.parametrize(("speed", "times"), [(25, 1), (50, 2)])
def test_each_half_of_wide_paper_says_how_it_is_printed(ecg, speed, times):
    figure = ecg_figure(ecg, view=View(speed=speed))
    left, right = figure.layout.xaxis.range
    printed = named(figure, "printed line")
    assert len(set(printed.text)) == 1
    starts = [left, (left + right) / 2][:times]
    assert list(printed.x) == pytest.approx([start + 1 / speed for start in starts])
