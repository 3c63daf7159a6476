import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from review_db.store.schema import seat_account
from review_db.studies.accounts import claim_seat, seat_by_key, seats_of, tied_reviewers
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import NotAdmitted, Seat, new_key, sign_in

ANN, BEN = "a" * 64, "b" * 64


@pytest.fixture
def keys(engine, material, pilot):
    create_study(engine, pilot, material)
    return start_study(engine, "pilot")


def rows(engine):
    with engine.connect() as connection:
        return connection.execute(select(seat_account)).all()


def test_a_key_given_once_opens_its_seat_to_that_account_from_then_on(engine, keys):
    assert seat_by_key(engine, keys["R01"], ANN) is None
    assert seats_of(engine, ANN) == []
    assert tied_reviewers(engine, "pilot") == set()

    assert claim_seat(engine, keys["R01"], ANN) == Seat("pilot", "R01")

    assert seats_of(engine, ANN) == [Seat("pilot", "R01")]
    assert seat_by_key(engine, keys["R01"].lower(), ANN) == Seat("pilot", "R01")
    assert claim_seat(engine, keys["R01"], ANN) == Seat("pilot", "R01")
    assert tied_reviewers(engine, "pilot") == {"R01"}
    assert len(rows(engine)) == 1


def test_another_account_gets_nothing_by_the_key(engine, keys):
    claim_seat(engine, keys["R01"], ANN)

    for ask in (claim_seat, seat_by_key):
        with pytest.raises(NotAdmitted, match="tied to another account"):
            ask(engine, keys["R01"], BEN)
    assert seats_of(engine, BEN) == []


def test_a_tied_key_alone_opens_nothing(engine, keys):
    claim_seat(engine, keys["R01"], ANN)

    with pytest.raises(NotAdmitted, match="tied to an account"):
        sign_in(engine, keys["R01"])
    assert sign_in(engine, keys["R02"]) == Seat("pilot", "R02")


@pytest.mark.parametrize("ask", [claim_seat, seat_by_key])
def test_no_account_makes_up_for_a_wrong_key(engine, keys, ask):
    with pytest.raises(NotAdmitted, match="opens no study"):
        ask(engine, "ABCD-EFGH-JKMN-PQRS", ANN)


def test_an_account_is_but_one_reviewer_of_a_study(engine, keys, material, pilot):
    claim_seat(engine, keys["R01"], ANN)
    with pytest.raises(NotAdmitted, match="under another key"):
        claim_seat(engine, keys["R02"], ANN)
    assert claim_seat(engine, keys["R02"], BEN) == Seat("pilot", "R02")

    create_study(engine, replace(pilot, name="second"), material)
    other = start_study(engine, "second")
    claim_seat(engine, other["R02"], ANN)

    assert set(seats_of(engine, ANN)) == {Seat("pilot", "R01"), Seat("second", "R02")}
    assert len({row.digest for row in rows(engine)}) == 3


def test_a_new_key_takes_the_seat_from_the_account(engine, keys):
    claim_seat(engine, keys["R01"], ANN)
    fresh = new_key(engine, "pilot", "R01")

    assert seats_of(engine, ANN) == []
    with pytest.raises(NotAdmitted, match="opens no study"):
        claim_seat(engine, keys["R01"], ANN)
    assert claim_seat(engine, fresh, BEN) == Seat("pilot", "R01")
    assert len(rows(engine)) == 2


def test_the_account_itself_is_not_in_the_database(engine, file, keys):
    claim_seat(engine, keys["R01"], ANN)
    engine.dispose()
    stored = b"".join(f.read_bytes() for f in file.parent.glob("ratings.db*"))
    assert ANN.encode() not in stored


def test_of_two_accounts_that_give_a_key_at_once_one_gets_the_seat(engine, keys):
    def claim(account):
        try:
            return claim_seat(engine, keys["R01"], account)
        except NotAdmitted:
            return None

    accounts = [f"{n:064x}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(claim, accounts))

    assert len(rows(engine)) == 1
    assert [seat is not None for seat in got].count(True) == 1
    for account, seat in zip(accounts, got, strict=True):
        assert seats_of(engine, account) == ([seat] if seat else [])


@pytest.mark.parametrize(
    "statement", ["UPDATE seat_account SET digest = 'x'", "DELETE FROM seat_account"]
)
def test_the_database_itself_refuses_to_change_whose_a_seat_is(engine, keys, statement):
    claim_seat(engine, keys["R01"], ANN)
    with (
        pytest.raises(DBAPIError, match="seat_account is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))


def test_sqlite_replaces_no_account(engine, file, keys):
    claim_seat(engine, keys["R01"], ANN)
    engine.dispose()
    with (
        sqlite3.connect(file) as connection,
        pytest.raises(sqlite3.IntegrityError, match="seat_account is append-only"),
    ):
        connection.execute("REPLACE INTO seat_account SELECT * FROM seat_account")
