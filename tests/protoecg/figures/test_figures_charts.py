import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.explanation import Finding, Match, Measured, add_up
from protoecg.figures.charts import contributions_figure, describe_contributions, steps_to_logit
from protoecg.figures.charts.scores import scores_figure
from protoecg.labels import PTBXL
from protoecg.prototypes.prototype import Prototype
from protoecg.sheet.colours import DARK, LIGHT


def a_match(number: int, similarity: float, weight: float) -> Match:
    prototype = Prototype(
        name=f"morphology-PVC-{number}",
        branch="morphology",
        statement="PVC",
        record="r",
        window_s=(1, 2),
        statements=("PVC",),
        patient="1",
        age=60,
        sex=None,
        sha256="",
    )
    return Match(prototype, similarity, weight, similarity * weight, (1.0, 1.9))


def a_finding(pairs: list[tuple[float, float]], bias: float = -1.0) -> Finding:
    matches = sorted(
        (a_match(i, s, w) for i, (s, w) in enumerate(pairs)), key=lambda m: -m.contribution
    )
    logit = bias + math.fsum(match.contribution for match in matches)
    probability = 1 / (1 + math.exp(-logit))
    return Finding(PTBXL["PVC"], probability, 0.3, logit, bias, False, tuple(matches))


pairs = st.lists(st.tuples(st.floats(-1, 1), st.floats(-3, 3)), max_size=40)


@settings(deadline=None, max_examples=40)
@given(pairs, st.floats(-6, 3), st.integers(1, 15))
def test_the_bars_shown_add_up_to_the_logit(pairs, bias, top):
    finding = a_finding(pairs, bias)
    (bars,) = (t for t in contributions_figure(finding, top=top).data if t.type == "bar")
    assert sum(bars.x[:-1]) == pytest.approx(finding.logit, abs=1e-4)
    assert bars.x[-1] == finding.logit and bars.base[-1] == 0
    assert bars.base[0] == 0
    np.testing.assert_allclose(np.add(bars.base, bars.x)[:-2], bars.base[1:-1], atol=1e-9)
    assert bars.base[-2] + bars.x[-2] == pytest.approx(finding.logit, abs=1e-4)


@given(pairs, st.integers(1, 15))
def test_the_strongest_come_first_and_every_other_match_that_speaks_is_counted(pairs, top):
    finding = a_finding(pairs)
    steps = [step for step in steps_to_logit(finding, top) if step.kind == "match"]
    alone = [step for step in steps if "other match" not in step.label]
    sizes = [abs(step.amount) for step in alone]
    assert sizes == sorted(sizes, reverse=True)
    speaking = sum(similarity * weight != 0 for similarity, weight in pairs)
    assert len(alone) == min(top, speaking)
    left_out = speaking - len(alone)
    assert [s.label.split()[0] for s in steps[len(alone) :]] == ([str(left_out)] * bool(left_out))


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_evidence_for_and_against_differ_in_colour_direction_and_sign(theme, colours):
    figure = contributions_figure(a_finding([(0.9, 2.0), (0.5, -1.0)]), theme=theme)
    bars, _, values = figure.data
    assert bars.marker.color[:2] == (colours.evidence_for, colours.evidence_against)
    assert bars.x[0] > 0 > bars.x[1]
    assert values.text[:2] == (" +1.80", " \N{MINUS SIGN}0.50")


def test_the_threshold_is_marked_at_its_logit_and_lies_in_sight():
    figure = contributions_figure(a_finding([(0.9, 2.0)]))
    at = math.log(0.3 / 0.7)
    assert figure.layout.shapes[0].x0 == pytest.approx(at)
    low, high = figure.layout.xaxis.range
    assert low < at < high


def test_hover_shows_similarity_times_weight():
    (step, *_) = steps_to_logit(a_finding([(0.5, -1.0)]))
    assert "+0.500 × weight −1.000 = −0.500" in step.hover


def test_a_finding_without_matches_is_its_bias():
    assert [s.label for s in steps_to_logit(a_finding([]))] == ["bias", "sum: logit"]


def test_the_description_names_the_strongest_and_the_sum():
    words = describe_contributions(a_finding([(0.9, 2.0), (0.5, -1.0)]))
    assert "morphology-PVC-0 +1.80" in words and "logit +0.30" in words


counts = st.lists(st.lists(st.integers(0, 30), min_size=5, max_size=5), min_size=1, max_size=6).map(
    lambda rows: pd.DataFrame(rows, columns=list("12345"))
)


@settings(deadline=None, max_examples=30)
@given(counts)
def test_each_group_is_one_bar_of_a_hundred_percent_with_the_middle_of_three_at_zero(scores):
    bars = scores_figure(scores).data
    for row, n in enumerate(scores.sum(axis=1)):
        widths = [bar.x[row] for bar in bars]
        ends = [bar.base[row] + bar.x[row] for bar in bars]
        assert sum(widths) == pytest.approx(100 if n else 0)
        assert [bar.base[row] for bar in bars[1:]] == pytest.approx(ends[:-1])
        assert bars[2].base[row] + bars[2].x[row] / 2 == pytest.approx(0)


def test_counts_and_the_number_of_ratings_are_printed():
    figure = scores_figure(pd.DataFrame([[1, 0, 2, 4, 8]], index=["PVC"], columns=list("12345")))
    assert figure.layout.yaxis.ticktext == ("PVC  (n\u00a0=\u00a015)",)
    assert [bar.text[0] for bar in figure.data] == ["1", "", "2", "4", "8"]
    assert [bar.name for bar in figure.data] == list("12345")


def test_a_missing_score_column_is_named():
    with pytest.raises(ValueError, match="add 5"):
        scores_figure(pd.DataFrame([[1, 1, 1, 1]], columns=list("1234")))


def test_measurements_have_a_bar_of_their_own_and_the_bars_still_end_at_the_logit():
    measured = [Measured("QTc (Fridericia)", 560.0, "ms", 3.1), Measured("T in V5", 0.1, "mV", 0.4)]
    finding = add_up(
        PTBXL["LNGQT"], bias=-2.0, threshold=0.5, low_evidence=False, matches=[], measured=measured
    )
    (bar, bias, total) = steps_to_logit(finding)
    assert bar.label == "measurements" and bar.amount == pytest.approx(3.5)
    assert "QTc (Fridericia) 560 ms +3.10" in bar.hover
    assert bias.start + bias.amount == pytest.approx(total.amount) == pytest.approx(1.5)
