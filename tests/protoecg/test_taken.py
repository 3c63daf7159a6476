from datetime import date, datetime, time, timedelta

import pytest

from protoecg.taken import UNKNOWN, Taken

DAY, CLOCK = date(2021, 3, 3), time(10, 42, 5)


def test_it_is_told_in_one_line_of_what_is_known():
    whole = Taken.of(DAY, CLOCK, age=64, sex="F")
    assert whole.words == "2021-03-03 10:42 · 64 years · female"
    assert Taken.of(DAY, sex="male").words == "2021-03-03 · male"
    assert [Taken.of(age=age).words for age in (0.5, 1, 89)] == [
        *("under 1 year", "1 year", "89 years")
    ]
    assert (UNKNOWN.words, bool(UNKNOWN), bool(whole)) == ("", False, True)


@pytest.mark.parametrize("age", [90, 97.5, 120, 300])
def test_the_old_are_one_age_and_ptb_xl_writes_300_for_them(age):
    assert Taken.of(age=age).words == "90+ years"


@pytest.mark.parametrize("age", [-1, 121, 299, 1e300, float("nan"), float("inf")])
def test_an_absurd_age_is_dropped(age):
    assert Taken.of(age=age) == UNKNOWN


@pytest.mark.parametrize(
    "day",
    [
        *(date(1, 1, 1), date(1900, 1, 1), date(2138, 8, 17), date(9999, 12, 31)),
        date.today() + timedelta(days=2),
        # Clocks that nobody has set, and EDF's date for none.
        *(date(1970, 1, 1), date(1980, 1, 1), date(1985, 1, 1), date(2000, 1, 1)),
    ],
)
def test_a_day_that_cannot_be_is_dropped_with_its_time_and_the_age_by_it(day):
    assert Taken.of(day, CLOCK, born=date(1950, 1, 1)) == UNKNOWN


@pytest.mark.parametrize("sex", ["", "U", "other", "<b>female</b>", "x" * 10_000, "0"])
def test_a_word_that_is_no_sex_is_dropped(sex):
    assert Taken.of(sex=sex) == UNKNOWN


def test_the_age_is_that_at_the_recording_and_the_birth_date_is_not_kept():
    before, on = (Taken.of(DAY, born=date(1950, 3, day)) for day in (4, 3))
    assert (before.age, on.age) == (70, 71)
    assert "1950" not in repr((before, on))
    assert Taken.of(DAY, born=DAY + timedelta(days=1)).age is None
    assert Taken.of(DAY, age=64, born=date(1950, 3, 3)).age == 64


def test_ten_seconds_out_of_a_long_recording_were_taken_later():
    begun = Taken.at(datetime(2021, 3, 3, 23, 59, 50), age=64)
    assert begun.after(15.2) == Taken.at(datetime(2021, 3, 4, 0, 0, 5), age=64)
    assert Taken.of(DAY).after(1e5) == Taken.of(DAY)


def test_which_was_taken_first_is_known_where_both_say_when():
    early, late = Taken.of(DAY, time(9)), Taken.of(DAY, time(10))
    assert early.is_before(late) and not late.is_before(early) and not early.is_before(early)
    assert Taken.of(DAY).is_before(Taken.of(DAY + timedelta(days=1)))
    assert not Taken.of(DAY).is_before(late) and not UNKNOWN.is_before(late)


def test_as_json_each_value_has_a_field_whether_known_or_not():
    fields = Taken.of(DAY, CLOCK, age=95, sex="M").to_json()
    assert fields == {"day": "2021-03-03", "clock": "10:42:05", "age": 90, "sex": "male"}
    assert set(UNKNOWN.to_json().values()) == {None}
