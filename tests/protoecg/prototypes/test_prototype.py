"""What is known of a prototype's ECG, in words."""

from dataclasses import replace

import pytest


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("av-dissoziation mÖglich, Überdreht", "av-dissoziation möglich, überdreht"),
        ("fÖrlÄngd pq. Edit: LVH 100, ÄR", "förlängd pq. Edit: LVH 100, ÄR"),
        ("sinus rhythm", "sinus rhythm"),
        (
            "st depressed in i, avl, v2-6. q in ii, iii, avf",
            "st depressed in I, aVL, V2-6. q in II, III, aVF",
        ),
        ("flache t in i,avr,v5,6", "flache t in I,aVR,V5,6"),
        ("avflackning i avl", "avflackning i aVL"),
        ("r-s #bergang in v ableitungen", "r-s #bergang in v ableitungen"),
    ],
)
def test_a_report_has_leads_as_they_are_written_and_small_letters_small(tiny_bundle, written, read):
    assert replace(tiny_bundle.prototypes[0], report=written).readable_report == read
