"""SQLite lets in one writer at a time: whose turn it is, and who shares a commit.

A commit waits for the disk, by far the longest part of a save. Writers that come while another
one is at work therefore go on in its transaction, each behind a savepoint of its own, and the
last of them commits for all. None returns before that commit: what was called saved is on the
disk, and soon in the file itself (`checkpoint`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from review_db.store.checkpoint import Checkpointer
from review_db.store.failures import LockTimeout
from review_db.store.sqlite_file import file_of

MOST_IN_ONE_COMMIT = 64
_LOOK_AGAIN_SECONDS = 0.05


class _Batch:
    """A transaction that several writers share."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.connection = engine.connect().execution_options(sqlite_begin="IMMEDIATE")
        try:
            self.transaction = self.connection.begin()
        except BaseException:
            self.connection.close()
            raise
        self.writers = 0
        self.error: BaseException | None = None
        self.finished = threading.Event()

    def was_undone(self) -> bool:
        """Whether SQLite gave up the whole transaction, as it does on a full disk."""
        return not self.connection.connection.in_transaction  # type: ignore[attr-defined]

    def finish(self, checkpointer: Checkpointer) -> None:
        try:
            if self.error is None:
                self.transaction.commit()
                checkpointer.committed(file_of(self.engine.url))
            else:
                self.transaction.rollback()
        except BaseException as error:
            self.error = self.error or error
        finally:
            self.connection.close()
            self.finished.set()


class Turns:
    """The queue of the writers of one process."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._batch: _Batch | None = None
        self._checkpointer = Checkpointer()

    def finish(self) -> None:
        """See to it that the files hold all that was committed, before the process ends."""
        self._checkpointer.finish()

    @contextmanager
    def take(self, engine: Engine, seconds: float) -> Iterator[Connection]:
        """Give a connection to write with; what was written is committed when this returns.

        Raises
        ------
        LockTimeout
            If it takes longer than `seconds` until it is this writer's turn.
        """
        self._wait_for_turn(seconds)
        try:
            batch = self._join(engine)
            try:
                with batch.connection.begin_nested():
                    yield batch.connection
                batch.writers += 1
            except BaseException as error:
                if batch.was_undone():
                    batch.error = error
                raise
            finally:
                last = self._waiting == 0 or batch.writers >= MOST_IN_ONE_COMMIT
                if last or batch.error is not None:
                    self._finish()
        finally:
            self._turn.release()
        self._wait_for_commit(batch)

    def _wait_for_turn(self, seconds: float) -> None:
        with self._count:
            self._waiting += 1
        got_it = self._turn.acquire(timeout=seconds)
        with self._count:
            self._waiting -= 1
        if not got_it:
            raise LockTimeout

    def _join(self, engine: Engine) -> _Batch:
        if self._batch is not None and self._batch.engine is not engine:
            self._finish()
        if self._batch is None:
            self._batch = _Batch(engine)
        return self._batch

    def _finish(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            batch.finish(self._checkpointer)

    def _wait_for_commit(self, batch: _Batch) -> None:
        while not batch.finished.wait(_LOOK_AGAIN_SECONDS):
            # Whoever was to come next, and to commit, may have given up waiting.
            if self._turn.acquire(blocking=False):
                try:
                    if self._batch is batch:
                        self._finish()
                finally:
                    self._turn.release()
        if batch.error is not None:
            raise batch.error
