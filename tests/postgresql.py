"""A PostgreSQL server of the tests' own, from the system's package."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pg8000.native

from review_db.store.migration import VERSION_TABLE

ACCOUNT = "postgres"


def program(name: str) -> str | None:
    """Return where a program of the server is: on the path, or where Debian puts it."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return shutil.which(name) or max(map(str, versions), default=None)


def missing() -> str:
    """Say why no server can be started here, or nothing."""
    if not (program("initdb") and program("postgres")):
        return "no PostgreSQL server is installed (Debian: apt-get install postgresql)"
    if os.geteuid() == 0 and _account() is None:
        return f"PostgreSQL does not run as root, and there is no account {ACCOUNT!r}"
    return ""


class Server:
    """A server on a free port of this machine, its files in `folder`; `start` and `kill` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        if _account() is not None:
            shutil.chown(folder, ACCOUNT)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", self.folder, "-A", "trust", "-U", ACCOUNT, "-E", "UTF8", "-N")

    def start(self) -> None:
        # The machine isn't unplugged in tests, only the server is killed.
        self.process = subprocess.Popen(
            [program("postgres"), "-D", self.folder, "-p", str(self.port), "-h", "127.0.0.1"]
            # Shared memory among its files, so that a killed server leaves none behind.
            + ["-k", "", "-F", "-c", "max_connections=200"]
            + ["-c", "dynamic_shared_memory_type=mmap"],
            stderr=subprocess.DEVNULL,
            **_as_account(),
        )
        give_up = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                return
            except (pg8000.exceptions.InterfaceError, pg8000.exceptions.DatabaseError):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        """End the server as a power cut would: no process of it gets to say goodbye."""
        children = _children(self.process.pid)
        for pid in (self.process.pid, *children):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)

    def connect(self, database: str = "postgres") -> pg8000.native.Connection:
        return pg8000.native.Connection(
            ACCOUNT, host="127.0.0.1", port=self.port, database=database
        )

    def create(self, name: str) -> str:
        """Make a database without anything in it, and return its URL."""
        connection = self.connect()
        connection.run(f"DROP DATABASE IF EXISTS {name}")
        connection.run(f"CREATE DATABASE {name}")
        connection.close()
        return self._url(name)

    def emptied(self, name: str) -> str:
        """Empty all tables of a database but the one of its version, and return its URL."""
        connection = self.connect(name)
        connection.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        found = connection.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [table for (table,) in found if table != VERSION_TABLE]
        # The triggers that refuse this are not for whoever owns the server.
        connection.run("SET session_replication_role = replica")
        connection.run(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
        connection.close()
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://{ACCOUNT}@127.0.0.1:{self.port}/{name}"

    def _run(self, name: str, *arguments: object) -> None:
        subprocess.run(
            [program(name), *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            **_as_account(),
        )


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def _account() -> int | None:
    try:
        return pwd.getpwnam(ACCOUNT).pw_uid if os.geteuid() == 0 else None
    except KeyError:
        return None


def _as_account() -> dict[str, object]:
    return {"cwd": "/"} | ({"user": ACCOUNT, "group": ACCOUNT} if os.geteuid() == 0 else {})
