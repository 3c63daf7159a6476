from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from review_db import Item, answers, known_reviewer, save_answer
from review_db.ratings.reviewers import (
    CodeClosed,
    claim_code,
    is_claimed,
    new_secret,
    reviewer_of,
)

ITEM = Item("demo", "f1", "rhythm-AFIB-1", "rhythm", "AFIB")


def save(engine, value, **more):
    return save_answer(engine, reviewer="R01", item=ITEM, question="clarity", value=value, **more)


def standing(engine):
    return answers(engine, reviewer="R01", bundle="demo", fingerprint="f1")


def test_a_code_opens_with_its_secret_alone(engine):
    assert not is_claimed(engine, "R01")
    secret, other = claim_code(engine, "R01"), claim_code(engine, "R02")

    assert is_claimed(engine, "r01")
    assert reviewer_of(engine, "r01", f" {secret.lower().replace('-', '')} ") == "R01"
    for wrong in (other, "", " ", secret[:-1], secret + "2"):
        with pytest.raises(CodeClosed, match="R01 opens with its secret alone"):
            reviewer_of(engine, "R01", wrong)
    with pytest.raises(CodeClosed):
        reviewer_of(engine, "R03", "")


def test_a_code_is_claimed_once_in_whichever_letters(engine):
    claim_code(engine, "R01")
    with pytest.raises(CodeClosed):
        claim_code(engine, "r01")
    assert known_reviewer(engine, "r01") == "R01"


def test_of_several_who_claim_a_code_at_once_one_gets_it(engine):
    def claim(_):
        try:
            return claim_code(engine, "R01")
        except CodeClosed:
            return None

    with ThreadPoolExecutor(8) as pool:
        got = [secret for secret in pool.map(claim, range(8)) if secret]

    assert len(got) == 1
    assert reviewer_of(engine, "R01", got[0]) == "R01"


def test_whoever_claims_a_code_that_was_rated_under_before_has_its_ratings(engine):
    save(engine, "4")
    assert reviewer_of(engine, "r01", claim_code(engine, "r01")) == "R01"
    assert standing(engine) == {ITEM.prototype: {"clarity": "4"}}


def test_a_secret_is_asked_anew_by_every_save(engine):
    first = claim_code(engine, "R01")
    save(engine, "4", secret=first)
    second = new_secret(engine, "R01")

    with pytest.raises(CodeClosed):
        save(engine, "1", secret=first)

    assert standing(engine) == {ITEM.prototype: {"clarity": "4"}}
    save(engine, "2", secret=second)
    assert standing(engine) == {ITEM.prototype: {"clarity": "2"}}


def test_no_secret_stands_in_the_database(engine, file):
    secrets = [claim_code(engine, "R01"), new_secret(engine, "R01")]
    engine.dispose()
    stored = b"".join(f.read_bytes() for f in file.parent.glob("ratings.db*"))
    for secret in secrets:
        assert secret.encode() not in stored
        assert secret.replace("-", "").encode() not in stored


@pytest.mark.parametrize(
    "statement", ["UPDATE reviewer_secret SET digest = 'x'", "DELETE FROM reviewer_secret"]
)
def test_the_database_itself_refuses_to_change_a_secret(engine, statement):
    claim_code(engine, "R01")
    with (
        pytest.raises(DBAPIError, match="reviewer_secret is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))
