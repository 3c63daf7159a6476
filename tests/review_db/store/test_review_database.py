import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event

from protoecg.storage import folders
from review_db import Item, RatingsError, answers, flush, open_database, save_answer
from review_db.store.backup import backup, restore
from review_db.store.failures import URL_VARIABLE
from review_db.store.migration import VERSION_TABLE
from review_db.store.schema import Base

ROOT = Path(__file__).resolve().parents[3]
ITEM = Item("demo", "f1", "rhythm-AFIB-1", "rhythm", "AFIB")


def rate(engine, value=3):
    return save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=value)


def tables(file):
    with sqlite3.connect(file) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


def test_the_file_and_its_folder_are_made_on_first_use(tmp_path):
    file = tmp_path / "new" / "folder" / "ratings.db"
    assert rate(open_database(f"sqlite:///{file}"))
    assert file.exists()


def test_a_migrated_database_is_what_the_declared_schema_says(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []


def test_opening_again_changes_nothing(url, file):
    rate(open_database(url))
    before = tables(file)
    assert not rate(open_database(url))
    assert tables(file) == before


def test_the_environment_names_the_database_unless_an_argument_does(tmp_path, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, f"sqlite:///{tmp_path}/environment.db")
    assert open_database().url.database == f"{tmp_path}/environment.db"
    assert open_database(f"sqlite:///{tmp_path}/a.db").url.database == f"{tmp_path}/a.db"


def test_the_default_is_a_file_of_the_project(tmp_path, monkeypatch):
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(folders, "project", lambda: tmp_path)
    assert open_database().url.database == str(tmp_path / "data" / "ratings.db")


def test_commits_reach_the_disk_and_readers_do_not_wait_for_writers(engine, file):
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def meet(barrier):
    global _barrier
    _barrier = barrier


def open_together(url):
    _barrier.wait(timeout=60)
    engine = open_database(url)
    return rate(engine, value=os.getpid() % 5 + 1)


def test_processes_that_open_a_fresh_database_at_once_all_succeed(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, spawn, meet, (spawn.Barrier(3),)) as pool:
        for round_ in range(5):
            list(pool.map(open_together, [f"sqlite:///{tmp_path}/{round_}.db"] * 3))
            with sqlite3.connect(tmp_path / f"{round_}.db") as connection:
                assert connection.execute(f"SELECT count(*) FROM {VERSION_TABLE}").fetchone() == (
                    1,
                )


def test_threads_that_open_a_fresh_database_at_once_all_succeed(url):
    with ThreadPoolExecutor(8) as pool:
        engines = list(pool.map(open_database, [url] * 8))
    assert [rate(engine, value=n % 5 + 1) for n, engine in enumerate(engines)] == [True] * 8


@pytest.mark.parametrize("content", [b"x", b"no database at all\n" * 100, bytes(range(256)) * 40])
def test_a_file_that_is_no_database_is_said(file, url, content):
    file.write_bytes(content)
    with pytest.raises(RatingsError, match="is no SQLite database"):
        open_database(url)
    assert file.read_bytes() == content


def test_a_damaged_database_is_said(engine, url, file):
    for value in range(1, 6):
        rate(engine, value)
    engine.dispose()
    content = bytearray(file.read_bytes())
    content[200:] = b"\xff" * (len(content) - 200)
    file.write_bytes(content)
    with pytest.raises(RatingsError, match="is damaged"):
        rate(open_database(url))


def test_the_database_of_another_program_is_left_alone(file, url):
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE patients (name TEXT)")
    before = tables(file)
    with pytest.raises(RatingsError, match="another program.*patients"):
        open_database(url)
    assert tables(file) == before


def test_a_database_of_a_newer_app_is_refused(engine, url, file):
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(RatingsError, match="newer version of this app.*9999"):
        open_database(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "'nonsense' is no database URL"),
        ("postgresql://u:secret@[::1", "The address given is no database URL"),
        ("mysql://server/ratings", "expected sqlite or postgresql"),
        ("sqlite://", "in memory would lose"),
        ("sqlite:////tmp", "is a folder"),
        ("sqlite:////proc/ratings/ratings.db", "cannot hold the ratings"),
    ],
)
def test_an_unusable_address_is_said(url, message):
    with pytest.raises(RatingsError, match=message):
        open_database(url)


@pytest.mark.parametrize("url", ["mysql://me:secret@server/r", "postgres:/me:secret@server/r"])
def test_a_password_is_never_said(url):
    with pytest.raises(RatingsError) as error:
        open_database(url)
    assert "secret" not in str(error.value)


