"""Time of work: what somebody did between two notices of the browser, and no lunch."""

import pytest

from pages.taking_part import answers
from pages.taking_part.answers import AnswerSheet


@pytest.mark.parametrize(
    ("noticed_s", "worked_s"),
    [
        ([10.0, 25.0], 25.0),
        # Four hours at lunch are a minute, and what comes after counts as before.
        ([10.0, 14_410.0, 14_430.0], 10.0 + 60.0 + 20.0),
        ([59.0, 118.0], 118.0),
    ],
)
def test_a_pause_of_more_than_a_minute_counts_as_a_minute(monkeypatch, noticed_s, worked_s):
    sheet = AnswerSheet(place="item", revision=0, answers={}, since=0.0)
    for now in noticed_s:
        monkeypatch.setattr(answers.time, "monotonic", lambda now=now: now)
        sheet.count()
    assert sheet.worked == worked_s
