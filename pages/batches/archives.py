"""Archives of ECGs that are explained in the background, so that a reload loses nothing."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from posixpath import basename

import numpy as np
import pandas as pd
import streamlit as st

from pages.batches.strips import strip
from pages.shell.runs import Runs, runs
from protoecg import defects
from protoecg.batch.rows import THE_FILE
from protoecg.batch.run import run
from protoecg.batch.sources import Files, archive_files, recordings
from protoecg.batch.table import BatchError, read_rows
from protoecg.bundle import Bundle
from protoecg.ecg import ECG, ECGError
from protoecg.isolation import OF_A_BATCH, read_recording
from protoecg.isolation.turns import Turns
from protoecg.readers import Recording
from protoecg.readers.given import Given
from protoecg.storage.temporary import PrivateFolder

KEPT = 8
# So often one that waits for its turn looks whether it was stopped.
LOOK_EVERY_S = 1.0
# An ECG waits no longer than this for pages, lest a busy server never ends a batch.
MAX_GIVE_WAY_S = 1.0
KEPT_BYTES = 600_000_000
# The archive's own name may be a patient's, so sentences about it name it so.
UPLOAD = "The upload"
FULL = "Too many batches are under way on this server. Try again when one of them has ended."


class Batch:
    """The ECGs of an uploaded archive, explained one by one by one bundle.

    The archive stays in memory; the rows lie in a temporary folder that goes with the batch.

    Parameters
    ----------
    content : of the ZIP archive
    given : what files do not say themselves
    turns : taken for each ECG, so that batches go on by turns and leave a core to the pages
    pages : those being made, which go before the next ECG

    Raises
    ------
    ECGError
        If the archive cannot be used.
    """

    def __init__(
        self, content: bytes, bundle: Bundle, given: Given, turns: Turns, pages: Runs
    ) -> None:
        self.bundle, self.size = bundle, len(content)
        self.done, self.total = 0, 0
        self.problem = ""
        self._files: Files = archive_files(content, UPLOAD)
        self._given, self._turns, self._pages = given, turns, pages
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._folder = PrivateFolder()
        self._strips: dict[str, np.ndarray] = {}

    @property
    def running(self) -> bool:
        """Whether it is being explained."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def waiting(self) -> bool:
        """Whether nothing is known of it yet."""
        return self.running and not self.total

    @property
    def complete(self) -> bool:
        """Whether every ECG has a row."""
        return 0 < self.total == self.done

    @property
    def _rows(self) -> Path:
        return self._folder.path / "findings.csv"

    def start(self) -> None:
        """Begin, or go on with the ECGs that have no row."""
        if not self.running:
            self.problem = ""
            self._stop.clear()
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop after the ECG that is being explained; its rows stay."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Stop, and delete the rows and the archive; a page may still hold the batch itself."""
        self.stop()
        self._folder.close()
        self._files = Files((), _removed)
        self._strips.clear()

    def csv(self) -> bytes:
        """Return the rows as CSV; empty before the first."""
        try:
            return self._rows.read_bytes()
        # Not begun, or removed by another session meanwhile.
        except FileNotFoundError:
            return b""

    def parquet(self) -> bytes:
        """Return the rows as Parquet."""
        written = BytesIO()
        self.table().to_parquet(written, engine="pyarrow", index=False)
        return written.getvalue()

    def table(self) -> pd.DataFrame:
        """Return the rows; none, without columns, before the first."""
        written = self.csv()
        return read_rows(written) if b"\n" in written else pd.DataFrame()

    def strips(self, rows: Iterable[int]) -> list[np.ndarray | None]:
        """Return rows' strips as `pages.batches.strips` draws them; None of what is not read."""
        names = list(recordings(self._files))
        return [self._strips.get(names[row]) for row in rows]

    def recording(self, row: int, *, named: bool = True) -> Recording:
        """Return the recording of a row, 0 the first.

        Parameters
        ----------
        named : whether it keeps the name of its file, which may tell whose ECG it is

        Raises
        ------
        ECGError
            If it cannot be read.
        """
        name, parts = list(recordings(self._files).items())[row]
        files = {part: self._files.read(part) for part in parts}
        recording = read_recording(files, source=THE_FILE, limits=OF_A_BATCH, **self._given.options)
        if not recording.is_long:
            recording.ecg()
        return replace(recording, source=basename(name) if named else f"ECG {row + 1} of a batch")

    def _keep_strip(self, name: str, ecg: ECG) -> None:
        self._strips[name] = strip(ecg)

    def _work(self) -> None:
        try:
            self._explain_all()
        except (BatchError, ECGError, OSError) as error:
            self.problem = str(error)
        # The thread has nobody else to tell.
        except Exception as error:
            number = defects.report(error, "explaining a batch")
            self.problem = f"The run ended by a defect; report the number {number}."

    def _explain_all(self) -> None:
        steps = run(
            self._files, self.bundle, self._rows, given=self._given, on_read=self._keep_strip
        )
        with closing(steps):
            while (step := self._next(steps)) is not None:
                self.done, self.total = step

    def _next(self, steps: Iterator[tuple[int, int]]) -> tuple[int, int] | None:
        """Explain the next ECG at this batch's turn; None at the end, or once it is stopped."""
        while not self._stop.is_set():
            try:
                with self._turns.one(LOOK_EVERY_S):
                    self._pages.let_pass(MAX_GIVE_WAY_S, self._stop)
                    return next(steps, None)
            except TimeoutError:
                continue
        return None


def _removed(_: str) -> bytes:
    raise ECGError("The batch was removed. Upload the archive again.")


class Batches:
    """The batches begun last, each under a token that cannot be guessed."""

    def __init__(self, pages: Runs, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._pages, self._kept, self._kept_bytes = pages, kept, kept_bytes
        self._by_token: OrderedDict[str, Batch] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = Turns(1)

    def begin(self, content: bytes, bundle: Bundle, given: Given) -> str:
        """Begin with an archive and return its token; what ended longest ago makes room.

        Raises
        ------
        ECGError
            If the archive cannot be used, or no batch has ended that could make room.
        """
        batch = Batch(content, bundle, given, self._turns, self._pages)
        with self._lock:
            self._make_room(batch.size)
            token = secrets.token_urlsafe(16)
            self._by_token[token] = batch
        batch.start()
        return token

    def get(self, token: str) -> Batch | None:
        """Return the batch of a token, or None if it is not kept any more."""
        return self._by_token.get(token)

    def remove(self, token: str) -> None:
        """Delete a batch with all that it found."""
        with self._lock:
            batch = self._by_token.pop(token, None)
        if batch is not None:
            batch.close()

    def close(self) -> None:
        """Delete all, as the server ends."""
        for token in list(self._by_token):
            self.remove(token)

    def _make_room(self, size: int) -> None:
        while self._is_too_full(size):
            ended = next((t for t, batch in self._by_token.items() if not batch.running), None)
            if ended is None:
                raise ECGError(FULL)
            self._by_token.pop(ended).close()

    def _is_too_full(self, size: int) -> bool:
        sizes = [batch.size for batch in self._by_token.values()]
        return bool(sizes) and (len(sizes) >= self._kept or sum(sizes) + size > self._kept_bytes)


@st.cache_resource
def batches() -> Batches:
    """Return the store that all sessions share; a token opens one batch only."""
    return Batches(runs())
