from scipy.special import logit

from pages.shell.words import begun
from protoecg.explanation import Finding, told_apart


def finding(probability, threshold):
    at = float(logit(probability))
    return Finding("SVARR", "rhythm", probability, threshold, at, at, True, ())


def test_a_probability_below_its_threshold_is_never_printed_as_equal():
    for probability, threshold, told in (
        (0.35, 0.3, ("35 %", "30 %")),
        (0.016, 0.023, ("1.6 %", "2.3 %")),
        (0.5, 0.5000001, ("50.00000 %", "50.00001 %")),
        (0.0002, 0.004, ("<0.1 %", "0.4 %")),
        (0.9991, 0.99995, ("99.91 %", ">99.99 %")),
    ):
        assert told_apart(finding(probability, threshold)) == told


def test_a_probability_at_its_threshold_is_printed_as_equal():
    probability, threshold = told_apart(finding(0.25, 0.25))
    assert probability == threshold


def test_a_text_begins_with_a_capital_and_keeps_those_that_it_has():
    assert begun("an ECG to read") == "An ECG to read"
