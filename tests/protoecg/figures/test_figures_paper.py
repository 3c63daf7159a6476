import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.ecg import ECG, LEADS
from protoecg.figures.paper import Window, describe_window, ecg_figure
from protoecg.figures.sheet import PRINTED_MM
from protoecg.figures.switches import ROW_PX
from protoecg.sheet.colours import DARK, LIGHT
from protoecg.sheet.pieces import printed_line
from protoecg.sheet.rows import up_to_line
from protoecg.sheet.view import INVERTED, LAYOUTS, View

STANDARD = View()
PTBXL = Path(os.environ.get("PROTOECG_PTBXL", Path(__file__).parents[3] / "data" / "ptbxl"))


def an_ecg(rate: float = 100, seconds: float = 10, scale: float = 0.3, seed: int = 0) -> ECG:
    random = np.random.default_rng(seed)
    return ECG(random.normal(0, scale, (12, round(rate * seconds))), rate, source="made up")


def tracings(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name in (*LEADS, INVERTED)]


def named(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == name]


def seconds(trace: go.Scatter) -> np.ndarray:
    return trace.x0 + np.arange(len(trace.y)) * trace.dx


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("3x4+strip", sorted([*LEADS, "II"])),
        ("3x4", sorted(LEADS)),
        ("6x2", sorted(LEADS)),
        ("12x1", sorted(LEADS)),
    ],
)
def test_every_lead_is_printed_once_and_the_rhythm_strip_beside(layout, expected):
    assert sorted(t.name for t in tracings(ecg_figure(an_ecg(), view=View(layout)))) == expected


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rate", [100, 257, 500])
def test_every_sample_is_drawn_at_its_second_and_its_raw_millivolts(layout, rate):
    ecg = an_ecg(rate)
    for trace in tracings(ecg_figure(ecg, view=View(layout))):
        first = round(trace.x0 * rate)
        raw = ecg.signal[LEADS.index(trace.name), first : first + len(trace.y)]
        offset = float(trace.y[0]) - float(raw[0])
        assert trace.dx == pytest.approx(1 / rate)
        assert trace.x0 == pytest.approx(first / rate)
        np.testing.assert_allclose(trace.y - offset, raw, atol=1e-5)
        np.testing.assert_array_equal(trace.customdata, raw)
        assert trace.y.dtype == np.float32


def test_the_columns_share_the_ten_seconds_without_gap_or_overlap():
    traces = tracings(ecg_figure(an_ecg(), view=STANDARD))
    row = [next(t for t in traces if t.name == lead) for lead in ("I", "aVR", "V1", "V4")]
    np.testing.assert_allclose(np.concatenate([seconds(t) for t in row]), np.arange(1000) / 100)
    assert [t.x0 for t in row] == [0, 2.5, 5, 7.5]


def test_only_the_first_ten_seconds_of_a_longer_ecg_are_printed_and_it_says_so():
    ecg = an_ecg(seconds=30)
    assert max(seconds(t).max() for t in tracings(ecg_figure(ecg, view=STANDARD))) < 10
    assert "first 10 of 30 s" in printed_line(ecg, STANDARD)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_millivolt_is_as_long_as_four_tenths_of_a_second(layout):
    axes = ecg_figure(an_ecg(), view=View(layout)).layout
    assert (axes.yaxis.scaleanchor, axes.yaxis.scaleratio) == ("x", 0.4)
    assert axes.xaxis.constrain == axes.yaxis.constrain == "range"


def test_squares_are_one_and_five_millimetres():
    axes = ecg_figure(an_ecg(), view=STANDARD).layout
    assert (axes.xaxis.minor.dtick, axes.xaxis.dtick) == (0.04, 0.2)
    assert (axes.yaxis.minor.dtick, axes.yaxis.dtick) == (0.1, 0.5)