def test_a_missing_database_is_not_made_where_it_is_only_read(file, url):
    with pytest.raises(RatingsError, match="There is no database of ratings"):
        open_database(url, create=False)
    assert not file.exists()


@pytest.fixture
def read_only_folder():
    """A folder that this process cannot write to, even where the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        was_root = os.geteuid() == 0
        if was_root:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if was_root:
                os.seteuid(0)
            os.chmod(folder, 0o755)


def test_a_read_only_folder_is_said(read_only_folder):
    for file in ("ratings.db", "new/ratings.db"):
        with pytest.raises(RatingsError, match="cannot hold the ratings: Permission denied"):
            open_database(f"sqlite:///{read_only_folder}/{file}")


def test_a_read_only_database_is_said(engine, url, file):
    engine.dispose()
    engine = open_database(url)
    limit(engine, "query_only = ON")
    with pytest.raises(RatingsError, match="may only be read"):
        rate(engine)


def limit(engine, pragma):
    """Make SQLite itself fail, as it does where the reason lies outside of it."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))


def test_a_full_disk_is_said_and_nothing_is_half_saved(engine, url, file):
    rate(engine)
    limit(engine, "max_page_count = 1")
    with pytest.raises(RatingsError, match="no space left"):
        for number in range(100):
            save_answer(
                engine, reviewer="R1", item=ITEM, question="comment", value=f"{number}" * 1000
            )
    assert not rate(open_database(url))


def test_a_locked_database_is_said_and_takes_ratings_afterwards(engine, file):
    limit(engine, "busy_timeout = 50")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RatingsError, match="is locked by another program"):
        rate(engine)
    other.execute("ROLLBACK")
    other.close()
    assert rate(engine)


def test_a_deleted_database_takes_no_ratings_that_nobody_could_read(engine, file):
    rate(engine)
    file.unlink()
    with pytest.raises(RatingsError, match="was deleted or replaced"):
        rate(engine, value=5)


def test_a_deleted_database_is_not_begun_anew_and_a_restore_is_gone_on_with(engine, url, file):
    rate(engine)
    backup(url, file.with_name("copy.db"))
    flush()
    for end in ("", "-wal", "-shm"):
        Path(f"{file}{end}").unlink(missing_ok=True)

    for tried in range(3):
        with pytest.raises(RatingsError, match="python -m review_db restore FILE"):
            rate(engine, value=tried + 1)
    with pytest.raises(RatingsError, match="was deleted or replaced"):
        answers(engine, reviewer="R1", bundle=ITEM.bundle, fingerprint=ITEM.fingerprint)
    assert not file.exists()

    restore(url, file.with_name("copy.db"))
    assert rate(engine, value=2)
    assert rate(open_database(url), value=3)
    with closing(sqlite3.connect(file)) as connection:
        kept = connection.execute("SELECT value FROM rating_event ORDER BY id").fetchall()
    assert [value for (value,) in kept] == ["3", "2", "3"]


def test_the_room_needs_no_model_and_no_page():
    modules = "sys, review_db, review_db.ratings.export, review_db.ratings.results"
    code = f"import {modules}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert not {name.split(".")[0] for name in loaded} & {"streamlit", "torch", "training"}
    # A second of the processor, which `--help` would wait for too.
    assert "scipy.stats" not in loaded
    # One rule for cells that a spreadsheet would run, one list of statements, one of folders, and
    # what a bundle says of its prototypes; nothing else of that room.
    shared = {"protoecg", "protoecg.storage", "protoecg.labels"}
    shared |= {f"protoecg.storage.{name}" for name in ("files", "folders", "spreadsheet")}
    shared |= {"protoecg.network", "protoecg.network.shape"}
    # Labels name leads, an ECG says when it was taken; settings are read in one place.
    shared |= {"protoecg.ecg", "protoecg.taken", "protoecg.wording", "protoecg.settings"}
    shared |= {f"protoecg.leads{name}" for name in ("", ".limb", ".names")}
    shared |= {f"protoecg.prototypes{name}" for name in ("", ".manifest", ".prototype")}
    assert {name for name in loaded if name.split(".")[0] == "protoecg"} <= shared


def test_a_first_start_waits_for_another_that_is_under_way(file, url):
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_database, url)
        with pytest.raises(TimeoutError):
            opening.result(timeout=0.3)
        other.execute("ROLLBACK")
        assert rate(opening.result(timeout=10))
    other.close()
