import pytest
from hypothesis import given
from hypothesis import strategies as st

from protoecg import wording


@pytest.mark.parametrize(
    ("probability", "threshold", "printed"),
    [
        (0.35, 0.3, ("35 %", "30 %")),
        (0.016, 0.023, ("1.6 %", "2.3 %")),
        (0.5, 0.5000001, ("50.00000 %", "50.00001 %")),
        (0.0002, 0.004, ("<0.1 %", "0.4 %")),
        (0.9991, 0.99995, ("99.91 %", ">99.99 %")),
        (0.25, 0.25, ("25.000000 %", "25.000000 %")),
    ],
)
def test_a_probability_is_never_printed_as_another_one_is(probability, threshold, printed):
    assert wording.distinct_probabilities(probability, threshold) == printed


@given(st.floats(0, 1), st.integers(0, 3))
def test_no_probability_is_printed_as_certain(probability, digits):
    printed = wording.probability(probability, digits)
    assert printed.strip("<> %") not in {f"{0:.{digits}f}", f"{100:.{digits}f}"}


@pytest.mark.parametrize(
    ("amount", "digits", "printed"),
    [
        (0.5, 2, "+0.50"),
        (-0.5, 2, "\N{MINUS SIGN}0.50"),
        (-3, 0, "\N{MINUS SIGN}3"),
        (0, 0, "+0"),
        (-0.001, 2, "+0.00"),
    ],
)
def test_a_signed_number_has_a_sign_and_a_true_minus(amount, digits, printed):
    assert wording.signed(amount, digits) == printed


@pytest.mark.parametrize(
    ("share", "digits", "printed"),
    [(0.614, 0, "61 %"), (1.0, 1, "100.0 %"), (-0.12, 0, "\N{MINUS SIGN}12 %"), (-0.001, 0, "0 %")],
)
def test_a_share_is_a_percentage_and_nothing_has_no_sign(share, digits, printed):
    assert wording.share(share, digits) == printed


def test_a_window_of_all_but_a_cell_is_the_whole_strip():
    assert wording.window((0.0, 9.95)) == "whole strip"
    assert wording.window((1.2, 2.15)) == "1.20 to 2.15 s"
    assert wording.window((1.2, 2.15), to="-") == "1.20-2.15 s"


def test_the_ends_of_an_interval_have_one_form():
    assert wording.between((0.9, 0.95)) == "0.90 to 0.95"
    assert wording.between((-0.01, 0.02), "+.3f") == "-0.010 to +0.020"
