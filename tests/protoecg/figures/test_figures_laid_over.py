"""Two ECGs of one patient over each other: tracings and median beats."""

import numpy as np
import pytest

from protoecg.ecg import DURATION_S, LEADS
from protoecg.figures.laid_over import (
    beats_figure,
    describe_beats,
    onset_difference_s,
    tracings_figure,
)
from protoecg.measure import delineate
from protoecg.sheet.view import LAYOUTS, View
from protoecg.simulate import simulate


@pytest.fixture(scope="module")
def ecgs():
    return [simulate([code], seed=4, rate=500).ecg for code in ("NORM", "CLBBB")]


@pytest.fixture(scope="module")
def found(ecgs):
    return [delineate(ecg) for ecg in ecgs]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_earlier_tracing_lies_under_the_later_one_with_their_first_beats_together(
    ecgs, found, layout
):
    later_s = onset_difference_s(*found)
    figure = tracings_figure(*ecgs, later_s, view=View(layout))
    under = [trace for trace in figure.data if (trace.name or "").endswith(", earlier")]
    over = [trace for trace in figure.data if trace.name in LEADS]
    assert len(under) == len(over) > 0
    assert figure.data[: len(under)] == tuple(under)
    for trace in under:
        lead = trace.name.removesuffix(", earlier")
        first = round((trace.x0 - later_s) * ecgs[0].rate)
        own = ecgs[0].signal[LEADS.index(lead), first : first + len(trace.customdata)]
        np.testing.assert_array_equal(trace.customdata, own)
        assert trace.x0 + len(own) * trace.dx <= DURATION_S + trace.dx


def test_median_beats_meet_at_their_qrs_onset_at_zero(found):
    figure = beats_figure(*found)
    for label, delineation in zip(("earlier", "now"), found, strict=True):
        (trace,) = [t for t in figure.data if t.name == label and t.hovertemplate.startswith("V5:")]
        heights = trace.customdata[:, 0]
        onset = round(min(f.median.waves.qrs[0] for f in found) * delineation.median.rate)
        assert abs(heights[onset]) < 0.02


def test_figures_are_told_in_words(found):
    counts = [found[i].median.count for i in (0, 1)]
    text = describe_beats(*found)
    assert f"{counts[0]} of" in text and f"{counts[1]} of" in text and "twelve leads" in text
