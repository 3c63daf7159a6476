"""The command line of the ratings: `python -m review_db export`, `... study create STUDY.toml`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Engine

from review_db.findings.export import study_files
from review_db.ratings.export import export
from review_db.store.backup import backup, restore
from review_db.store.database import open_database
from review_db.store.failures import URL_VARIABLE, RatingsError
from review_db.store.files import write_files
from review_db.studies import design
from review_db.studies.allocation import bundle_material
from review_db.studies.design import DesignError, design_from_toml
from review_db.studies.lifecycle import create_study, new_key, start_study, studies

OnDatabase = Callable[[Engine, argparse.Namespace], Iterable[object]]
Run = Callable[[argparse.Namespace], Iterable[object]]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error here."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        lines = given.run(given)
    except (RatingsError, DesignError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _export(engine: Engine, given: argparse.Namespace) -> Iterable[object]:
    if given.study is None:
        return export(engine, given.out)
    return write_files(given.out, study_files(engine, given.study))


def _on_database(run: OnDatabase, creates: bool = False) -> Run:
    def opened(given: argparse.Namespace) -> Iterable[object]:
        engine = open_database(given.database, create=creates)
        try:
            return run(engine, given)
        finally:
            engine.dispose()

    return opened


def _backup(given: argparse.Namespace) -> Iterable[object]:
    backup(given.database, Path(given.file))
    return [f"{given.file}: written and checked."]


def _restore(given: argparse.Namespace) -> Iterable[object]:
    kept = restore(given.database, Path(given.file))
    before = [f"What was there before is kept in {kept}."] if kept else []
    return [f"{given.file}: restored and checked.", *before]


def _create(engine: Engine, given: argparse.Namespace) -> Iterable[object]:
    try:
        text = Path(given.settings).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DesignError(f"{given.settings} cannot be read: {error}.") from error
    planned = design_from_toml(text)
    made = create_study(engine, planned, bundle_material(given.bundle, given.cases))
    return [f"{planned.name}: {made.items} items of {made.bundle}. Start it with `study start`."]


def _start(engine: Engine, given: argparse.Namespace) -> Iterable[object]:
    keys = start_study(engine, given.name)
    return [f"{reviewer}  {key}" for reviewer, key in keys.items()]


def _key(engine: Engine, given: argparse.Namespace) -> Iterable[object]:
    return [f"{given.reviewer}  {new_key(engine, given.name, given.reviewer)}"]


def _list(engine: Engine, given: argparse.Namespace) -> Iterable[object]:
    return [
        f"{info.design.name}  {info.bundle}  {info.items} items  {len(info.design.reviewers)} "
        f"reviewers  {f'started {info.started_at:%Y-%m-%d}' if info.started_at else 'not started'}"
        for info in studies(engine)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m review_db",
        description="Reader studies, and the ratings that clinicians gave.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "export",
        help="write all ratings as CSV, with a codebook",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Write all ratings as CSV (UTF-8), with a codebook.",
        epilog=(
            "files:\n"
            "  ratings_long.csv  one row for each answer that stands\n"
            "  ratings_wide.csv  one row for each reviewer and prototype\n"
            "  events.csv        every answer ever saved, changed or taken back\n"
            "  codebook.csv      what each column of these files holds\n"
            "  study-STUDY/...   of each study: README.md with settings and a methods paragraph,\n"
            "                    answers_long.csv, answers_wide.csv, events.csv,\n"
            "                    assignments.csv, codebook.csv\n"
            "\n"
            "A cell that a spreadsheet would run as a formula begins with an apostrophe; take it\n"
            "off to get what the reviewer entered.\n"
            "\n"
            "examples:\n"
            "  python -m review_db export --out scores\n"
            "  python -m review_db export --out scores --study pilot\n"
            "  python -m review_db export --out scores --database sqlite:///copy/ratings.db"
        ),
    )
    command.add_argument("--out", metavar="DIR", required=True, help="folder, made if missing")
    command.add_argument("--study", metavar="STUDY", help="write this study alone")
    _finish(command, _on_database(_export))
    _add_study(commands)
    _add_copies(commands)
    return parser


def _add_copies(commands: Any) -> None:
    backing_up = commands.add_parser(
        "backup",
        help="write all ratings and studies to a file, while the app runs",
        description="Write all ratings and studies to a new file, while the app runs, and check "
        "it: an SQLite database, or the dump of a PostgreSQL database (by pg_dump).",
    )
    backing_up.add_argument("file", metavar="FILE", help="a new file, for its owner alone")
    _finish(backing_up, _backup)
    restoring = commands.add_parser(
        "restore",
        help="put a backup in the place of all ratings and studies",
        description="Put a backup in the place of all ratings and studies, while the app runs. "
        "What was there before is kept in a file beside it (PostgreSQL: beside FILE).",
    )
    restoring.add_argument("file", metavar="FILE", help="what `backup` has written")
    _finish(restoring, _restore)


def _add_study(commands: Any) -> None:
    study = commands.add_parser("study", help="make, start and list reader studies")
    actions = study.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser(
        "create",
        help="make a study of a bundle's prototypes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Make a study, or make one anew that has not started.",
        epilog=design.__doc__,
    )
    create.add_argument("settings", metavar="STUDY.toml", help="the design, see below")
    create.add_argument("--bundle", metavar="DIR", required=True, help="folder of the bundle")
    create.add_argument(
        "--cases", metavar="JSON", help="matches, pairs, readings, and ecgs for random windows"
    )
    _finish(create, _on_database(_create, creates=True))
    start = actions.add_parser("start", help="settle a study and print its reviewers' keys")
    start.add_argument("name", metavar="STUDY")
    _finish(start, _on_database(_start))
    key = actions.add_parser("key", help="give a reviewer another key")
    key.add_argument("name", metavar="STUDY")
    key.add_argument("reviewer", metavar="REVIEWER")
    _finish(key, _on_database(_key))
    _finish(actions.add_parser("list", help="list all studies"), _on_database(_list))


def _finish(command: argparse.ArgumentParser, run: Run) -> None:
    command.set_defaults(run=run)
    command.add_argument(
        "--database",
        metavar="URL",
        help=f"SQLAlchemy URL of the database (default: ${URL_VARIABLE}, else the SQLite file "
        "data/ratings.db)",
    )


if __name__ == "__main__":
    sys.exit(main())