@pytest.mark.parametrize("width", [700, 1000, 1400])
def test_the_height_fits_the_paper_to_the_width(width):
    layout = ecg_figure(an_ecg(), width_px=width, view=STANDARD).layout
    margin = layout.margin
    wide = (width - margin.l - margin.r) / (layout.xaxis.range[1] - layout.xaxis.range[0])
    high = (layout.height - margin.t - margin.b) / (layout.yaxis.range[1] - layout.yaxis.range[0])
    assert high / wide == pytest.approx(0.4, rel=0.01)
    assert layout.width is None and layout.autosize


def test_the_calibration_pulse_is_one_millivolt_for_a_fifth_of_a_second_in_each_row():
    (trace,) = named(ecg_figure(an_ecg(), view=STANDARD), "calibration")
    pulses = np.split(trace.y[trace.x < 0], 4)
    top = trace.x[trace.x < 0][2:4]
    assert np.diff(top) == pytest.approx(0.2, abs=1e-6)
    assert [np.ptp(pulse) for pulse in pulses] == pytest.approx([1.0] * 4, abs=1e-5)


@pytest.mark.parametrize("words", ["25 mm/s", "10 mm/mV", "100 Hz", "no filter", "made up"])
def test_the_paper_says_how_it_was_printed(words):
    assert words in named(ecg_figure(an_ecg(), view=STANDARD), "printed line")[0].text[0]


def test_a_file_name_cannot_put_markup_on_the_paper():
    ecg = ECG(an_ecg().signal, 100, source='<a href="https://example.org">x</a>')
    assert "<" not in named(ecg_figure(ecg, view=STANDARD), "printed line")[0].text[0]


# Never half-way between two samples, where rounding would decide.
intervals = st.tuples(st.integers(0, 9000), st.integers(100, 1200)).map(
    lambda ms: ((ms[0] + 0.25) / 1000, (ms[0] + ms[1] + 0.25) / 1000)
)


@settings(deadline=None, max_examples=15)
@given(intervals, st.sampled_from(sorted(LAYOUTS)))
def test_the_band_covers_exactly_the_window_over_all_rows(interval, layout):
    figure = ecg_figure(an_ecg(), windows=[Window(*interval, "w")], view=View(layout))
    band = next(t for t in figure.data if t.fill == "toself")
    assert np.nanmin(band.x) == pytest.approx(interval[0], abs=1e-5)
    assert np.nanmax(band.x) == pytest.approx(min(interval[1], 10), abs=1e-5)
    for trace in tracings(figure):
        assert np.nanmin(band.y) <= trace.y.min() and trace.y.max() <= np.nanmax(band.y)
    assert np.nanmin(band.y) >= figure.layout.yaxis.range[0] + STANDARD.mv(PRINTED_MM) - 1e-6


@settings(deadline=None, max_examples=15)
@given(intervals, st.sampled_from(sorted(LAYOUTS)))
def test_the_accent_retraces_every_sample_of_the_window_and_no_other(interval, layout):
    figure = ecg_figure(an_ecg(), windows=[Window(*interval, "w")], view=View(layout))
    accent = next(t for t in named(figure, "w") if t.mode == "lines" and t.fill is None)
    there = ~np.isnan(accent.x)
    retraced = sorted(zip(np.round(accent.x[there] * 100), accent.y[there], strict=True))
    low, high = interval[0] - 0.005, interval[1] + 0.005
    expected = sorted(
        (np.round(s * 100), y)
        for trace in tracings(figure)
        for s, y in zip(seconds(trace), trace.y, strict=True)
        if low < s < high
    )
    assert len(expected) > 4
    np.testing.assert_array_equal(retraced, expected)


def test_a_window_across_a_column_border_is_retraced_in_both_columns():
    figure = ecg_figure(an_ecg(), windows=[Window(2.1, 3.0, "w")], view=STANDARD)
    accent = next(t for t in named(figure, "w") if t.mode == "lines" and t.fill is None)
    # Three leads of the first column, three of the second, and the rhythm strip.
    strokes = np.split(accent.x, np.flatnonzero(np.isnan(accent.x)))
    assert sum(np.count_nonzero(~np.isnan(stroke)) > 0 for stroke in strokes) == 7


