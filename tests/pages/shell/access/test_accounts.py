import time
from dataclasses import replace

import pytest

from pages.shell.access.accounts import LONGEST_S, account_of
from pages.shell.access.oidc import Settings
from review_db.questions.checks import checked_reviewer

CORA = "cora@clinic.example"
WANTED = Settings(
    (None,), frozenset({"protoecg"}), "https://ecg.example", frozenset({CORA}), b"a" * 32
)


def claims(**changes):
    usual = {"iss": "https://id.example", "aud": "protoecg", "sub": "1", "email": CORA}
    now = {"iat": int(time.time()), "is_logged_in": True, "email_verified": True}
    return {name: v for name, v in (usual | now | changes).items() if v is not None}


def test_an_account_is_issuer_and_subject_and_nothing_else():
    one = account_of(claims(), WANTED)
    assert account_of(claims(email="new@clinic.example", name="X"), WANTED).digest == one.digest
    others = {
        account_of(claims(sub="2"), WANTED).digest,
        account_of(claims(iss="https://other.example"), WANTED).digest,
        account_of(claims(), replace(WANTED, account_secret=b"b" * 32)).digest,
    }
    assert len(others | {one.digest}) == 4


def test_the_code_to_rate_under_is_a_reviewer_code_of_the_account_alone():
    one, two = (account_of(claims(sub=sub), WANTED).code for sub in "12")
    assert one != two
    assert checked_reviewer(one) == one == account_of(claims(email=None), WANTED).code


@pytest.mark.parametrize(
    "changes",
    [
        {"is_logged_in": None},
        {"is_logged_in": False},
        {"is_logged_in": "true"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"iat": None},
        {"iat": "now"},
        {"iat": int(time.time()) - LONGEST_S - 60},
        # A clock that was set back must not let a sign-in last longer.
        {"iat": int(time.time()) + 3600},
        {"iat": float("nan")},
        {"iat": float("inf")},
        {"iat": True},
        {"aud": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": {"protoecg": 1}},
    ],
)
def test_nobody_is_signed_in_by_half_or_for_too_long(changes):
    assert account_of(claims(**changes), WANTED) is None


@pytest.mark.parametrize(
    ("changes", "coordinator"),
    [
        ({}, True),
        ({"email": "Cora@Clinic.example"}, True),
        ({"email_verified": None}, True),
        ({"email_verified": "true"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": "false"}, False),
        ({"email_verified": 0}, False),
        ({"email": "ann@clinic.example"}, False),
        ({"email": None, "preferred_username": "cora@clinic.example"}, False),
    ],
)
def test_a_coordinator_is_who_has_a_listed_address_that_is_not_unverified(changes, coordinator):
    assert account_of(claims(**changes), WANTED).coordinator is coordinator


def test_what_is_shown_of_somebody_is_not_in_what_is_printed_of_them():
    account = account_of(claims(), WANTED)
    assert account.shown == "cora@clinic.example"
    assert "cora" not in repr(account)
