"""The file alone is the ratings: a copy of it holds all that was acknowledged."""

import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from review_db import Item, flush, open_database, save_answer
from review_db.store.database import reading
from review_db.store.sqlite_file import has_log

ROOT = Path(__file__).resolve().parents[3]
ITEM = Item("demo", "f1", "rhythm-AFIB-1", "rhythm", "AFIB")
SECONDS_LATER = 3
# Several people at one server; says who has saved what as soon as they are told so.
WRITERS = """
import itertools, random, sys, threading, time
from review_db import Item, open_database, save_answer
engine = open_database(sys.argv[1])
item = Item("demo", "f1", "rhythm-AFIB-1", "rhythm", "AFIB")

def review(reviewer):
    pause = random.Random(reviewer)
    for number in itertools.count():
        save_answer(engine, reviewer=reviewer, item=item, question="comment", value=str(number))
        sys.stdout.write(f"{reviewer} {number}\\n")
        sys.stdout.flush()
        time.sleep(pause.uniform(0.01, float(sys.argv[2])))

for n in range(8):
    threading.Thread(target=review, args=[f"R{n}"], daemon=True).start()
threading.Event().wait()
"""


@pytest.fixture
def writers(url, engine, tmp_path):
    """Eight people who save at one server, and a function that returns what was acknowledged."""
    file = tmp_path / "acknowledged"
    with file.open("w") as out:
        command = [sys.executable, "-c", WRITERS, url, "0.4"]
        # Whatever runs in the background inherits that this signal is ignored.
        heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, preexec_fn=heeds)

    def acknowledged():
        return {tuple(line.split()) for line in file.read_text().splitlines()}

    try:
        yield process, acknowledged
    finally:
        process.kill()
        process.wait()


def rows(file):
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return set(connection.execute("SELECT reviewer, value FROM rating_event"))


def copied(file, to):
    """Copy the file alone, and anew where it was written to meanwhile."""
    while True:
        before = file.stat()
        shutil.copyfile(file, to)
        after = file.stat()
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            return to


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_copy_of_the_file_alone_holds_all_that_was_acknowledged_seconds_ago(
    writers, file, tmp_path
):
    _, acknowledged = writers
    wait_for(lambda: len(acknowledged()) > 20)
    for n in range(5):
        before = acknowledged()
        time.sleep(SECONDS_LATER)
        assert before <= rows(copied(file, tmp_path / f"copy{n}.db"))


def test_the_file_is_whole_at_once_where_the_server_asks_for_it(engine, file, tmp_path):
    save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=3)
    flush()
    assert rows(shutil.copyfile(file, tmp_path / "copy.db")) == {("R1", "3")}


def test_a_save_is_saved_where_no_thread_is_to_be_had(engine, file, tmp_path, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=3)
    assert save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=4)
    wait_for(lambda: not has_log(file), seconds=10)
    assert rows(shutil.copyfile(file, tmp_path / "copy.db")) == {("R1", "3"), ("R1", "4")}


def test_the_end_of_the_process_makes_the_file_whole(file, url, tmp_path):
    code = WRITERS.replace("threading.Event().wait()", "time.sleep(1)")
    subprocess.run([sys.executable, "-c", code, url, "0.1"], cwd=ROOT, check=True)
    assert len(rows(shutil.copyfile(file, tmp_path / "copy.db"))) > 8


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_file_holds_all_once_it_was_opened_after_any_end(writers, file, url, tmp_path, how):
    process, acknowledged = writers
    wait_for(lambda: len(acknowledged()) > 20)
    process.send_signal(how)
    process.wait(timeout=30)
    open_database(url).dispose()
    assert acknowledged() <= rows(shutil.copyfile(file, tmp_path / "copy.db"))


def test_whoever_reads_an_earlier_state_delays_it_but_for_seconds(engine, file, tmp_path):
    with reading(engine) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM rating_event").scalar()
        assert save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=3)
        assert has_log(file)
    wait_for(lambda: not has_log(file), seconds=10)
    assert rows(shutil.copyfile(file, tmp_path / "copy.db")) == {("R1", "3")}


def test_what_a_killed_server_left_in_the_log_is_in_the_file_once_it_was_opened(
    engine, url, file, tmp_path
):
    killed = tmp_path / "killed"
    killed.mkdir()
    with reading(engine) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM rating_event").scalar()
        save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=3)
        for end in ("", "-wal"):
            shutil.copyfile(f"{file}{end}", killed / f"ratings.db{end}")
    assert has_log(killed / "ratings.db")
    open_database(f"sqlite:///{killed}/ratings.db").dispose()
    assert not has_log(killed / "ratings.db")
    assert rows(shutil.copyfile(killed / "ratings.db", tmp_path / "copy.db")) == {("R1", "3")}


def test_the_ratings_are_for_their_owner_alone(tmp_path):
    folder = tmp_path / "new"
    engine = open_database(f"sqlite:///{folder}/ratings.db")
    save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=3)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    engine.dispose()
    assert {"ratings.db", "ratings.db-wal", "ratings.db-shm"} == set(modes)
    assert set(modes.values()) == {0o600}
