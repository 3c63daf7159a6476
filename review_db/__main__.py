"""`python -m review_db`: reader studies, and the ratings that clinicians gave."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from protoecg import command_line
from review_db.commands.shared import Database, as_it_stands, opened, show
from review_db.commands.studies import study
from review_db.findings.opening import Opening, opening
from review_db.findings.opinions import left_out
from review_db.ratings.export import export as export_ratings
from review_db.ratings.export import export_study
from review_db.ratings.imports import import_ratings, imports
from review_db.ratings.reviewers import new_secret
from review_db.statistics.mrmc import compare
from review_db.statistics.mrmc.measures import Covariance, MeasureName
from review_db.statistics.mrmc.ratings import read_ratings
from review_db.statistics.mrmc.words import in_words
from review_db.store.backup import backup as back_up
from review_db.store.backup import restore as put_back
from review_db.store.chain import first_altered, summary
from review_db.store.database import reading
from review_db.store.failures import RatingsError

_EXPORTED = """\
files:
  ratings_long.csv  one row for each answer that stands
  ratings_wide.csv  one row for each reviewer and prototype
  events.csv        every answer ever saved, changed or taken back
  opinions.csv      what reviewers said of each window, on Rate and in studies
  codebook.csv      what each column of these files holds
  study-STUDY/...   of each study: README.md with settings and a methods paragraph,
                    answers_long.csv, answers_wide.csv, events.csv,
                    assignments.csv, codebook.csv

Before a study's end its files, and opinions.csv, hold the answers that a look has
opened (`study look`), and no others. `backup` keeps all of them safe at any time.

A cell that a spreadsheet would run as a formula begins with an apostrophe; take it
off to get what the reviewer entered.

examples:
  python -m review_db export --out scores
  python -m review_db export --out scores --study pilot
  python -m review_db export --out scores --database sqlite:///copy/ratings.db"""


app = command_line.commands(__doc__)
app.add_typer(study, name="study")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input gets one line on standard error."""
    return command_line.run(app, arguments, name="python -m review_db", errors=_errors)


def _errors() -> tuple[type[Exception], ...]:
    return RatingsError, ValueError


@app.command(epilog=as_it_stands(_EXPORTED))
def export(
    out: Annotated[Path, Option(metavar="DIR", help="folder, made if missing")],
    study: Annotated[str | None, Option(metavar="STUDY", help="write this study alone")] = None,
    database: Database = None,
) -> None:
    """Write all ratings as CSV (UTF-8), with a codebook."""
    with opened(database) as engine:
        if study is None:
            show([*export_ratings(engine, out), *filter(None, [left_out(engine)])])
        else:
            show(export_study(engine, study, out))
            show(_closed(opening(engine, study), study))


def _closed(seen: Opening, study: str) -> list[str]:
    if seen.is_final:
        return []
    return [
        f"{seen.words} The files hold the answers that may be seen by that, and no others: "
        f"`python -m review_db study look {study}` opens those so far, `backup` keeps all safe."
    ]


@app.command("import")
def import_file(
    file: Annotated[Path, Argument(metavar="FILE", help="CSV of an export, or published JSON")],
    site: Annotated[str, Option(metavar="NAME", help="where they were given; before each code")],
    database: Database = None,
) -> None:
    """Add ratings that were given elsewhere; no file counts twice.

    FILE is ratings_long.csv, ratings_wide.csv or events.csv of an export, or the JSON of the
    published interface, whose accuracy of 4 and 5 counts as yes, of 1 and 2 as no, 3 as neither.
    """
    with opened(database, create=True) as engine:
        done = import_ratings(engine, file, site)
    show([f"{done.file}: {done.answers} answers of {done.site}."])


@app.command("imports")
def list_imports(database: Database = None) -> None:
    """List what was imported."""
    with opened(database) as engine:
        show(f"{i.at:%Y-%m-%d}  {i.site}  {i.file}  {i.answers} answers" for i in imports(engine))


@app.command()
def reviewer(
    code: Annotated[str, Argument(metavar="REVIEWER", help="of ratings outside studies")],
    database: Database = None,
) -> None:
    """Give a reviewer's code its secret, or another one; an old one opens nothing any more."""
    with opened(database) as engine:
        show([f"{code}  {new_secret(engine, code)}"])


@app.command()
def backup(
    file: Annotated[Path, Argument(metavar="FILE", help="a new file, for its owner alone")],
    database: Database = None,
) -> None:
    """Write all ratings and studies to a file, and check it.

    The app may run meanwhile. FILE becomes an SQLite database, or the dump of a PostgreSQL database
    (by pg_dump).
    """
    back_up(database, file)
    show([f"{file}: written and checked."])


@app.command()
def restore(
    file: Annotated[Path, Argument(metavar="FILE", help="what `backup` has written")],
    database: Database = None,
) -> None:
    """Put a backup in the place of all ratings and studies.

    The app may run meanwhile. What was there before is kept in a file beside it (PostgreSQL: beside
    FILE).
    """
    kept = put_back(database, file)
    show([f"{file}: restored and checked."])
    if kept:
        show([f"What was there before is kept in {kept}."])


@app.command()
def mrmc(
    file: Annotated[
        Path,
        Argument(metavar="FILE", help="CSV with columns reader, case, treatment, truth, rating"),
    ],
    measure: Annotated[MeasureName, Option(help="what is compared of the ratings")] = "auc",
    threshold: Annotated[
        float | None,
        Option(
            metavar="X",
            help="rating from which on a case is called, for sensitivity and specificity",
        ),
    ] = None,
    covariance: Annotated[
        Covariance, Option(help="how covariances over cases are estimated")
    ] = "jackknife",
    treatments: Annotated[
        str | None,
        Option(
            metavar="A,B", help="which are compared, the first less the second; else all, sorted"
        ),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="print JSON")] = False,
) -> None:
    """Compare treatments in a multi-reader multi-case study (Obuchowski, Rockette, Hillis).

    The truth of a case is 1 (diseased) or 0. Differences hold for readers and cases like these, for
    these readers, or for these cases. Exit code 1 where the ratings cannot be compared.
    """
    found = compare(
        read_ratings(file),
        measure,
        threshold=threshold,
        covariance=covariance,
        treatments=treatments.split(",") if treatments else None,
    )
    show([json.dumps(found.to_json(), indent=2)] if as_json else in_words(found))


@app.command()
def verify(database: Database = None) -> None:
    """Check that no saved answer or action was altered, and name the first that was.

    Each event carries a digest of itself and of the one before. The digest that is printed stands
    for all of them: one that was noted before proves that none was taken away at the end.
    """
    with opened(database) as engine, reading(engine) as connection:
        if found := first_altered(connection):
            raise RatingsError(
                f"Event {found.id} of {found.table} ({', '.join(found.of)}) is not as it was "
                "saved, or one before it is missing. Compare with a backup."
            )
        chains = summary(connection)
    of = f"{chains.events} events in {chains.chains} chains"
    show([f"{of} are as they were saved: {chains.digest}"])


if __name__ == "__main__":
    sys.exit(main())