def test_a_window_is_retraced_on_all_twelve_leads_where_each_has_its_row():
    figure = ecg_figure(an_ecg(), windows=[Window(2.1, 3.0, "w")], view=View("12x1"))
    accent = next(t for t in named(figure, "w") if t.mode == "lines" and t.fill is None)
    strokes = np.split(accent.x, np.flatnonzero(np.isnan(accent.x)))
    assert sum(np.count_nonzero(~np.isnan(stroke)) > 0 for stroke in strokes) == 12


def test_the_whole_strip_is_framed_and_named_so_and_its_tracing_left_alone():
    figure = ecg_figure(an_ecg(), windows=[Window(0, 10, "AFIB")], view=STANDARD)
    traces = named(figure, "AFIB (whole strip)")
    assert [t.fill for t in traces] == ["toself", None]
    assert (np.nanmin(traces[0].x), np.nanmax(traces[0].x)) == (0, 10)
    assert traces[1].text == ("AFIB (whole strip)",)
    assert "whole strip" in describe_window(Window(0, 10, "AFIB"))


def test_a_button_switches_the_traces_of_its_window_and_no_other():
    windows = [Window(1, 2, "same name"), Window(4, 5, "same name", shown=False)]
    figure = ecg_figure(an_ecg(), windows=windows, view=STANDARD)
    menus = figure.layout.updatemenus
    assert [menu.active for menu in menus] == [0, -1]
    for menu, window, opacity in zip(menus, windows, (1, 0), strict=True):
        (shown, switched), (hidden, same) = menu.buttons[0].args, menu.buttons[0].args2
        assert (shown, hidden) == ({"opacity": 1}, {"opacity": 0}) and switched == same
        traces = [figure.data[index] for index in switched]
        assert {trace.opacity for trace in traces} == {opacity}
        band = next(trace for trace in traces if trace.fill)
        assert (np.nanmin(band.x), np.nanmax(band.x)) == (window.start_s, window.end_s)
    others = [trace for trace in figure.data if trace.name != "same name"]
    assert not any(trace.opacity is not None for trace in others)


def test_one_window_alone_has_no_button_and_no_window_is_retraced_before_it_is_shown():
    alone = ecg_figure(an_ecg(), windows=[Window(1, 2, "w")], view=STANDARD)
    hidden = ecg_figure(an_ecg(), windows=[Window(1, 2, "w", shown=False)], view=STANDARD)
    assert not alone.layout.updatemenus
    assert (len(named(alone, "w")), len(named(hidden, "w"))) == (3, 2)


@pytest.mark.parametrize(("number", "width"), [(2, 440), (5, 535), (12, 690), (12, 1090)])
def test_switches_have_their_room_below_the_paper_and_stand_apart(number, width):
    windows = [Window(n / 2, n / 2 + 1, f"match {n}") for n in range(number)]
    figure = ecg_figure(an_ecg(), windows=windows, view=STANDARD, width_px=width)
    places = [(menu.x, menu.pad.t) for menu in figure.layout.updatemenus]
    assert len(set(places)) == number
    assert max(top for _, top in places) + ROW_PX <= figure.layout.margin.b
    across = sorted({x for x, _ in places})
    assert np.diff(across).min() * width >= 100


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0])
def test_neighbouring_rows_do_not_collide(layout, scale):
    figure = ecg_figure(an_ecg(scale=scale / 4), view=View(layout))
    traces = tracings(figure)
    for upper, lower in [(u, w) for u in traces for w in traces if u.x0 == w.x0]:
        if upper.y.mean() - lower.y.mean() > 0.5:
            shared = min(len(upper.y), len(lower.y))
            assert (upper.y[:shared] > lower.y[:shared]).all()


