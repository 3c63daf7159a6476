import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from review_db import Item, answers, open_database, save_answer

ROOT = Path(__file__).resolve().parents[3]
ITEM = Item("demo", "f1", "rhythm-AFIB-1", "rhythm", "AFIB")
# Says the number of each comment as soon as it was saved.
WRITER = """
import itertools, sys
from review_db import Item, open_database, save_answer
engine = open_database(sys.argv[1])
item = Item("demo", "f1", "rhythm-AFIB-1", "rhythm", "AFIB")
for number in itertools.count(int(sys.argv[3])):
    if number == int(sys.argv[4]):
        break
    save_answer(engine, reviewer=sys.argv[2], item=item, question="comment", value=str(number))
    print(number, flush=True)
"""


def writer(url, reviewer, start, end=-1):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, reviewer, str(start), str(end)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def comments(file, reviewer="R1"):
    with sqlite3.connect(file) as connection:
        query = "SELECT value FROM rating_event WHERE reviewer = ? ORDER BY id"
        return [int(value) for (value,) in connection.execute(query, (reviewer,))]


@pytest.fixture
def file_with_events(engine, file):
    for value in (1, 2):
        save_answer(engine, reviewer="R1", item=ITEM, question="clarity", value=value)
    return file


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rating_event SET value = '5'",
        "UPDATE rating_event SET reviewer = 'R2' WHERE id = 1",
        "DELETE FROM rating_event",
        "DELETE FROM rating_event WHERE id = 2",
        "REPLACE INTO rating_event SELECT 1, at, 'R2', bundle, fingerprint, branch, statement, "
        "prototype, question, value, app_version, codebook_version, chain "
        "FROM rating_event WHERE id = 2",
        "INSERT INTO rating_event SELECT * FROM rating_event WHERE true "
        "ON CONFLICT (id) DO UPDATE SET value = '5'",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_event(file_with_events, statement):
    with sqlite3.connect(file_with_events) as connection:
        before = connection.execute("SELECT * FROM rating_event").fetchall()
        assert len(before) == 2
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
        assert connection.execute("SELECT * FROM rating_event").fetchall() == before


def test_no_acknowledged_save_is_lost_when_its_writer_is_killed(file, url):
    acknowledged = []
    for round_ in range(3):
        with writer(url, "R1", start=1000 * round_) as process:
            acknowledged += [int(process.stdout.readline()) for _ in range(20 + 7 * round_)]
            process.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in process.stdout]
        assert process.returncode == -signal.SIGKILL
        found = comments(file)
        assert set(acknowledged) <= set(found)
        assert len(found) <= len(acknowledged) + round_ + 1
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    engine = open_database(url)
    assert save_answer(engine, reviewer="R1", item=ITEM, question="comment", value="after")
    now = answers(engine, reviewer="R1", bundle="demo", fingerprint="f1")
    assert now == {ITEM.prototype: {"comment": "after"}}


def test_writers_in_many_threads_and_processes_lose_nothing(engine, file, url):
    def write(reviewer):
        for number in range(40):
            save_answer(engine, reviewer=reviewer, item=ITEM, question="comment", value=str(number))

    processes = {f"P{n}": writer(url, f"P{n}", start=0, end=40) for n in range(3)}
    threads = [f"T{n}" for n in range(8)]
    for process in processes.values():
        process.stdout.readline()
    with ThreadPoolExecutor(len(threads)) as pool:
        list(pool.map(write, threads))
    for process in processes.values():
        process.communicate()
        assert process.returncode == 0
    for reviewer in (*processes, *threads):
        assert comments(file, reviewer) == list(range(40))
