"""Backups and restores while the app runs, and what they refuse."""

import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from review_db import Item, RatingsError, open_database, save_answer
from review_db.__main__ import main
from review_db.store import backup as backup_module
from review_db.store.backup import backup, restore
from review_db.store.database import reading
from review_db.store.migration import VERSION_TABLE
from review_db.store.postgresql_dump import dump

ROOT = Path(__file__).resolve().parents[3]


def rate(engine, number, prototype="p"):
    item = Item("demo", "f1", f"{prototype}{number % 40}", "rhythm", "AFIB")
    return save_answer(
        engine, reviewer=f"R{number % 7}", item=item, question="comment", value=str(number)
    )


def values(engine):
    with reading(engine) as connection:
        return [int(v) for v in connection.scalars(text("SELECT value FROM rating_event"))]


def values_in(file):
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [int(value) for (value,) in connection.execute("SELECT value FROM rating_event")]


@pytest.fixture
def rated(engine):
    for number in range(50):
        rate(engine, number)
    return engine


@pytest.fixture
def saved(tmp_path):
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "monday"


def damage(file, page, content=b"\xff"):
    with file.open("r+b") as opened:
        opened.seek(4096 * page)
        opened.write(content * (4096 // len(content)))


def test_what_was_backed_up_comes_back(rated, url, saved):
    backup(url, saved)
    for number in range(50, 80):
        rate(rated, number)
    kept = restore(url, saved)
    assert values(rated) == list(range(50))
    # The app that ran meanwhile goes on.
    assert rate(rated, 99)
    assert values(rated) == [*range(50), 99]
    restore(url, kept)
    assert values(rated) == list(range(80))


def test_a_backup_is_one_file_for_its_owner_alone(rated, url, saved, file):
    backup(url, saved)
    assert [found.name for found in saved.parent.iterdir()] == ["monday"]
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert values_in(saved) == list(range(50))


def test_a_dump_is_for_its_owner_alone(rated, url, saved):
    backup(url, saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_backup_under_way_is_of_one_moment_and_loses_no_answer_given_before(
    engine, url, saved, file
):
    given, stop = [], threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            rate(engine, number)
            given.append(number)
            number += 1

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        for n in range(5):
            before = list(given)
            backup(url, saved.with_name(f"{n}"))
            found = values_in(saved.with_name(f"{n}"))
            assert found == list(range(len(found)))
            assert found[: len(before)] == before
        stop.set()
        writing.result()


def test_answers_given_during_a_restore_are_before_or_after_it(rated, url, saved, file):
    backup(url, saved)
    stop = threading.Event()

    def write():
        number = 1000
        while not stop.is_set():
            rate(rated, number)
            number += 1
        return number

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        kept = [restore(url, saved) for _ in range(3)]
        stop.set()
        end = writing.result()
    after = values(rated)[50:]
    assert values(rated)[:50] == list(range(50))
    assert after == list(range(end - len(after), end))
    assert all(values_in(file)[:50] == list(range(50)) for file in kept)
    assert values_in(file) == values(rated)


def test_a_backup_is_never_written_over(rated, url, saved):
    saved.write_bytes(b"monday's")
    with pytest.raises(RatingsError, match="is there already"):
        backup(url, saved)
    assert saved.read_bytes() == b"monday's"


def test_a_backup_that_cannot_be_written_leaves_nothing(rated, url, tmp_path):
    with pytest.raises(RatingsError, match=r"cannot be written: No such file.*Name a file"):
        backup(url, Path("/proc/ratings"))


def test_a_database_that_is_not_there_has_no_backup(tmp_path, saved):
    with pytest.raises(RatingsError, match="There is no database of ratings"):
        backup(f"sqlite:///{tmp_path}/none.db", saved)
    assert not saved.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no backup at"),
        (b"", "is empty|holds no ratings|pg_restore failed"),
        (b"no backup at all\n" * 300, "is no SQLite database|pg_restore failed"),
    ],
)
def test_what_is_no_backup_is_not_restored(rated, url, saved, content, message):
    if content is not None:
        saved.write_bytes(content)
    with pytest.raises(RatingsError, match=message):
        restore(url, saved)
    assert values(rated) == list(range(50))


def test_a_damaged_backup_is_not_restored(rated, url, saved):
    backup(url, saved)
    size = saved.stat().st_size
    with saved.open("r+b") as opened:
        opened.truncate(size * 2 // 3)
    with pytest.raises(RatingsError, match="is damaged|pg_restore failed"):
        restore(url, saved)
    assert values(rated) == list(range(50))


def test_another_programs_file_is_not_restored(rated, url, saved, file):
    with closing(sqlite3.connect(saved)) as connection:
        connection.execute("CREATE TABLE patients (name TEXT)")
    with pytest.raises(RatingsError, match=f"{saved.name} is the database of another program"):
        restore(url, saved)
    assert values(rated) == list(range(50))


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER lost BEFORE INSERT ON rating_event BEGIN SELECT RAISE(IGNORE); END",
        "CREATE VIEW lost AS SELECT 1",
        "CREATE TABLE lost (name TEXT)",
        "DROP TABLE item_look",
        "DROP TRIGGER rating_event_no_update",
        "DROP VIEW current_rating; CREATE VIEW current_rating AS SELECT * FROM rating_event",
    ],
)
def test_a_backup_whose_schema_was_changed_is_not_restored(rated, url, saved, file, change):
    backup(url, saved)
    with closing(sqlite3.connect(saved)) as connection:
        connection.executescript(change)

    with pytest.raises(RatingsError, match=f"{saved.name} was changed by something else"):
        restore(url, saved)
    assert values(rated) == list(range(50))


