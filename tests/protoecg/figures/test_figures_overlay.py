import numpy as np
import plotly.graph_objects as go
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.figures.overlay import (
    comparison_figure,
    describe_comparison,
    overlay_figure,
)
from protoecg.figures.strips import strips_figure
from protoecg.measure import delineate
from protoecg.sheet.view import View
from protoecg.simulate import simulate

STANDARD = View()


def an_ecg(rate: float = 100, seed: int = 0, offset: float = 0.0) -> ECG:
    random = np.random.default_rng(seed)
    return ECG(offset + random.normal(0, 0.3, (12, round(rate * 10))), rate, source=f"ecg {seed}")


def of(figure: go.Figure, label: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == label]


@pytest.mark.parametrize("length", [0.94, 1.6, 2.5, 4.0])
def test_every_lead_is_laid_over_itself_once(length):
    figure = overlay_figure(
        an_ecg(), (1, 1 + length), an_ecg(seed=1), (3, 3 + length), view=STANDARD
    )
    ours, theirs = of(figure, "your ECG"), of(figure, "prototype")
    assert [t.hovertemplate.split(":")[0] for t in ours] == list(LEADS)
    assert [t.hovertemplate.split(":")[0] for t in theirs] == list(LEADS)
    assert [t.x0 for t in ours] == [t.x0 for t in theirs]


@pytest.mark.parametrize(("our_rate", "their_rate"), [(100, 100), (500, 100)])
def test_what_is_drawn_is_the_window_less_its_median(our_rate, their_rate):
    ours, theirs = an_ecg(our_rate, offset=2.0), an_ecg(their_rate, seed=1, offset=-3.0)
    figure = overlay_figure(ours, (2.0, 3.0), theirs, (5.0, 6.0), view=STANDARD)
    for label, ecg, window in (("your ECG", ours, (2, 3)), ("prototype", theirs, (5, 6))):
        for trace, raw in zip(of(figure, label), ecg.between(*window), strict=True):
            assert trace.dx == pytest.approx(1 / ecg.rate)
            shift = raw - trace.y
            np.testing.assert_allclose(shift, shift[0], atol=1e-5)
            np.testing.assert_allclose(trace.customdata[:, 0], raw - np.median(raw), atol=1e-6)
            assert trace.customdata[-1, 1] == pytest.approx((len(raw) - 1) / ecg.rate)


def test_both_are_drawn_around_one_zero_line():
    figure = overlay_figure(
        an_ecg(offset=1.0), (2, 3), an_ecg(seed=1, offset=-1.0), (5, 6), view=STANDARD
    )
    for ours, theirs in zip(of(figure, "your ECG"), of(figure, "prototype"), strict=True):
        assert np.median(ours.y) == pytest.approx(np.median(theirs.y), abs=1e-5)


@pytest.mark.parametrize("length", [0.94, 2.5])
def test_leads_side_by_side_do_not_touch(length):
    figure = overlay_figure(
        an_ecg(), (1, 1 + length), an_ecg(seed=1), (3, 3 + length), view=STANDARD
    )
    cells = sorted({(t.x0, t.x0 + t.dx * (len(t.y) - 1)) for t in of(figure, "your ECG")})
    assert all(end < start for (_, end), (start, _) in zip(cells, cells[1:], strict=False))
    assert len(cells) == (6 if length < 1.6 else 4)
    assert figure.layout.xaxis.range[1] >= cells[-1][1]


def test_the_two_are_told_apart_without_colour_and_named_once_in_the_legend():
    figure = overlay_figure(an_ecg(), (1, 2), an_ecg(seed=1), (3, 4), view=STANDARD)
    ours, theirs = of(figure, "your ECG"), of(figure, "prototype")
    assert {t.line.width for t in ours}.isdisjoint({t.line.width for t in theirs})
    assert sum(bool(t.showlegend) for t in ours) == sum(bool(t.showlegend) for t in theirs) == 1
    # The broad line lies below, or it would hide the thin one.
    assert list(figure.data).index(theirs[-1]) < list(figure.data).index(ours[0])


def test_the_paper_says_that_the_offset_was_removed():
    figure = overlay_figure(an_ecg(), (1, 2), an_ecg(500, seed=1), (3, 4), view=STANDARD)
    (line,) = of(figure, "printed line")
    assert "offset removed" in line.text[0] and "100 Hz / 500 Hz" in line.text[0]


@pytest.mark.parametrize("draw", [overlay_figure, comparison_figure])
def test_squares_stay_square(draw):
    axes = draw(an_ecg(), (1, 2), an_ecg(seed=1), (3, 4), view=STANDARD).layout
    assert (axes.yaxis.scaleanchor, axes.yaxis.scaleratio) == ("x", 0.4)


def test_whole_strips_stand_one_above_the_other_raw():
    ours, theirs = an_ecg(), an_ecg(500, seed=1)
    figure = strips_figure(ours, theirs, view=STANDARD)
    expected = ["II, your ECG", "II, prototype", "V1, your ECG", "V1, prototype"]
    traces = [t for t in figure.data if t.name in expected]
    assert [t.name for t in traces] == expected
    heights = [float(np.median(t.y)) for t in traces]
    assert heights == sorted(heights, reverse=True)
    for trace, ecg in zip(traces, (ours, theirs, ours, theirs), strict=True):
        raw = ecg.signal[LEADS.index(trace.name.split(",")[0])]
        np.testing.assert_array_equal(trace.customdata, raw)


