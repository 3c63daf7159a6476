import numpy as np
import pandas as pd
import pytest

from protoecg.figures.intervals import describe_intervals, intervals_figure
from protoecg.sheet.colours import THEMES

ROWS = pd.DataFrame(
    {
        "value": [3.5, 4.0, np.nan],
        "low": [3.0, np.nan, np.nan],
        "high": [4.5, np.nan, np.nan],
        "n": [12, 1, 0],
    },
    index=["rhythm", "morphology", "global"],
)


def test_each_row_is_a_point_on_the_line_from_low_to_high():
    figure = intervals_figure(ROWS, axis="mean", limits=(1, 5))
    points = figure.data[0]
    assert list(points.x[:2]) == [3.5, 4.0]
    assert points.x[0] - points.error_x.arrayminus[0] == 3.0
    assert points.x[0] + points.error_x.array[0] == 4.5


def test_a_row_without_an_interval_or_a_value_has_none_drawn():
    points = intervals_figure(ROWS, axis="mean", limits=(1, 5)).data[0]
    assert np.isnan(points.error_x.array[1]) and np.isnan(points.x[2])


def test_rows_read_from_the_top_and_say_what_they_rest_on():
    axis = intervals_figure(ROWS, axis="mean", limits=(1, 5)).layout.yaxis
    assert list(axis.ticktext) == [
        f"{of}  (n\u00a0=\u00a0{n})" for of, n in (("rhythm", 12), ("morphology", 1), ("global", 0))
    ]
    long = ROWS.rename(
        index={"rhythm": "Low QRS voltages in the frontal and horizontal leads (LVOLT)"}
    )
    (first, *_) = intervals_figure(long, axis="mean", limits=(1, 5)).layout.yaxis.ticktext
    assert first.split("<br>") == [
        "Low QRS voltages in the frontal and",
        "horizontal leads (LVOLT)  (n\u00a0=\u00a012)",
    ]
    assert axis.range[0] > axis.range[1]


@pytest.mark.parametrize("theme", list(THEMES))
def test_a_reference_is_a_line_across(theme):
    figure = intervals_figure(ROWS, axis="gain", limits=(-4, 4), reference=0, theme=theme)
    assert [(line.x0, line.x1) for line in figure.layout.shapes] == [(0, 0)]
    assert not intervals_figure(ROWS, axis="gain", limits=(-4, 4), theme=theme).layout.shapes


def test_words_tell_values_and_intervals_that_there_are():
    text = describe_intervals(ROWS, "mean")
    assert text == "mean, with 95 % intervals: rhythm 3.50 (3.00 to 4.50); morphology 4.00."
    assert "nothing to show" in describe_intervals(ROWS[2:], "mean")


def test_rows_whose_names_go_over_lines_have_room_for_them():
    short, long = (
        "Abnormal QRS (ABQRS)",
        "ST-T changes compatible with ventricular aneurysm (ANEUR)",
    )
    heights = {}
    for name in (short, long):
        rows = pd.DataFrame({"value": 0.5, "low": 0.1, "high": 0.9, "n": 3.0}, index=[name] * 4)
        figure = intervals_figure(rows, axis="kappa", limits=(-1, 1))
        margin = figure.layout.margin
        lines = 1 + max(text.count("<br>") for text in figure.layout.yaxis.ticktext)
        heights[lines] = (figure.layout.height - margin.t - margin.b) / 4
    assert min(heights) == 1 and max(heights) > 1
    assert all(height >= 15 * lines for lines, height in heights.items())
