"""The command line of the ratings: `python -m review_db export --out DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from review_db.database import DEFAULT_FILE, URL_VARIABLE, RatingsError, open_database
from review_db.export import export


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error here."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        engine = open_database(given.database, create=False)
        try:
            files = export(engine, given.out)
        finally:
            engine.dispose()
    except RatingsError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1
    sys.stdout.write("".join(f"{file}\n" for file in files))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m review_db",
        description="The ratings that clinicians gave to prototypes.",
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
            "\n"
            "A cell that a spreadsheet would run as a formula begins with an apostrophe; take it\n"
            "off to get what the reviewer entered.\n"
            "\n"
            "examples:\n"
            "  python -m review_db export --out scores\n"
            "  python -m review_db export --out scores --database sqlite:///copy/ratings.db"
        ),
    )
    command.add_argument("--out", metavar="DIR", required=True, help="folder, made if missing")
    command.add_argument(
        "--database",
        metavar="URL",
        help=f"SQLAlchemy URL of the database (default: ${URL_VARIABLE}, else the SQLite file "
        f"{DEFAULT_FILE.parent.name}/{DEFAULT_FILE.name} of this project)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
