"""Ratings that were given elsewhere: the published interface's JSON, and CSV that `export` wrote.

Each reviewer's code gets the site in front, so that R01 of one site is never R01 of another. An
import is one event with its file's checksum: the same file is refused, and an answer that stands
already is not written again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from protoecg import __version__
from protoecg.storage.files import FormatError, read_limited
from protoecg.storage.spreadsheet import plain, read_csv
from review_db.questions.catalogue import CODEBOOK_VERSION, QUESTIONS
from review_db.questions.checks import checked_answer, checked_reviewer
from review_db.ratings.answers import Item
from review_db.store.chain import append
from review_db.store.database import reading, writing
from review_db.store.failures import RatingsError
from review_db.store.schema import current_rating, rating_event, rating_import

MAX_BYTES = 50_000_000
# Of the published interface: its model's prototypes have a name in their class, and no window.
PUBLISHED, UNKNOWN_BRANCH = "published interface", "not told"
# Its accuracy is a scale; the middle of it says neither yes nor no.
ACCURATE = {1: "no", 2: "no", 4: "yes", 5: "yes"}
UNSET = 0
EXPECTED = (
    "Name ratings_long.csv, ratings_wide.csv or events.csv of an export, or the published "
    "interface's JSON."
)
_RATED = ("bundle", "fingerprint", "prototype", "branch", "statement")


@dataclass(frozen=True)
class Given:
    """An answer that was given elsewhere."""

    reviewer: str
    item: Item
    question: str
    value: str
    at: datetime


@dataclass(frozen=True)
class Import:
    """An import, as it is listed."""

    at: datetime
    site: str
    file: str
    sha256: str
    answers: int


def import_ratings(engine: Engine, file: Path, site: str) -> Import:
    """Add the ratings of a file, all or none.

    Parameters
    ----------
    site : where they were given, such as "chicago"; comes in front of each reviewer's code

    Raises
    ------
    RatingsError
        If the file is no such file, was imported before, or was exported from this database.
    """
    content = _read(file)
    digest = hashlib.sha256(content).hexdigest()
    try:
        checked_reviewer(site)
        given = list(_given(content, file, site))
    except (KeyError, TypeError, AttributeError) as error:
        raise RatingsError(f"{file} holds something else than ratings. {EXPECTED}") from error
    except ValueError as error:
        raise RatingsError(f"{file} cannot be imported. {error}") from error
    if not given:
        raise RatingsError(f"{file} holds no rating.")
    with writing(engine, lock="imports") as connection:
        known = select(rating_import).where(rating_import.c.sha256 == digest)
        if (before := connection.execute(known).first()) is not None:
            raise RatingsError(f"{file} was imported on {before.at:%Y-%m-%d} already.")
        _refuse_own(connection, file, given, site)
        new = _not_standing(connection, given)
        about = Import(datetime.now(UTC), site, file.name[:200], digest, len(new))
        for reviewer in dict.fromkeys(one.reviewer for one in new):
            own = [_event(one) for one in new if one.reviewer == reviewer]
            append(connection, rating_event, own)
        connection.execute(insert(rating_import), [asdict(about)])
    return about


def imports(engine: Engine) -> list[Import]:
    """List the imports, the newest first."""
    columns = (rating_import.c[name] for name in (field.name for field in fields(Import)))
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(rating_import.c.id.desc()))
        return [Import(*row) for row in rows]


def _read(file: Path) -> bytes:
    try:
        return read_limited(file, MAX_BYTES)
    except OSError as error:
        raise RatingsError(f"{file} cannot be read: {error.strerror}.") from error
    except FormatError as error:
        raise RatingsError(f"{error}. {EXPECTED}") from error


def _given(content: bytes, file: Path, site: str) -> Iterator[Given]:
    if file.suffix.lower() == ".json":
        yield from _published(_json(content), site)
    else:
        yield from _exported(content, site)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ValueError(f"It is no JSON. {EXPECTED}") from None


def _published(content: Mapping[str, Any], site: str) -> Iterator[Given]:
    """Read `evaluations[class]` with `ratings`, `bestPrototype`, `badPrototypes`, and more."""
    reviewer, now = f"{site}.{content.get('reviewer', 'R01')}", datetime.now(UTC)
    for statement, evaluation in content["evaluations"].items():
        for name, question, value in _answers(evaluation):
            item = Item(site, PUBLISHED, f"{statement}-{name}", UNKNOWN_BRANCH, statement)
            answer = checked_answer(question, value)
            if answer:
                yield Given(checked_reviewer(reviewer), item, question, answer, now)


def _answers(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, points in evaluation.get("ratings", {}).items():
        yield name, "accurate", _accurate(points.get("accuracy", UNSET))
        for scale in ("representativeness", "clarity"):
            yield name, scale, points.get(scale, UNSET) or None
    if (best := evaluation.get("bestPrototype")) not in (None, ""):
        yield str(best), "best", True
    for name in evaluation.get("badPrototypes") or ():
        yield str(name), "bad", True
    for name, other in (evaluation.get("alternateClasses") or {}).items():
        yield name, "alternative", other


def _accurate(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if not isinstance(value, int):
        raise ValueError(f"An accuracy is {str(value)[:40]!r}, expected 0 to 5, yes or no.")
    return ACCURATE.get(value)


def _exported(content: bytes, site: str) -> Iterator[Given]:
    """Read `ratings_long.csv`, `events.csv` or `ratings_wide.csv` of an export."""
    try:
        table = read_csv(io.BytesIO(content))
    except ValueError as error:
        raise ValueError(f"It {error}. {EXPECTED}") from error
    if missing := {"reviewer", *_RATED} - set(table.columns):
        raise ValueError(f"It lacks the columns {', '.join(sorted(missing))}. {EXPECTED}")
    if "question" not in table.columns:
        asked = [question for question in QUESTIONS if question in table.columns]
        kept = ["reviewer", *_RATED, "last_at"]
        table = table.rename(columns={"at": "last_at"}).melt(
            kept, asked, var_name="question", value_name="value"
        )
        table = table[table["value"] != ""].rename(columns={"last_at": "at"})
    for row in table.to_dict("records"):
        cells = {name: plain(cell) for name, cell in row.items()}
        item = Item(**{name: cells[name] for name in _RATED})
        answer = checked_answer(cells["question"], cells["value"])
        code = checked_reviewer(f"{site}.{cells['reviewer']}")
        yield Given(code, item, cells["question"], answer, _time(cells["at"]))


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(
        f"{text[:40]!r} is no time with a zone, expected one such as '2026-01-31T12:00:00+00:00'."
    )


def _refuse_own(connection: Connection, file: Path, given: list[Given], site: str) -> None:
    """Refuse what this very database has exported: it would count its reviewers twice."""
    first = given[0]
    own = select(rating_event.c.id).where(
        rating_event.c.reviewer == first.reviewer.removeprefix(f"{site}."),
        rating_event.c.fingerprint == first.item.fingerprint,
        rating_event.c.prototype == first.item.prototype,
        rating_event.c.question == first.question,
        rating_event.c.at == first.at,
    )
    if connection.scalar(own.limit(1)) is not None:
        raise RatingsError(f"{file} was exported from this database: its ratings are here.")


def _not_standing(connection: Connection, given: list[Given]) -> list[Given]:
    """Leave out answers that stand already, and all but changes of the same answer."""
    now = current_rating.c
    columns = (now.reviewer, now.bundle, now.fingerprint, now.prototype, now.question, now.value)
    reviewers = {one.reviewer for one in given}
    rows = connection.execute(select(*columns).where(now.reviewer.in_(reviewers)))
    standing = {tuple(row[:-1]): row[-1] for row in rows}
    new = []
    for one in given:
        of = one.item
        key = (one.reviewer, of.bundle, of.fingerprint, of.prototype, one.question)
        if standing.get(key, "") != one.value:
            standing[key] = one.value
            new.append(one)
    return new


def _event(one: Given) -> dict[str, Any]:
    return {
        **asdict(one.item),
        "at": one.at,
        "reviewer": one.reviewer,
        "question": one.question,
        "value": one.value,
        "app_version": __version__,
        "codebook_version": CODEBOOK_VERSION,
    }
