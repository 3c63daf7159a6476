import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.card import tables
from protoecg.figures.charts.card import describe_reliability, reliability_figure
from protoecg.sheet.colours import DARK, LIGHT

CURVE = {"predicted": [0.05, 0.5, 0.95], "observed": [0.04, 0.6, 0.9], "count": [900, 50, 10]}
RESULTS = {
    "n": 100,
    "macro_auroc": 0.9272,
    "macro_auroc_interval": [0.919, 0.9344],
    "per_branch": {"rhythm": {"macro_auroc": 0.94, "statements": 2}},
    "per_statement": {
        "NORM": {"auroc": 0.93, "auroc_interval": [0.9, 0.95], "positives": 40},
        "PVC": {"auroc": None, "auroc_interval": [None, None], "positives": 0},
    },
    "calibration": {"reliability": CURVE},
}
FAITHFUL = {
    "measures": {
        "exactness": {
            "definition": "x",
            "branches": {"rhythm": {"exact": 1.0, "smallest_similarity": 0.99995}},
        },
        "completeness": {"branches": {"rhythm": {"largest_difference": 2.6e-6}}},
    }
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["measures", "exactness", "branches", "rhythm", "exact", "recordings", "abstained",
             "abstained_interval", "rows", "name", "macro_auroc", "macro_auroc_interval",
             "per_statement", "NORM", "auroc", "auroc_interval", "positives", "calibration",
             "reliability", "predicted", "observed", "count", "per_branch", "statements"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(anything)
def test_no_json_whatever_it_holds_breaks_a_table(tiny_bundle, raw):
    raw = raw if isinstance(raw, dict) else {"rows": raw, "per_statement": raw, "recordings": raw}
    tables.overall(raw)
    tables.per_statement(raw, tiny_bundle)
    tables.reliability(raw)
    tables.faithfulness(raw, raw)
    tables.abstention(raw)
    tables.ablations(raw)


@pytest.mark.parametrize(
    "value", [None, True, "0.5", [0.5], float("nan"), float("inf"), 10**400, {}]
)
def test_what_is_no_finite_number_is_none(value):
    assert tables.number({"a": {"b": value}}, "a", "b") is None
    assert tables.numbers({"a": [1, value]}, "a") == []


def test_texts_are_one_line_of_bearable_length():
    assert tables.text({"a": "two\nlines"}, "a") == "two lines"
    assert len(tables.text({"a": "x" * 10_000}, "a")) == 400
    assert tables.text({"a": ["x"]}, "a", default="unknown") == "unknown"


def test_a_figure_is_printed_with_its_interval_where_it_has_one():
    assert tables.sure(RESULTS, "macro_auroc") == "0.927 (0.919 to 0.934)"
    assert tables.sure({"macro_auroc": 0.5}, "macro_auroc") == "0.500"
    assert tables.sure({}, "macro_auroc") == ""


def test_overall_has_a_row_for_the_fused_and_each_branch_and_no_empty_column():
    table = tables.overall(RESULTS)
    assert list(table[""]) == ["all branches fused", "rhythm alone"]
    assert list(table["statements"]) == [1, 2]
    assert list(table.columns) == ["", "statements", "macro AUROC"]


def test_each_statement_has_its_row_with_numbers_to_sort_by(tiny_bundle):
    table = tables.per_statement(RESULTS, tiny_bundle).set_index("statement")
    assert list(table.index) == list(tiny_bundle.statements)
    assert table.loc["NORM", "auroc"] == 0.93 and table.loc["NORM", "auroc 95 %"] == "0.90 to 0.95"
    assert pd.isna(table.loc["PVC", "auroc"])
    low = {code for code, decision in tiny_bundle.decisions.items() if decision.low_evidence}
    assert set(table.index[table["evidence"] == "low"]) == low


def test_the_published_rule_stands_beside_where_it_is_measured():
    alone = tables.faithfulness(FAITHFUL, {})
    assert list(alone.columns) == ["measure", "", "rhythm"]
    assert list(alone["rhythm"]) == ["0.000003", "100.0 %", "1.0000"]
    both = tables.faithfulness(FAITHFUL, {"measures": {**FAITHFUL["measures"]}})
    assert list(both.columns) == ["measure", "", "rhythm", "rhythm, published rule"]


def test_it_is_said_whether_faster_ecgs_were_recorded_or_resampled():
    measured_at = {"500_hz": {"same_prototype": 1.0}, "500_hz_source": "resampled"}
    raw = {"measures": {"stability": {"branches": {"rhythm": measured_at}}}}
    table = tables.faithfulness(raw, {})
    assert list(table[""]) == [
        "same top prototype under 500 Hz instead of 100 Hz",
        "... these ECGs were",
    ]
    assert list(table["rhythm"]) == ["100.0 %", "resampled"]


def test_abstention_is_in_percent():
    recordings = {"noise": {"abstained": 0.99, "abstained_interval": [0.98, 1.0], "refused": 0.01}}
    (row,) = tables.abstention({"recordings": recordings}).itertuples(index=False)
    assert list(row) == ["noise", 99.0, "98.0 to 100.0", "1.0"]


def test_a_reliability_curve_of_uneven_lists_is_none():
    assert len(tables.reliability(RESULTS)) == 3
    uneven = {"calibration": {"reliability": {**CURVE, "count": [1]}}}
    assert tables.reliability(uneven).empty


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_the_reliability_figure_has_its_points_and_the_diagonal(theme, colours):
    diagonal, curve = reliability_figure(pd.DataFrame(CURVE), theme=theme).data
    assert list(diagonal.x) == list(diagonal.y)
    assert list(curve.y) == [4, 60, 90] and curve.line.color == colours.prototype
    assert curve.marker.size[0] > curve.marker.size[2]
    assert "50% predicted, 60% observed" in describe_reliability(pd.DataFrame(CURVE))
