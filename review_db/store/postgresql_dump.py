"""Dumps of a PostgreSQL database by its own programs: `pg_dump`, `pg_restore` and `psql`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sqlalchemy import URL

from review_db.store.failures import RatingsError
from review_db.store.migration import VERSION_TABLE, known_versions
from review_db.store.schema import Base
from review_db.store.sqlite_file import create_for_owner

_TABLES = sorted({VERSION_TABLE, *Base.metadata.tables})
_NAMES = ", ".join(f"'{table}'" for table in _TABLES)
# Tables that the dump's version doesn't have go as well: the migrations will make them anew.
_DROP = f"""
DO $$ DECLARE used regprocedure; BEGIN
    FOR used IN SELECT DISTINCT tgfoid::regprocedure
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE NOT tgisinternal AND relname IN ({_NAMES})
    LOOP EXECUTE 'DROP FUNCTION ' || used || ' CASCADE'; END LOOP;
END $$;
DROP TABLE IF EXISTS {", ".join(_TABLES)} CASCADE;
"""  # noqa: S608 - the names are this app's own


def dump(url: URL, file: Path) -> None:
    """Write one state of the database to a file, for its owner alone, and read it back."""
    create_for_owner(file)
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={file}", url=url)
    _run("pg_restore", f"--file={os.devnull}", file)


def check_dump(file: Path) -> None:
    """Refuse a dump that is damaged, or holds something else than ratings that this app can read.

    Raises
    ------
    RatingsError
        If it is so.
    """
    _run("pg_restore", f"--file={os.devnull}", file)
    entries = _run("pg_restore", "--list", file).splitlines()
    tables = {entry.split()[6] for entry in entries if " TABLE DATA " in entry}
    if VERSION_TABLE not in tables:
        raise RatingsError(f"{file} holds no ratings. Name a file that `backup` has written.")
    if unknown := _versions(file) - known_versions():
        raise RatingsError(
            f"{file} was made by a newer version of this app (schema {', '.join(unknown)}). Update "
            "the app first."
        )
    if others := tables - set(_TABLES):
        raise RatingsError(
            f"{file} holds tables of other programs as well: {', '.join(sorted(others)[:5])}. "
            "Restore it with pg_restore, as the server's administrator."
        )


def load(url: URL, file: Path) -> None:
    """Put what a dump holds in the place of all ratings, in one transaction."""
    script = _DROP + _run("pg_restore", "--no-owner", "--file=-", file)
    options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
    _run("psql", *options, "--output=" + os.devnull, url=url, script=script)


def _versions(file: Path) -> set[str]:
    rows = _run("pg_restore", "--data-only", f"--table={VERSION_TABLE}", "--file=-", file)
    _, _, data = rows.partition("FROM stdin;\n")
    return set(data.partition("\n\\.")[0].split())


def _run(program: str, *arguments: object, url: URL | None = None, script: str = "") -> str:
    environment = os.environ | (_connection(url) if url else {})
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and what it is given are files and names
            [program, *map(str, arguments)],
            env=environment,
            input=script,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
    except FileNotFoundError as error:
        raise RatingsError(
            f"The program {program} is not installed, which backups of a PostgreSQL database need. "
            "Install PostgreSQL's client programs, of the server's version or newer."
        ) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines() or [f"it ended with {error.returncode}"]
        raise RatingsError(f"{program} failed, and nothing was changed: {reason[0]}.") from error
    return done.stdout


def _connection(url: URL) -> dict[str, str]:
    # On the command line, the password would be seen by everybody on the machine.
    given = {
        "PGHOST": url.host,
        "PGPORT": str(url.port or ""),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    return {name: value for name, value in given.items() if value}