@pytest.mark.parametrize(("end", "overlaid"), [(1.9, True), (5.0, True), (5.1, False), (10, False)])
def test_windows_too_long_to_overlay_become_strips(end, overlaid):
    start = 0.0 if end == 10 else 1.0
    figure = comparison_figure(an_ecg(), (start, end), an_ecg(seed=1), (start, end), view=STANDARD)
    assert bool(of(figure, "your ECG")) is overlaid
    assert ("twelve" in describe_comparison((start, end), (start, end), STANDARD)) is overlaid


def test_the_lead_of_the_rhythm_strip_comes_first_among_the_strips():
    figure = strips_figure(an_ecg(), an_ecg(seed=1), view=View(strip="aVF"))
    assert {t.name for t in figure.data if t.customdata is not None} == {
        f"{lead}, {label}" for lead in ("aVF", "II") for label in ("your ECG", "prototype")
    }


@pytest.mark.parametrize("view", [STANDARD, View(order="Cabrera")])
def test_the_share_of_each_lead_stands_beside_its_name(view):
    shares = {lead: (place - 1) / 54 for place, lead in enumerate(LEADS)}
    figure = overlay_figure(an_ecg(), (1, 2), an_ecg(seed=1), (3, 4), view=view, lead_shares=shares)
    (names,), (shown,) = of(figure, "lead names"), of(figure, "lead shares")
    share_of = dict(zip(names.text, shown.text, strict=True))
    assert share_of["V6"] == "19 %" and share_of["I"] == "\N{MINUS SIGN}2 %"
    assert next(share for lead, share in share_of.items() if lead.endswith("aVR")) == "4 %"
    assert list(names.y) != list(shown.y)
    assert all(left < right for left, right in zip(names.x, shown.x, strict=True))


def test_the_shares_are_said_to_those_who_cannot_see_them():
    share_of = describe_comparison((1, 2), (3, 4), STANDARD, {"V1": 0.61, "II": -0.02})
    assert share_of.endswith("Shares of the similarity: V1 61 %, II \N{MINUS SIGN}2 %.")
    assert "hares" not in describe_comparison((1, 2), (3, 4), STANDARD)


def test_telling_leads_come_first_and_are_marked_on_all_that_is_drawn_there():
    figure = overlay_figure(
        an_ecg(), (1, 2), an_ecg(seed=1), (3, 4), view=STANDARD, telling=("V1", "V2")
    )
    (names,) = of(figure, "lead names")
    upper = [(x, lead) for x, y, lead in zip(names.x, names.y, names.text, strict=True) if y > 1.5]
    assert [lead for _, lead in sorted(upper)][:2] == ["V1", "V2"]
    (marks,) = of(figure, "telling leads")
    assert np.isnan(marks.x).sum() == 2
    for trace in of(figure, "your ECG"):
        is_telling = trace.hovertemplate.split(":")[0] in ("V1", "V2")
        boxes = np.split(np.c_[marks.x, marks.y], np.flatnonzero(np.isnan(marks.x)) + 1)
        inside = any(
            np.nanmin(box[:, 0]) <= trace.x0 <= np.nanmax(box[:, 0])
            and np.nanmin(box[:, 1]) <= trace.y.min()
            and trace.y.max() <= np.nanmax(box[:, 1])
            for box in boxes
            if len(box)
        )
        assert inside == is_telling


def test_the_prototype_can_be_drawn_later_and_the_query_stays():
    plain = overlay_figure(an_ecg(), (1, 2), an_ecg(seed=1), (3, 4), view=STANDARD)
    moved = overlay_figure(an_ecg(), (1, 2), an_ecg(seed=1), (3, 4), view=STANDARD, shift_s=0.04)
    for label, by in (("your ECG", 0.0), ("prototype", 0.04)):
        for before, after in zip(of(plain, label), of(moved, label), strict=True):
            assert after.x0 - before.x0 == pytest.approx(by)
            np.testing.assert_array_equal(after.y, before.y)


def test_strips_show_what_is_measured_of_both_below_the_first_lead():
    ours, theirs = (simulate({"SR"}, seed=seed).ecg for seed in (1, 2))
    found = [delineate(ours), delineate(theirs)]
    figure = strips_figure(ours, theirs, view=STANDARD, measured=found)
    rr = of(figure, "RR intervals")
    assert [list(trace.text) for trace in rr] == [
        [f"{1000 * seconds:.0f}" for seconds in one.rr_s] for one in found
    ]
    strips = [t for t in figure.data if (t.name or "").startswith("II, ")]
    for trace, strip in zip(rr, strips, strict=True):
        assert max(trace.y) < strip.y.min()
    assert len(of(figure, "P waves")) == 2


def test_no_p_wave_is_marked_where_none_can_be_relied_on():
    ecg = simulate({"AFIB"}, seed=1).ecg
    found = delineate(ecg)
    assert "p" in found.unsure
    figure = strips_figure(ecg, ecg, view=STANDARD, measured=[found, found])
    assert not of(figure, "P waves") and of(figure, "QRS waves")