def test_a_dump_with_another_programs_tables_is_not_restored(postgresql_server, saved):
    shared = postgresql_server.create("shared")
    open_database(shared).dispose()
    connection = postgresql_server.connect("shared")
    connection.run("CREATE TABLE patients (name TEXT)")
    connection.close()
    backup(shared, saved)
    with pytest.raises(RatingsError, match="tables of other programs as well: patients"):
        restore(shared, saved)


NEWER = f"UPDATE {VERSION_TABLE} SET version_num = '9999'"


def test_a_backup_of_a_newer_app_is_not_restored(rated, url, saved, file):
    backup(url, saved)
    with closing(sqlite3.connect(saved)) as connection:
        connection.execute(NEWER)
        connection.commit()
    with pytest.raises(RatingsError, match=f"{saved.name} was made by a newer version"):
        restore(url, saved)
    assert values(rated) == list(range(50))


def test_a_dump_of_a_newer_app_is_not_restored(postgresql_server, saved):
    newer = postgresql_server.create("newer")
    open_database(newer).dispose()
    connection = postgresql_server.connect("newer")
    connection.run(NEWER)
    connection.close()
    dump(make_url(newer), saved)
    with pytest.raises(RatingsError, match=f"{saved.name} was made by a newer version"):
        restore(postgresql_server.emptied("ratings"), saved)


def test_a_backup_with_a_log_beside_it_is_not_restored(rated, url, saved, file):
    with reading(rated) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM rating_event").scalar()
        rate(rated, 50)
        for end in ("", "-wal"):
            shutil.copyfile(f"{file}{end}", f"{saved}{end}")
    with pytest.raises(RatingsError, match="may be of another file.*backup WHOLE"):
        restore(url, saved)
    whole = saved.with_name("whole")
    backup(f"sqlite:///{saved}", whole)
    assert values_in(whole) == list(range(51))


# Says the number of each answer once it was saved, and keeps the log from being emptied.
KILLED = """
import itertools, sys
from review_db import Item, open_database, save_answer
from review_db.store.database import reading
engine = open_database(sys.argv[1])
with reading(engine) as connection:
    connection.exec_driver_sql("SELECT count(*) FROM rating_event").scalar()
    for number in itertools.count(int(sys.argv[2])):
        item = Item("demo", "f1", f"p{number % 40}", "rhythm", "AFIB")
        save_answer(
            engine, reviewer=f"R{number % 7}", item=item, question="comment", value=str(number)
        )
        print(number, flush=True)
"""


