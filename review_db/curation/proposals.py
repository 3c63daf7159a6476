"""From opinions and a rule to the prototypes that it retires, with why and how far all agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import pandas as pd
from sqlalchemy import Engine

from protoecg.prototypes.curation import CurationError, Proposal, Proposals, Rule, Verdict
from protoecg.prototypes.manifest import read_manifest, read_prototypes
from protoecg.prototypes.prototype import Prototype
from protoecg.storage.spreadsheet import read_csv
from review_db.findings.opinions import COLUMNS, left_out, opinions
from review_db.ratings.export import OPINIONS
from review_db.ratings.windows import register
from review_db.store.database import open_database
from review_db.store.failures import RatingsError

MAX_BYTES = 200_000_000
# Points of a scale so far apart are named as a disagreement.
APART = 2


def propose_from(source: str, rule: Rule, bundle: Path) -> Proposals:
    """Propose by the ratings in a database, or in a folder that `export` wrote.

    Parameters
    ----------
    source : URL of the database, or the folder

    Raises
    ------
    CurationError
        If there is no such database or export, or the rule names prototypes that the bundle has
        not.
    """
    manifest = read_manifest(bundle)
    prototypes = read_prototypes(bundle, manifest)
    if "://" not in source:
        return propose(rule, prototypes, exported(Path(source)))
    try:
        with _opened(source) as engine:
            register(engine, manifest.fingerprint, prototypes)
            table, excluded = opinions(engine), left_out(engine)
    except RatingsError as error:
        raise CurationError(str(error)) from error
    return replace(propose(rule, prototypes, table), left_out=excluded)


def propose(rule: Rule, prototypes: Sequence[Prototype], table: pd.DataFrame) -> Proposals:
    """Return which prototypes of a bundle a rule retires, and which windows it rejects at all.

    Parameters
    ----------
    table : as `review_db.findings.opinions.opinions` returns them

    Raises
    ------
    CurationError
        If the rule names prototypes that the bundle has not, or all opinions are of others.
    """
    _refuse_unknown(rule, prototypes)
    verdicts = {str(window): verdict(group) for window, group in table.groupby("window")}
    own = [p for p in prototypes if p.identity in verdicts]
    if verdicts and not own and not rule.retire:
        raise CurationError(
            "None of the ratings is of a prototype of this bundle: they are of another one. Name "
            "the bundle that was rated, or the ratings of this one."
        )
    retired = [_proposal(rule, p, verdicts.get(p.identity, Verdict())) for p in prototypes]
    against = [window for window, found in verdicts.items() if _reasons(rule, found)]
    return Proposals(
        retired=tuple(proposal for proposal in retired if proposal),
        rejected=tuple(against),
        rated=len(own),
        elsewhere=len(set(verdicts) - {p.identity for p in prototypes}),
    )


def verdict(table: pd.DataFrame) -> Verdict:
    """Return the reviewers' verdict on one window."""
    answers = table.pivot(index="reviewer", columns="question", values="value")
    answers = answers.reindex(columns=["accurate", "representativeness", "clarity", "bad"])
    comments = table[table["question"].isin(["comment", "alternative"])]
    return Verdict(
        reviewers=tuple(sorted(set(table["reviewer"]))),
        representativeness=_points(answers["representativeness"]),
        clarity=_points(answers["clarity"]),
        accurate=int((answers["accurate"] == "yes").sum()),
        not_accurate=int((answers["accurate"] == "no").sum()),
        bad=int((answers["bad"] == "yes").sum()),
        comments=tuple(zip(comments["reviewer"], comments["value"], strict=True)),
    )


def exported(folder: Path) -> pd.DataFrame:
    """Read the opinions in a folder that `export` wrote.

    Raises
    ------
    CurationError
        If it holds none, or something else.
    """
    file = folder / OPINIONS
    if not file.is_file():
        raise CurationError(
            f"There is no {file}: name a folder that `python -m review_db export` wrote with this "
            "version, or the URL of a database."
        )
    if file.stat().st_size > MAX_BYTES:
        raise CurationError(f"{file} is too large for an export.")
    try:
        table = read_csv(file)
    except ValueError as error:
        raise CurationError(f"{file} {error}. Export anew.") from error
    if missing := set(COLUMNS) - set(table.columns):
        raise CurationError(f"{file} lacks the columns {', '.join(sorted(missing))}.")
    if table.duplicated(["reviewer", "window", "question"]).any():
        raise CurationError(f"{file} has two answers of a reviewer to one question; export anew.")
    return table


def _proposal(rule: Rule, prototype: Prototype, verdict: Verdict) -> Proposal | None:
    if prototype.name in rule.keep:
        return None
    reasons = _reasons(rule, verdict)
    if prototype.name in rule.retire:
        reasons = ["named by hand", *reasons]
    if not reasons:
        return None
    return Proposal(
        prototype=prototype.name,
        why=f"{', '.join(reasons)} ({_by(verdict)})",
        disagreement=_disagreement(verdict),
        verdict=verdict,
    )


def _reasons(rule: Rule, verdict: Verdict) -> list[str]:
    """Say which limits of a rule a verdict meets; none where too few have rated."""
    if len(verdict.reviewers) < rule.reviewers:
        return []
    found = []
    for scale in ("representativeness", "clarity"):
        points, limit = getattr(verdict, scale), getattr(rule, scale)
        if limit is not None and len(points) >= rule.reviewers and median(points) <= limit:
            found.append(f"median {scale} {median(points):g}, at most {limit:g}")
    judged = verdict.accurate + verdict.not_accurate
    if (
        rule.not_accurate is not None
        and judged >= rule.reviewers
        and verdict.not_accurate > rule.not_accurate * judged
    ):
        found.append(f"not accurate by {verdict.not_accurate} of {judged}")
    if rule.bad is not None and verdict.bad > rule.bad * len(verdict.reviewers):
        found.append(f"bad by {verdict.bad} of {len(verdict.reviewers)}")
    return found


def _disagreement(verdict: Verdict) -> str:
    found = []
    for scale in ("representativeness", "clarity"):
        points = sorted(getattr(verdict, scale))
        if points and points[-1] - points[0] >= APART:
            found.append(f"{scale} from {points[0]} to {points[-1]}")
    if verdict.accurate and verdict.not_accurate:
        found.append(f"accurate by {verdict.accurate}, not by {verdict.not_accurate}")
    return f"they disagree: {', '.join(found)}" if found else ""


def _by(verdict: Verdict) -> str:
    count = len(verdict.reviewers)
    if not count:
        return "not rated"
    return f"{count} reviewer{'s' if count != 1 else ''}: {', '.join(verdict.reviewers)}"


def _points(answers: pd.Series) -> tuple[int, ...]:
    return tuple(int(point) for point in answers if point in {"1", "2", "3", "4", "5"})


def _refuse_unknown(rule: Rule, prototypes: Sequence[Prototype]) -> None:
    names = {prototype.name for prototype in prototypes}
    if unknown := sorted({*rule.retire, *rule.keep, *rule.chosen} - names):
        raise CurationError(
            f"The rule names {unknown[0]}, which is no prototype of this bundle. See the names on "
            "the page Library."
        )


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = open_database(url, create=False)
    try:
        yield engine
    finally:
        engine.dispose()