def test_tall_complexes_push_rows_apart_and_leave_the_scale_alone():
    signal = an_ecg(scale=0.01).signal.copy()
    signal[LEADS.index("V2"), 500::100] = -4.0
    tall, plain = (
        ecg_figure(ECG(signal, 100), view=STANDARD),
        ecg_figure(an_ecg(scale=0.01), view=STANDARD),
    )

    def v2_above_v3(figure: go.Figure) -> float:
        height = {t.name: float(np.median(t.y)) for t in tracings(figure)}
        return height["V2"] - height["V3"]

    assert v2_above_v3(tall) > 4.0 > v2_above_v3(plain)
    assert tall.layout.yaxis.scaleratio == plain.layout.yaxis.scaleratio


def test_an_absurd_offset_cannot_make_endless_paper():
    signal = an_ecg().signal + np.where(np.arange(12) % 2, 19, -19)[:, None] / 1.2
    low, high = ecg_figure(ECG(signal, 100), view=View("12x1")).layout.yaxis.range
    assert high - low < 12 * 6 + 40


@given(st.floats(-30, 30))
def test_rounding_up_reaches_a_line_of_the_large_squares(value):
    line = up_to_line(value, 0.5)
    assert line * 2 == round(line * 2) and -1e-5 < line - value < 0.5


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_the_page_shows_through_around_the_paper_of_its_theme(theme, colours):
    figure = ecg_figure(an_ecg(), theme=theme, windows=[Window(1, 2, "w")], view=STANDARD)
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.plot_bgcolor == colours.paper
    assert {t.line.color for t in tracings(figure)} == {colours.ink}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_tracing_and_accents_stand_out_from_the_paper(colours):
    for colour in (colours.ink, colours.faint_ink, *colours.accents):
        assert contrast(colour, colours.paper) >= 4.5


def test_twelve_leads_at_500_hz_stay_a_small_page():
    figure = ecg_figure(an_ecg(500), view=View("12x1"), windows=[Window(2, 3, "w")])
    assert len(figure.to_json()) < 1_000_000


def test_a_real_ecg_is_printed_with_its_leads_where_their_names_stand():
    wfdb = pytest.importorskip("wfdb")
    record = PTBXL / "records100/00000/00170_lr"
    if not record.with_suffix(".hea").exists():
        pytest.skip("no PTB-XL: set PROTOECG_PTBXL or unpack it to data/ptbxl")
    read = wfdb.rdrecord(str(record))
    ecg = ECG.from_leads(read.p_signal.T, read.sig_name, read.fs)
    figure = ecg_figure(ecg, view=STANDARD)
    (names,) = named(figure, "lead names")
    for name, at_s, height in zip(names.text, names.x, names.y, strict=True):
        trace = min(
            (t for t in tracings(figure) if t.name == name),
            key=lambda t: abs(t.x0 - at_s) + abs(float(np.median(t.y)) - height),
        )
        assert 0 < at_s - trace.x0 < 0.1
        assert 0 < height - float(np.median(trace.y)) < 2


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2."""
    low, high = sorted(luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("part", [(0.0, 0.5), (0.5, 1.0), (0.75, 1.0)])
def test_switches_of_wide_paper_stand_in_the_part_that_is_in_sight(part):
    windows = [Window(1.0 + n / 2, 1.4 + n / 2, f"match {n}") for n in range(12)]
    figure = ecg_figure(an_ecg(), view=STANDARD, windows=windows, width_px=2180, in_sight=part)
    start, end = part
    assert all(start <= menu.x < end for menu in figure.layout.updatemenus)
    assert len({(menu.x, menu.pad.t) for menu in figure.layout.updatemenus}) == 12


def test_labels_of_like_beats_that_are_near_stand_on_two_lines():
    def heights(*starts):
        windows = [
            Window(0.5, 1.45, "own"),
            *(Window(s, s + 0.95, "alike", beside=True) for s in starts),
        ]
        figure = ecg_figure(an_ecg(), windows=windows, view=STANDARD)
        return [t.y[0] for t in figure.data if t.mode == "text" and "alike" in str(t.text)]

    near, apart = heights(4.0, 4.6), heights(4.0, 8.0)
    assert len(near) == len(apart) == 2
    assert near[0] > near[1] and apart[0] == apart[1]
