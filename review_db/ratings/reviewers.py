"""Reviewer codes outside studies, and the secret that each is used with.

secret = claim_code(engine, "R01")        # at its first use, shown only once
reviewer_of(engine, "R01", secret)        # from then on

A code that was rated under before it had a secret is claimed by its first user, with all
that was rated under it. Only digests are stored, each under a salt of its own; a secret that was
lost is replaced by `new_secret`, and the old one opens nothing any more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Row, func, insert, select

from review_db.keys import draw_key, spelled
from review_db.questions.checks import checked_reviewer
from review_db.store.database import reading, writing
from review_db.store.failures import RatingsError
from review_db.store.schema import rating_event, reviewer_secret

_SALT_BYTES = 16


class CodeClosed(RatingsError):
    """A reviewer code has a secret, and this is not it."""


def known_reviewer(engine: Engine, code: str) -> str:
    """Return a reviewer's code in the spelling that was used first: "r01" may mean "R01".

    Raises
    ------
    ValueError
        If it can be no reviewer code.
    """
    code = checked_reviewer(code)
    with reading(engine) as connection:
        for table in (rating_event, reviewer_secret):
            same = select(table.c.reviewer).where(func.lower(table.c.reviewer) == code.lower())
            if found := connection.scalar(same.order_by(table.c.id).limit(1)):
                return found
    return code


def is_claimed(engine: Engine, code: str) -> bool:
    """Say whether a reviewer's code has a secret."""
    with reading(engine) as connection:
        return _standing(connection, code) is not None


def claim_code(engine: Engine, code: str) -> str:
    """Give a reviewer's code its secret, and return it; it isn't shown again.

    Raises
    ------
    ValueError
        If it can be no reviewer code.
    CodeClosed
        If it has a secret.
    """
    reviewer = known_reviewer(engine, code)
    with writing(engine, lock=reviewer) as connection:
        if _standing(connection, reviewer) is not None:
            raise CodeClosed(_TAKEN.format(reviewer=reviewer))
        return _add(connection, reviewer)


def new_secret(engine: Engine, code: str) -> str:
    """Give a reviewer's code another secret, or its first; the old one opens nothing any more."""
    reviewer = known_reviewer(engine, code)
    with writing(engine, lock=reviewer) as connection:
        return _add(connection, reviewer)


def reviewer_of(engine: Engine, code: str, secret: str) -> str:
    """Return the reviewer whose code and secret these are.

    Raises
    ------
    ValueError
        If it can be no reviewer code.
    CodeClosed
        If the secret is not that of the code.
    """
    reviewer = known_reviewer(engine, code)
    with reading(engine) as connection:
        refuse_wrong_secret(connection, reviewer, secret)
    return reviewer


def refuse_wrong_secret(connection: Connection, reviewer: str, secret: str) -> None:
    """Refuse a secret that is not, or not any more, that of the code.

    Raises
    ------
    CodeClosed
        If it is not.
    """
    row = _standing(connection, reviewer)
    if row is None or not hmac.compare_digest(_digest(secret, row.salt), row.digest):
        raise CodeClosed(_TAKEN.format(reviewer=reviewer))


_TAKEN = (
    "The code {reviewer} opens with its secret alone, which was shown with its link when it was "
    "first used. Open that link, or ask the coordinator for another one; who begins with a new "
    "code leaves the secret empty."
)


def _standing(connection: Connection, reviewer: str) -> Row | None:
    same = func.lower(reviewer_secret.c.reviewer) == reviewer.lower()
    latest = select(reviewer_secret).where(same).order_by(reviewer_secret.c.id.desc())
    return connection.execute(latest.limit(1)).first()


def _add(connection: Connection, reviewer: str) -> str:
    secret, salt = draw_key(), secrets.token_hex(_SALT_BYTES)
    row = {
        "at": datetime.now(UTC),
        "reviewer": reviewer,
        "salt": salt,
        "digest": _digest(secret, salt),
    }
    connection.execute(insert(reviewer_secret), [row])
    return secret


def _digest(secret: str, salt: str) -> str:
    return hashlib.sha256(f"{salt} {spelled(secret)}".encode()).hexdigest()
