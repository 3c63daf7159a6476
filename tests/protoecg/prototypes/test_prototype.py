"""What is known of a prototype's ECG, in words."""

from dataclasses import replace

import pytest


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("av-dissoziation mÖglich, Überdreht", "av-dissoziation möglich, überdreht"),
        ("fÖrlÄngd pq. Edit: LVH 100, ÄR", "förlängd pq. Edit: LVH 100, ÄR"),
        ("sinus rhythm", "sinus rhythm"),
    ],
)
def test_small_letters_are_small_in_the_report_too(tiny_bundle, written, read):
    assert replace(tiny_bundle.prototypes[0], report=written).readable_report == read
