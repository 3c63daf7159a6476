"""What is read first: the header line with its limits, and the findings in order."""

from dataclasses import replace

import pytest

from protoecg.explanation import Explanation, Finding
from protoecg.labels import PTBXL
from protoecg.measure import Measurements
from protoecg.summary import header, in_words, summarised

ORDINARY = Measurements(
    heart_rate_bpm=72.4,
    axis_deg=45.0,
    p_ms=100.0,
    pr_ms=160.0,
    qrs_ms=94.0,
    qt_ms=384.0,
    qtc={"Bazett": 425.0, "Fridericia": 420.0},
    unsure={},
)


def found(code, probability):
    logit = probability - 0.5
    return Finding(PTBXL[code], probability, 0.5, logit, 0.0, False, (), possible_from=0.2)


def explanation(*findings):
    return Explanation("Tiny", False, "a.csv", (), None, findings)


def codes(findings):
    return [finding.code for finding in findings]


def test_the_header_line_is_that_of_an_ecg_cart():
    assert [one.words for one in header(ORDINARY)] == [
        "Rate 72 bpm",
        "PR 160 ms",
        "QRS 94 ms",
        "QT/QTc 384/420 ms",
        "Axis 45°",
    ]


@pytest.mark.parametrize(
    ("field", "value", "flag", "critical"),
    [
        ("heart_rate_bpm", 100.4, "", False),
        ("heart_rate_bpm", 101, "fast", False),
        ("heart_rate_bpm", 39, "slow", True),
        ("pr_ms", 201, "long", False),
        ("qrs_ms", 60, "", False),
        ("qrs_ms", 111, "wide", False),
        ("axis_deg", -31, "left", False),
        ("axis_deg", -91, "extreme", False),
        ("axis_deg", 91, "right", False),
    ],
)
def test_a_value_beyond_its_limits_is_flagged(field, value, flag, critical):
    flagged = [one for one in header(replace(ORDINARY, **{field: value})) if one.flag]
    assert [(one.flag, one.critical) for one in flagged] == ([(flag, critical)] if flag else [])


def test_a_qtc_from_500_ms_on_cannot_wait():
    qtc = header(replace(ORDINARY, qtc={**ORDINARY.qtc, "Fridericia": 500.0}))[3]
    assert (qtc.words, qtc.critical, qtc.limits) == (
        "QT/QTc 384/500 ms (long)",
        True,
        "350 to 460 ms",
    )


def test_what_is_unsure_says_why():
    unsure = replace(ORDINARY, pr_ms=None, unsure={"pr_ms": "no P wave stands out"})
    assert header(unsure)[1].words == "PR unsure"
    assert header(unsure)[1].unsure == "no P wave stands out"


def test_findings_are_read_critical_first_and_normal_last():
    summary = summarised(
        explanation(
            *(found("SR", 0.99), found("NORM", 0.9), found("PVC", 0.8), found("IMI", 0.7)),
            *(found("3AVB", 0.6), found("LVH", 0.4), found("INJAS", 0.3), found("WPW", 0.1)),
        )
    )
    assert codes(summary.critical) == ["3AVB"]
    assert codes(summary.likely) == ["IMI", "PVC", "NORM"]
    assert codes(summary.rhythm) == ["SR"]
    assert codes(summary.possible_critical) == ["INJAS"] and codes(summary.possible) == ["LVH"]
    assert codes(summary.in_order) == ["3AVB", "INJAS", "IMI", "PVC", "NORM", "SR", "LVH"]


def test_of_what_cannot_wait_and_is_improbable_the_place_is_among_the_possible():
    rare = replace(found("2AVB", 0.02), possible_from=0.01)
    summary = summarised(explanation(found("SR", 0.99), found("IMI", 0.3), rare))
    assert summary.possible_critical == () and codes(summary.possible) == ["2AVB", "IMI"]


def test_among_findings_of_one_kind_the_most_probable_is_read_first():
    summary = summarised(explanation(found("IMI", 0.6), found("AMI", 0.9)))
    assert codes(summary.likely) == ["AMI", "IMI"]


def test_every_statement_has_a_place_in_a_reading():
    assert all(statement.urgency >= 0 for statement in PTBXL.values())
    last = max(PTBXL.values(), key=lambda statement: statement.urgency)
    assert last.code == "NORM"


def test_words_come_first_and_the_code_second():
    assert in_words(found("1AVB", 0.9)) == "First degree AV block (1AVB)"


@pytest.mark.parametrize(
    ("probabilities", "foremost"),
    [
        ({"SR": 0.99, "NORM": 0.9, "IMI": 0.3}, "NORM"),
        ({"SR": 0.99, "NORM": 0.3, "IMI": 0.4}, "SR"),
        ({"SR": 0.99, "IMI": 0.3}, "IMI"),
        ({"SR": 0.99, "NORM": 0.9, "3AVB": 0.3}, "3AVB"),
        ({"NORM": 0.3, "IMI": 0.4}, "IMI"),
        ({"AFIB": 0.9, "3AVB": 0.3}, "AFIB"),
        ({"SBRAD": 0.9, "NORM": 0.8}, "SBRAD"),
        ({"SARRH": 0.9, "LVH": 0.6, "AMI": 0.3}, "LVH"),
        ({"AFIB": 0.9, "AMI": 0.3}, "AFIB"),
        ({"AFIB": 0.6, "NDT": 0.9, "LVH": 0.9}, "AFIB"),
        ({"AFIB": 0.9, "IMI": 0.6}, "IMI"),
        ({"LVH": 0.9, "3AVB": 0.6}, "3AVB"),
        ({"SR": 0.99, "NORM": 0.9}, "NORM"),
    ],
)
def test_likely_findings_open_then_what_is_ordinary_then_what_is_possible(probabilities, foremost):
    summary = summarised(explanation(*(found(*one) for one in probabilities.items())))
    assert summary.foremost.code == foremost


def test_where_nothing_is_possible_there_is_nothing_to_look_at():
    assert summarised(explanation(found("LVH", 0.1))).foremost is None


@pytest.mark.parametrize(
    ("probabilities", "opening"),
    [
        ({"SR": 0.99, "NORM": 0.9, "IMI": 0.3}, "Read as a normal ECG"),
        ({"SR": 0.99, "NORM": 0.3, "IMI": 0.4}, "not read as normal"),
        ({"SR": 0.99, "NORM": 0.9, "LVH": 0.6}, ""),
        ({"NORM": 0.3}, ""),
    ],
)
def test_an_ordinary_ecg_is_said_to_be_one(probabilities, opening):
    ordinary = summarised(explanation(*(found(*one) for one in probabilities.items()))).ordinary
    assert opening in ordinary and bool(opening) == bool(ordinary)
