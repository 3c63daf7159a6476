import pytest

from pages.shell.access.accounts import LONGEST_S
from pages.shell.access.coordinators import SHORTEST_KEY, Door, Refused, refuse_short_key

KEY = "a key of the coordinator"
HERE, THERE = "10.0.0.1", "10.0.0.2"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(clock):
    return Door(clock)


def guess(door, address=HERE):
    with pytest.raises(Refused) as refused:
        door.admit("browser", address, "a wrong one", KEY)
    return str(refused.value)


def test_the_right_key_opens_to_that_browser_alone(door):
    door.admit("one", HERE, KEY, KEY)

    assert door.is_open_to("one")
    assert not door.is_open_to("two")
    assert not door.is_open_to(None)


def test_the_right_ends_when_it_is_left_or_has_lasted_as_long_as_a_sign_in(door, clock):
    for browser in ("one", "two"):
        door.admit(browser, HERE, KEY, KEY)
    door.close("one")
    assert (door.is_open_to("one"), door.is_open_to("two")) == (False, True)

    clock.now += LONGEST_S + 1
    assert not door.is_open_to("two")


def test_each_wrong_key_has_the_next_one_wait_twice_as_long(door, clock):
    waits = []
    for _ in range(9):
        refusal = guess(door)
        waits.append(float(refusal.split("Wait ")[1].split(" s")[0]))
        clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]


def test_what_comes_too_early_is_not_looked_at_even_if_it_is_right(door, clock):
    guess(door)
    with pytest.raises(Refused, match="not looked at"):
        door.admit("browser", HERE, KEY, KEY)
    assert not door.is_open_to("browser")

    clock.now += 1
    door.admit("browser", HERE, KEY, KEY)
    assert door.is_open_to("browser")


def test_guesses_from_one_address_keep_nobody_out_at_another(door):
    for _ in range(3):
        guess(door)

    door.admit("browser", THERE, KEY, KEY)

    assert door.is_open_to("browser")


def test_a_day_of_guessing_comes_to_few_keys(door, clock):
    looked_at, end = 0, clock.now + 24 * 3600
    while clock.now < end:
        looked_at += "not the coordinator's key" in guess(door)
        clock.now += 1
    assert looked_at < 1400


def test_a_key_that_is_too_short_ends_the_server_at_its_start(monkeypatch):
    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "x" * (SHORTEST_KEY - 1))
    with pytest.raises(SystemExit, match="has 15 characters, expected 16 or more"):
        refuse_short_key()

    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "x" * SHORTEST_KEY)
    refuse_short_key()
    monkeypatch.delenv("PROTOECG_COORDINATOR_KEY")
    refuse_short_key()
