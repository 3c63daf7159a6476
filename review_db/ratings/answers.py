"""Ratings of prototypes: saved as events, read back as the answers that stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, func, select

from protoecg import __version__
from review_db.questions.catalogue import CODEBOOK_VERSION, REQUIRED
from review_db.questions.checks import checked_answer, checked_reviewer
from review_db.ratings.reviewers import refuse_wrong_secret
from review_db.ratings.windows import standing
from review_db.store.chain import append
from review_db.store.database import reading, writing
from review_db.store.schema import NAME_LENGTH, current_rating, rating_event


@dataclass(frozen=True)
class Item:
    """A prototype, as it is rated.

    Parameters
    ----------
    bundle : name of the bundle
    fingerprint : of the bundle's prototypes; ratings stay with the prototypes that were seen, so
        it has to change when these do
    prototype : name of the prototype, unique within the bundle
    branch, statement : the branch and the statement that it stands for

    Raises
    ------
    ValueError
        If one of them is empty, too long or not printable.
    """

    bundle: str
    fingerprint: str
    prototype: str
    branch: str
    statement: str

    def __post_init__(self) -> None:
        for field, value in zip(fields(self), astuple(self), strict=True):
            if not 0 < len(value) <= NAME_LENGTH or not value.isprintable():
                raise ValueError(
                    f"The {field.name} of a rated item is {value[:40]!r}, expected 1 to "
                    f"{NAME_LENGTH} printable characters."
                )


@dataclass(frozen=True)
class RatingProgress:
    """How many items are done, of how many; `by_statement` as (done, total) of each."""

    done: int
    total: int
    by_statement: dict[str, tuple[int, int]]


def save_answer(
    engine: Engine,
    *,
    reviewer: str,
    item: Item,
    question: str,
    value: str | int | bool | None,
    secret: str | None = None,
) -> bool:
    """Save a reviewer's answer to one question about an item; `None` or "" takes it back.

    `secret` is that of the reviewer's code (`reviewers`), asked anew in the transaction; without
    one, who the reviewer is was established elsewhere.

    Returns whether anything was written: an unchanged answer is not. Two answers are kept
    sensible together: a new best prototype of a statement takes that mark from the old one, and
    an alternative statement goes when the prototype is no longer called inaccurate. Once this
    returns, the answer is on the disk.

    Raises
    ------
    ValueError
        If the reviewer code, the question or the answer is not acceptable.
    RatingsError
        If the secret is not that of the code, or the database cannot take it; then nothing of it
        is saved.
    """
    reviewer, answer = checked_reviewer(reviewer), checked_answer(question, value)
    with writing(engine, lock=reviewer) as connection:
        if secret is not None:
            refuse_wrong_secret(connection, reviewer, secret)
        stood = _standing(connection, reviewer, item)
        if question == "alternative" and answer and stood.get("accurate") != "no":
            raise ValueError(
                "An alternative was named for a prototype that is not called inaccurate. Answer "
                "the question on accuracy with no first."
            )
        if stood.get(question, "") == answer:
            return False
        changes = [(item, question, answer)]
        if question == "accurate" and answer != "no" and "alternative" in stood:
            changes.append((item, "alternative", ""))
        if question == "best" and answer:
            former = _best_prototypes(connection, reviewer, item)
            changes = [(old, "best", "") for old in former] + changes
        _append(connection, reviewer, changes)
    return True


def answers(
    engine: Engine, *, reviewer: str, bundle: str, fingerprint: str
) -> dict[str, dict[str, str]]:
    """Return a reviewer's standing answers to a bundle: prototype, then question, then answer.

    An answer about a window in another bundle that has it counts too, see `ratings.windows`.
    """
    with reading(engine) as connection:
        rows = standing(connection, bundle, fingerprint, checked_reviewer(reviewer))
    found: dict[str, dict[str, str]] = {}
    for prototype, question, value in rows[["own_prototype", "question", "value"]].to_numpy():
        found.setdefault(prototype, {})[question] = value
    return found


def revision(engine: Engine, reviewer: str) -> int:
    """Return a number that grows with each answer of a reviewer."""
    with reading(engine) as connection:
        own = rating_event.c.reviewer == checked_reviewer(reviewer)
        return connection.scalar(select(func.max(rating_event.c.id)).where(own)) or 0


def is_done(answered: Mapping[str, str]) -> bool:
    """Whether the answers to an item hold all that is asked of every item."""
    return all(question in answered for question in REQUIRED)


def progress(engine: Engine, *, reviewer: str, items: Sequence[Item]) -> RatingProgress:
    """Count a reviewer's done items among `items`, which are of one bundle."""
    open_ones = {item.prototype for item in _open_items(engine, reviewer, items)}
    by_statement: dict[str, tuple[int, int]] = {}
    for item in items:
        done, total = by_statement.get(item.statement, (0, 0))
        by_statement[item.statement] = (done + (item.prototype not in open_ones), total + 1)
    done = sum(done for done, _ in by_statement.values())
    return RatingProgress(done, len(items), by_statement)


def first_open(engine: Engine, *, reviewer: str, items: Sequence[Item]) -> Item | None:
    """Return the first of `items` (of one bundle) that the reviewer has not done, or None."""
    return next(iter(_open_items(engine, reviewer, items)), None)


def _standing(connection: Connection, reviewer: str, item: Item) -> dict[str, str]:
    rows = standing(connection, item.bundle, item.fingerprint, reviewer, item.prototype)
    return dict(zip(rows["question"], rows["value"], strict=True))


def _best_prototypes(connection: Connection, reviewer: str, item: Item) -> list[Item]:
    now = current_rating.c
    query = select(now.prototype, now.branch).where(
        now.bundle == item.bundle,
        now.fingerprint == item.fingerprint,
        now.reviewer == reviewer,
        now.statement == item.statement,
        now.question == "best",
    )
    return [
        replace(item, prototype=prototype, branch=branch)
        for prototype, branch in connection.execute(query)
    ]


def _append(
    connection: Connection,
    reviewer: str,
    changes: Sequence[tuple[Item, str, str]],
) -> None:
    always = {
        "at": datetime.now(UTC),
        "reviewer": reviewer,
        "app_version": __version__,
        "codebook_version": CODEBOOK_VERSION,
    }
    rows = [
        {**asdict(item), "question": question, "value": value, **always}
        for item, question, value in changes
    ]
    append(connection, rating_event, rows)


def _open_items(engine: Engine, reviewer: str, items: Sequence[Item]) -> list[Item]:
    bundles = {(item.bundle, item.fingerprint) for item in items}
    if not bundles:
        return []
    if len(bundles) > 1:
        raise ValueError(
            f"The items are of {len(bundles)} bundles, expected one. Count each bundle by itself."
        )
    bundle, fingerprint = bundles.pop()
    answered = answers(engine, reviewer=reviewer, bundle=bundle, fingerprint=fingerprint)
    return [item for item in items if not is_done(answered.get(item.prototype, {}))]
