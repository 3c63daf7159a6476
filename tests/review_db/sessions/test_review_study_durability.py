import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event, text

from review_db import RatingsError, open_database
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import Conflict, open_item, save_draft, save_item
from review_db.store import database
from review_db.store.database import reading, writing
from review_db.studies.design import Controls, Design, Sample
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import seat_of

ROOT = Path(__file__).resolve().parents[3]
FIFTY = tuple(f"R{n:02d}" for n in range(50))
DESIGN = Design("pilot", ("R01",), 1, practice=0, repeats=0.0, summaries=False, sample=Sample())
GOOD = {"accurate": "yes", "representativeness": "4", "clarity": "5"}
# Says the number of each comment as soon as the sheet with it was saved.
WRITER = """
import itertools, sys
from review_db import open_database
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import open_item, save_item
from review_db.studies.seats import seat_of
engine = open_database(sys.argv[1])
seat = seat_of(engine, "pilot", "R01")
answers = {"accurate": "yes", "representativeness": "4", "clarity": "5"}
seen = open_item(engine, seat, ItemStage(1)).revision
for number in itertools.count(int(sys.argv[2])):
    more = {"comment": str(number), "clarity": str(number % 5 + 1)}
    seen = save_item(engine, seat, ItemStage(1), {**answers, **more}, seen=seen)
    print(number, flush=True)
"""


@pytest.fixture
def begun(engine, material):
    """A study of prototypes alone, which has started."""

    def begin(**more):
        bare = replace(material, matches=(), pairs=(), readings=())
        create_study(engine, replace(DESIGN, **more), bare)
        start_study(engine, "pilot")
        return seat_of(engine, "pilot", "R01")

    return begin


def saved_comments(engine):
    query = "SELECT revision, question, new_value FROM item_event WHERE study = 'pilot' ORDER BY id"
    with reading(engine) as connection:
        rows = connection.execute(text(query)).all()
    saves = {}
    for revision, question, value in rows:
        saves.setdefault(revision, {})[question] = value
    return saves


def bare_commit_seconds(folder):
    """How long this machine takes, right now, to get one row onto its disk."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (n)")
    taken = []
    for n in range(20):
        start = time.perf_counter()
        connection.execute("INSERT INTO t VALUES (?)", (n,))
        taken.append(time.perf_counter() - start)
    connection.close()
    return max(taken)


def review_at_once(engine, items, pause_s):
    """Let each of fifty reviewers save some items; returns how long each save took, seconds."""
    start, taken = threading.Barrier(len(FIFTY)), []

    def review(reviewer):
        seat, chance = seat_of(engine, "pilot", reviewer), random.Random(reviewer)
        start.wait()
        for position in range(1, items + 1):
            time.sleep(chance.uniform(0, pause_s))
            began = time.perf_counter()
            save_item(engine, seat, ItemStage(position), GOOD, seen=0)
            taken.append(time.perf_counter() - began)

    with ThreadPoolExecutor(len(FIFTY)) as pool:
        list(pool.map(review, FIFTY))
    return taken


def test_fifty_reviewers_saving_at_once_lose_nothing_and_see_no_error(engine, begun):
    begun(reviewers=FIFTY)
    review_at_once(engine, items=1, pause_s=0)
    with reading(engine) as connection:
        rows = connection.execute(
            text("SELECT reviewer, position, question, new_value FROM item_event")
        ).all()
    assert sorted(tuple(row) for row in rows) == sorted(
        (reviewer, 1, question, value) for reviewer in FIFTY for question, value in GOOD.items()
    )


@pytest.mark.alone
def test_a_save_among_fifty_reviewers_is_quick(engine, file, begun, tmp_path):
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    if load > 1:
        pytest.skip(f"{load:.1f} processes want each core: times say nothing of the app now")
    begun(reviewers=FIFTY)
    # Some twenty-five saves a second: ten times as many as fifty people make.
    taken = review_at_once(engine, items=3, pause_s=4)
    # Where the disk is slow, each save waits for the commit before its own as well.
    assert np.quantile(taken, 0.99) < max(0.1, 4 * bare_commit_seconds(tmp_path))


def test_a_sheet_is_saved_whole_or_not_at_all_when_its_writer_is_killed(url, engine, begun):
    seat = begun()
    acknowledged = []
    for round_ in range(2):
        arguments = [sys.executable, "-c", WRITER, url, str(1000 * round_)]
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        with process:
            acknowledged += [int(process.stdout.readline()) for _ in range(10 + 7 * round_)]
            process.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in process.stdout]
        assert process.returncode == -signal.SIGKILL
        saves = saved_comments(engine)
        found = [int(save["comment"]) for save in saves.values()]
        assert set(acknowledged) <= set(found)
        assert len(found) <= len(acknowledged) + round_ + 1
        for save in saves.values():
            # Of one save either all is there, or nothing is.
            assert {"comment", "clarity"} <= set(save)
    item = open_item(engine, seat, ItemStage(1))
    assert save_item(engine, seat, ItemStage(1), GOOD, seen=item.revision) == item.revision + 1


def test_a_draft_outlives_the_app_that_kept_it(url, engine, begun):
    seat = begun()
    seen = save_draft(engine, seat, ItemStage(1), {"clarity": "3"}, seen=0, seconds=5)
    engine.dispose()
    fresh = open_database(url)
    item = open_item(fresh, seat, ItemStage(1))
    assert (item.draft, item.revision) == ({"clarity": "3"}, seen)
    fresh.dispose()


def test_killing_postgresql_in_the_middle_loses_nothing_that_was_saved(postgresql_server, material):
    engine = open_database(postgresql_server.emptied("ratings"))
    bare = replace(material, matches=(), pairs=(), readings=())
    create_study(engine, DESIGN, bare)
    start_study(engine, "pilot")
    seat, saved, seen = seat_of(engine, "pilot", "R01"), [], 0
    killer = threading.Timer(0.5, postgresql_server.kill)
    killer.start()
    with pytest.raises(RatingsError, match="cannot be used"):
        for number in range(100_000):
            answers = {**GOOD, "comment": str(number)}
            seen = save_item(engine, seat, ItemStage(1), answers, seen=seen)
            saved.append(number)
    killer.join()
    with pytest.raises(RatingsError, match="cannot be used") as caught:
        open_item(engine, seat, ItemStage(1))
    assert str(engine.url.port) not in str(caught.value)
    assert str(engine.url.host) not in str(caught.value)
    postgresql_server.start()
    found = [int(save["comment"]) for save in saved_comments(engine).values()]
    assert saved
    assert found[: len(saved)] == saved
    assert len(found) <= len(saved) + 1
    item = open_item(engine, seat, ItemStage(1))
    assert save_item(engine, seat, ItemStage(1), {**GOOD, "comment": "after"}, seen=item.revision)
    engine.dispose()


def set_up(engine, pragma):
    """Make SQLite itself fail, as it does where the reason lies outside of it."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))


