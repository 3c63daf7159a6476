"""The queue of writers: SQLite lets in one at a time, and those who wait share a commit.

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


class _SharedTransaction:
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


class WriteQueue:
    """The queue of the writers of one process."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._counting = threading.Lock()
        self._queued = 0
        self._shared: _SharedTransaction | None = None
        self._checkpointer = Checkpointer()

    def finish(self) -> None:
        """See to it that the files hold all that was committed, before the process ends."""
        self._checkpointer.finish()

    @contextmanager
    def transaction(self, engine: Engine, seconds: float) -> Iterator[Connection]:
        """Give a connection to write with; what was written is committed when this returns.

        Raises
        ------
        LockTimeout
            If it takes longer than `seconds` until it is this writer's turn.
        """
        self._wait_for_turn(seconds)
        try:
            shared = self._join(engine)
            try:
                with shared.connection.begin_nested():
                    yield shared.connection
                shared.writers += 1
            except BaseException as error:
                if shared.was_undone():
                    shared.error = error
                raise
            finally:
                last = self._queued == 0 or shared.writers >= MOST_IN_ONE_COMMIT
                if last or shared.error is not None:
                    self._finish()
        finally:
            self._writing.release()
        self._wait_for_commit(shared)

    def _wait_for_turn(self, seconds: float) -> None:
        with self._counting:
            self._queued += 1
        got_it = self._writing.acquire(timeout=seconds)
        with self._counting:
            self._queued -= 1
        if not got_it:
            raise LockTimeout

    def _join(self, engine: Engine) -> _SharedTransaction:
        if self._shared is not None and self._shared.engine is not engine:
            self._finish()
        if self._shared is None:
            self._shared = _SharedTransaction(engine)
        return self._shared

    def _finish(self) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.finish(self._checkpointer)

    def _wait_for_commit(self, shared: _SharedTransaction) -> None:
        while not shared.finished.wait(_LOOK_AGAIN_SECONDS):
            # Whoever was to come next, and to commit, may have given up waiting.
            if self._writing.acquire(blocking=False):
                try:
                    if self._shared is shared:
                        self._finish()
                finally:
                    self._writing.release()
        if shared.error is not None:
            raise shared.error
