"""The picture of the median beat: what is marked on it is what the intervals were computed from."""

import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.figures.median_beat import describe_median_beat, each_figure, together_figure
from protoecg.figures.median_marks import METHODS
from protoecg.measure import INTERVALS, MARKS, WORDS, delineate, marked, measurements
from protoecg.measure.delineation import T_END_PERCENTILE
from protoecg.simulate import simulate


@pytest.fixture(scope="module")
def found():
    return delineate(simulate(["1AVB"], seed=1, rate=500).ecg)


@pytest.fixture(scope="module")
def without_p():
    found = delineate(simulate(["AFIB"], seed=1, rate=500).ecg)
    assert "p" in found.unsure and "t" not in found.unsure
    return found


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def line_s(figure, mark):
    (line,) = named(figure, mark)
    return float(np.unique(line.x[~np.isnan(line.x)]).item())


def test_the_lines_are_apart_by_what_the_intervals_say(found):
    figure, measured = together_figure(found), measurements(found)
    for name, (start, end) in INTERVALS.items():
        apart = 1000 * (line_s(figure, end) - line_s(figure, start))
        assert apart == pytest.approx(getattr(measured, name), abs=0.1)
        (caption,) = named(figure, f"{name} in words")
        assert caption.text[0] == f"{WORDS[name][0]} {getattr(measured, name):.0f} ms"


def test_the_dots_have_the_lines_as_their_middle(found):
    figure = together_figure(found)

    def dots(mark):
        each = [named(figure, f"{mark} of each lead, {method}") for method in METHODS]
        assert all(len(traces) == 1 for traces in each)
        return np.concatenate([traces[0].x for traces in each])

    assert np.nanmedian(dots("P onset")) == pytest.approx(line_s(figure, "P onset"), abs=1e-4)
    onset = line_s(figure, "QRS onset")
    end = min(np.nanmedian(dots("P end")), onset)
    assert end == pytest.approx(line_s(figure, "P end"), abs=1e-4)
    t_end = np.nanpercentile(dots("T end"), T_END_PERCENTILE)
    assert t_end == pytest.approx(line_s(figure, "T end"), abs=1e-4)


@pytest.mark.parametrize("draw", [together_figure, each_figure])
def test_every_lead_of_the_median_beat_is_drawn_true_but_for_its_zero(draw, found):
    traces = [trace for trace in draw(found).data if trace.customdata is not None]
    assert sorted(trace.name for trace in traces) == sorted(LEADS)
    for trace in traces:
        lead = found.median.signal[LEADS.index(trace.name)]
        assert np.allclose(np.diff(trace.customdata), np.diff(lead), atol=1e-5)
        assert np.allclose(np.diff(trace.y), np.diff(lead), atol=1e-5)
        at = round(found.median.waves.qrs[0] * found.median.rate)
        assert trace.customdata[at] == 0


def test_each_lead_has_the_lines_at_the_same_place_and_its_own_dots_on_its_tracing(found):
    figure = each_figure(found)
    starts = {t.name: t.x0 for t in figure.data if t.customdata is not None}
    at = marked(found)
    for mark in MARKS:
        lines = [float(np.nanmin(trace.x)) for trace in named(figure, mark)]
        expected = [at[mark] + start for start in starts.values()]
        assert sorted(lines) == pytest.approx(sorted(expected), abs=1e-4)
    (v2,) = [t for t in figure.data if t.customdata is not None and t.name == "V2"]
    marks = found.median.lead_marks["T_Offsets"][:, LEADS.index("V2")]
    dots = [t for t in figure.data if t.mode == "markers" and "T end in V2," in t.text[0]]
    assert len(dots) == np.isfinite(marks).sum() > 0
    for dot in dots:
        sample = round((dot.x[0] - v2.x0) / v2.dx)
        assert dot.y[0] == pytest.approx(v2.y[sample], abs=1e-5)


@pytest.mark.parametrize("draw", [together_figure, each_figure])
def test_a_wave_that_is_unsure_has_neither_line_nor_dot_nor_interval(draw, without_p):
    figure = draw(without_p)
    names = {trace.name for trace in figure.data}
    assert not any(name.startswith(("P onset", "P end", "p_ms", "pr_ms")) for name in names)
    assert "QRS onset" in names and "T end" in names
    assert set(marked(without_p)) == {"QRS onset", "QRS end", "T end"}


def test_a_lead_without_a_signal_has_no_marks_of_its_own():
    ecg = simulate(["1AVB"], seed=1, rate=500).ecg
    signal = ecg.signal.copy()
    signal[LEADS.index("V3")] = 0
    found = delineate(ECG(signal, ecg.rate))
    for marks in found.median.lead_marks.values():
        assert marks.shape == (2, 12)
        missing = np.isnan(marks).all(axis=0)
        assert missing[LEADS.index("V3")] and not missing.all()


def test_the_printed_line_tells_scale_beats_and_filter(found):
    (line,) = named(each_figure(found), "printed line")
    count, beats = found.median.count, len(found.beats)
    assert line.text[0].startswith("50 mm/s   10 mm/mV   ")
    assert f"median of {count} of {beats} beats   0.5 to 40 Hz" in line.text[0]


@pytest.mark.parametrize(("size", "gain"), [(0.3, 20), (3.0, 10)])
def test_squares_stay_square_and_small_beats_are_drawn_higher(size, gain):
    ecg = simulate(["1AVB"], seed=1, rate=500).ecg
    figure = together_figure(delineate(ECG(size * ecg.signal, ecg.rate)), width_px=1400)
    x, y, margin = figure.layout.xaxis, figure.layout.yaxis, figure.layout.margin
    across = (x.range[1] - x.range[0]) * 100 / (1400 - margin.l - margin.r)
    up = (y.range[1] - y.range[0]) * gain / (figure.layout.height - margin.t - margin.b)
    assert across == pytest.approx(up, rel=0.01)


def test_in_words_the_marks_are_told_with_their_times(found):
    text = describe_median_beat(found)
    for mark, seconds in marked(found).items():
        assert f"{mark} at {1000 * seconds:.0f} ms" in text


def test_without_a_median_beat_there_is_nothing_to_draw():
    noise = np.random.default_rng(0).normal(scale=0.2, size=(12, 5000))
    found = delineate(ECG(noise, 500))
    assert found.median is None and marked(found) == {}
    with pytest.raises(ValueError, match="no median beat"):
        together_figure(found)