def test_a_locked_database_is_said_and_takes_the_answers_afterwards(engine, file, begun):
    seat = begun()
    set_up(engine, "busy_timeout = 50")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for save in (save_item, save_draft):
        with pytest.raises(RatingsError, match="is locked by another program: nothing was saved"):
            save(engine, seat, ItemStage(1), GOOD, seen=0)
    other.execute("ROLLBACK")
    other.close()
    assert open_item(engine, seat, ItemStage(1)).saved == {}
    save_item(engine, seat, ItemStage(1), GOOD, seen=0)
    assert open_item(engine, seat, ItemStage(1)).saved == GOOD


def test_a_full_disk_is_said_to_each_whose_answers_it_took(engine, file, url, begun):
    begun(reviewers=FIFTY[:8])
    set_up(engine, "max_page_count = 1")
    start, saved, refused = threading.Barrier(8), [], []

    def review(reviewer):
        seat, seen = seat_of(engine, "pilot", reviewer), 0
        start.wait()
        for number in range(40):
            answers = {**GOOD, "comment": f"{number} " * 300}
            try:
                seen = save_item(engine, seat, ItemStage(1), answers, seen=seen)
                saved.append((reviewer, seen))
            except RatingsError as error:
                refused.append(str(error))
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(review, FIFTY[:8]))
    assert len(refused) == 8
    assert all("no space left on its disk: nothing was saved" in message for message in refused)
    fresh = open_database(url)
    with reading(fresh) as connection:
        rows = connection.execute(text("SELECT DISTINCT reviewer, revision FROM item_event")).all()
    assert {tuple(row) for row in rows} == set(saved)
    first = open_item(fresh, seat_of(fresh, "pilot", "R00"), ItemStage(1))
    assert first.saved.keys() <= {*GOOD, "comment"}
    fresh.dispose()


def commits(engine):
    """Count the commits from now on."""
    counted = []
    event.listen(engine, "commit", lambda _: counted.append(1))
    return counted


def test_writers_who_wait_for_the_same_turn_share_a_commit(engine, file, begun):
    begun(reviewers=FIFTY)
    counted = commits(engine)
    entered = threading.Event()

    def hold():
        with writing(engine, lock="x"):
            entered.set()
            time.sleep(0.5)

    def review(reviewer):
        seat = seat_of(engine, "pilot", reviewer)
        entered.wait()
        save_item(engine, seat, ItemStage(1), GOOD, seen=0)

    with ThreadPoolExecutor(21) as pool:
        held = pool.submit(hold)
        list(pool.map(review, FIFTY[:20]))
        held.result()
    assert len(counted) < 10


def test_a_writer_who_fails_takes_nobody_along(engine, begun):
    begun(reviewers=FIFTY)
    for reviewer in FIFTY[:10]:
        save_item(engine, seat_of(engine, "pilot", reviewer), ItemStage(1), GOOD, seen=0)
    start = threading.Barrier(20)

    def review(reviewer):
        seat, answers = seat_of(engine, "pilot", reviewer), {**GOOD, "clarity": "1"}
        start.wait()
        try:
            save_item(engine, seat, ItemStage(1), answers, seen=0)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(review, FIFTY[:20]))
    assert done == [False] * 10 + [True] * 10
    clarity = [
        open_item(engine, seat_of(engine, "pilot", reviewer), ItemStage(1)).saved["clarity"]
        for reviewer in FIFTY[:20]
    ]
    assert clarity == ["5"] * 10 + ["1"] * 10


def test_a_writer_waits_no_longer_than_it_says(engine, file, begun, monkeypatch):
    seat = begun()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with writing(engine, lock="x"):
            entered.set()
            leave.wait()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        entered.wait()
        with pytest.raises(RatingsError, match="is locked"):
            save_item(engine, seat, ItemStage(1), GOOD, seen=0)
        leave.set()
        held.result()
    assert save_item(engine, seat, ItemStage(1), GOOD, seen=0) == 1


def test_no_repeats_and_no_controls_is_a_study_as_well(engine, begun):
    seat = begun(controls=Controls(), sample=Sample(size=1))
    assert open_item(engine, seat, ItemStage(1)).total == 1
