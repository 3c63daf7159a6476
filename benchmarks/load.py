"""How long people wait for an explanation while large batches run on the same server.

Each person uploads an ECG to Explain, waits until the page that shows it has been sent, looks at
it for a while, and uploads the next. Meanwhile two others have archives explained on Batch, one
after the other, and watch. All speak to the server as a browser does but draw nothing, as each
person's browser does that on a machine of its own.
"""

from __future__ import annotations

import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.app_server import app_server
from benchmarks.visitor import Visitor
from protoecg.ecg import LEADS
from protoecg.simulate import CODES, simulate

PEOPLE = 8
ARCHIVES, ECGS = 2, 500
LOOK_S = 12.0
LOOK_EVERY_S = 1.0
RATE = 500


def measure(minutes: float) -> tuple[pd.DataFrame, list[int]]:
    """Let people explain while batches run.

    Returns
    -------
    waits : `person`, `begun_s`, `wait_ms` of each upload but everybody's first
    explained : ECGs of each archive meanwhile, which is begun again once it is done
    """
    ended, archives = threading.Event(), [_archive(number) for number in range(ARCHIVES)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(ARCHIVES) as pool:
        url = f"sqlite:///{folder}/ratings.db"
        with app_server(url, Path(folder)) as address:
            batches = [pool.submit(_batches, address, one, ended) for one in archives]
            try:
                waits = _people(address, 60 * minutes)
            finally:
                ended.set()
            explained = [one.result() for one in batches]
    return waits, explained


def _people(address: str, seconds: float) -> pd.DataFrame:
    explain = partial(_explain, address, time.perf_counter(), seconds)
    with ThreadPoolExecutor(PEOPLE) as pool:
        rows = [row for rows in pool.map(explain, range(PEOPLE)) for row in rows]
    return pd.DataFrame(rows, columns=["person", "begun_s", "wait_ms"])


def _archive(number: int) -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        for n in range(ECGS):
            written.writestr(f"{n:04}.npz", _ecg(number * ECGS + n))
    return archive.getvalue()


def _batches(address: str, archive: bytes, ended: threading.Event) -> int:
    """Have an archive explained, again once it is, and return of how many ECGs that was."""
    explained = 0
    while not ended.is_set():
        visitor = Visitor(address, "batch")
        visitor.open()
        visitor.begin("ecgs.zip", archive)
        progress = visitor.progress()
        while visitor.is_renewed and not ended.wait(LOOK_EVERY_S):
            progress = visitor.progress()
        visitor.close()
        done = progress.split()[0] if visitor.is_renewed else str(ECGS)
        # One that waits for its turn says no number.
        explained += int(done) if done.isdigit() else 0
    return explained


def _explain(
    address: str, begun: float, seconds: float, person: int
) -> list[tuple[int, float, float]]:
    time.sleep(LOOK_S * person / PEOPLE)
    rows: list[tuple[int, float, float]] = []
    while time.perf_counter() - begun < seconds:
        visitor = Visitor(address, "explain")
        visitor.open()
        content = _ecg(10_000 * (person + 1) + len(rows))
        sent = time.perf_counter()
        visitor.explain("ecg.npz", content)
        rows.append((person, sent - begun, 1000 * (time.perf_counter() - sent)))
        time.sleep(LOOK_S)
        visitor.close()
    # The first of each meets code that has not run yet.
    return rows[1:]


def _ecg(seed: int) -> bytes:
    ecg = simulate([CODES[seed % len(CODES)]], seed=seed, rate=RATE).ecg
    written = BytesIO()
    np.savez(written, signal=ecg.signal, leads=np.array(LEADS), rate=ecg.rate)
    return written.getvalue()