def killed_with_a_log(url, start, answers):
    # A checkpoint of what this process saved would empty the log of the one that is killed.
    for thread in threading.enumerate():
        if thread.name.startswith("checkpoint"):
            thread.join()
    command = [sys.executable, "-c", KILLED, url, str(start)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(answers):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        last = [int(line) for line in process.stdout]
    return last[-1] if last else start + answers - 1


def test_a_restore_over_a_killed_apps_file_keeps_what_was_in_its_log(rated, url, saved, file):
    backup(url, saved)
    rated.dispose()
    last = killed_with_a_log(url, 50, answers=30)
    assert Path(f"{file}-wal").stat().st_size
    kept = restore(url, saved)
    assert values_in(file) == list(range(50))
    assert values_in(kept)[: last + 1] == list(range(last + 1))
    engine = open_database(url)
    assert rate(engine, 99)
    engine.dispose()


def test_a_file_copied_over_a_killed_apps_beside_its_log_is_refused(rated, url, saved, file):
    backup(url, saved)
    for number in range(50, 400):
        rate(rated, number)
    rated.dispose()
    killed_with_a_log(url, 400, answers=30)
    log = Path(f"{file}-wal").read_bytes()
    shutil.copyfile(saved, file)
    with pytest.raises(RatingsError, match="do not go together.*move the log away"):
        open_database(url)
    # Nothing was changed, so that both ways out are open.
    assert (file.read_bytes(), Path(f"{file}-wal").read_bytes()) == (saved.read_bytes(), log)
    kept = restore(url, saved)
    assert values_in(file) == list(range(50))
    assert Path(f"{kept}-wal").read_bytes() == log


def test_an_old_log_never_mixes_with_a_restored_file_unseen(rated, url, saved, tmp_path, file):
    """Of many pairs of an older file and a younger log, each is refused or complete."""
    older = []
    for number in range(50, 250):
        rate(rated, number)
        if number % 5 == 0:
            older.append((number + 1, tmp_path / f"older{number}.db"))
            backup(url, older[-1][1])
    rated.dispose()
    last = killed_with_a_log(url, 250, answers=random.Random(1).randrange(5, 40))
    refused = 0
    for count, old in older:
        shutil.copyfile(f"{file}-wal", f"{old}-wal")
        try:
            engine = open_database(f"sqlite:///{old}")
        except RatingsError:
            refused += 1
            continue
        assert values(engine)[: last + 1] == list(range(last + 1)), count
        engine.dispose()
    assert refused


def test_what_was_there_is_kept_each_time_though_the_clock_stands_still(
    rated, url, saved, file, monkeypatch
):
    class Still(datetime):
        @classmethod
        def now(cls, zone):
            return datetime(2026, 1, 1, tzinfo=zone)

    monkeypatch.setattr(backup_module, "datetime", Still)
    backup(url, saved)
    kept = []
    for number in range(50, 53):
        rate(rated, number)
        kept.append(restore(url, saved))

    assert len(set(kept)) == 3
    assert [values_in(one)[-1] for one in kept] == [50, 51, 52]


def test_a_damaged_file_is_replaced_and_kept(rated, url, saved, file):
    backup(url, saved)
    damage(file, 2)
    broken = file.read_bytes()
    with pytest.raises(RatingsError, match="is damaged.*python -m review_db restore FILE"):
        open_database(url)
    kept = restore(url, saved)
    assert kept.read_bytes() == broken
    assert values_in(file) == list(range(50))
    with pytest.raises(RatingsError, match="start the app again"):
        rate(rated, 50)


def test_a_backup_of_a_damaged_database_is_not_made(rated, url, saved, file):
    rated.dispose()
    damage(file, 2)
    with pytest.raises(RatingsError, match="is damaged"):
        backup(url, saved)
    assert not saved.exists()


def test_the_command_line_backs_up_and_restores(rated, url, saved, capsys, tmp_path):
    assert main(["backup", str(saved), "--database", url]) == 0
    assert capsys.readouterr().out == f"{saved}: written and checked.\n"
    rate(rated, 50)
    assert main(["restore", str(saved), "--database", url]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"{saved}: restored and checked."
    assert printed[1].startswith("What was there before is kept in ")
    assert values(rated) == list(range(50))
    assert main(["backup", str(saved), "--database", url]) == 1
    assert "is there already" in capsys.readouterr().err


def test_a_restore_makes_a_file_that_is_not_there(rated, url, saved, tmp_path, file):
    backup(url, saved)
    new = tmp_path / "elsewhere" / "ratings.db"
    assert restore(f"sqlite:///{new}", saved) is None
    assert values_in(new) == list(range(50))
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
