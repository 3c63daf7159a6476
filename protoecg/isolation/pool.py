"""Recordings read in processes of their own: few at once, and no answer is believed unchecked."""

from __future__ import annotations

import datetime
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from protoecg.ecg import LEADS, ECGError
from protoecg.isolation import wire
from protoecg.isolation.limits import Limits
from protoecg.isolation.server import Server
from protoecg.isolation.turns import Turns
from protoecg.leads.names import OTHER_LEADS
from protoecg.readers.given import MAX_LEADS, NOTHING, Given, IncompleteFileError
from protoecg.readers.recording import Recording
from protoecg.storage.temporary import remove_leftovers
from protoecg.taken import Taken

MAX_ANSWER = 100_000_000
MAX_WAIT_S = 60.0
# The server ends what is late; if nothing comes so long after, it is the server that hangs.
_GRACE_S = 5.0
_ATTEMPTS = 2

_BUSY = "Too many files are being read at once. Try again in a minute."
_OUT_OF_ORDER = (
    "Files cannot be read at the moment, which is no fault of this one. Try again in a minute; if "
    "it stays so, tell whoever runs this program."
)
_WHY = {
    "time": "takes more time to read than an ECG should",
    "crash": "breaks the program that reads it or takes more memory than an ECG should",
}

_log = logging.getLogger(__name__)

_Text = Annotated[str, Field(max_length=4000)]
_OtherLead = Annotated[str, Field(pattern=f"^({'|'.join(OTHER_LEADS)})$")]


class _Asks(BaseModel):
    """What the file lacks, as it is guessed."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    rate: FiniteFloat | None
    unit: Annotated[str, Field(max_length=20)]
    leads: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=MAX_LEADS)]
    exam: Annotated[str, Field(max_length=20)]


class _Taken(BaseModel):
    """When it begins, and of whom it is."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    day: Annotated[datetime.date | None, Field(strict=False)] = None
    clock: Annotated[datetime.time | None, Field(strict=False)] = None
    age: int | None = None
    sex: Annotated[str, Field(max_length=20)] | None = None

    @property
    def kept(self) -> Taken:
        """What of it can be true."""
        return Taken.of(self.day, self.clock, age=self.age, sex=self.sex or "")


class _Answer(BaseModel):
    """What a child, or the server in its place, may say; strict, as the file may be speaking."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    stopped: Literal["time", "crash"] | None = None
    error: _Text = ""
    rate: FiniteFloat = 0.0
    source: _Text = ""
    notes: Annotated[list[_Text], Field(max_length=100)] = []
    others: Annotated[list[_OtherLead], Field(max_length=len(OTHER_LEADS))] = []
    asks: _Asks | None = None
    taken: _Taken = _Taken()
    log: Annotated[list[_Text], Field(max_length=20)] = []


@dataclass(frozen=True)
class _Asked:
    """A recording to read; parameters as in `protoecg.isolation.read_recording`."""

    files: Mapping[str, bytes]
    given: Given
    source: str | None

    @property
    def fields(self) -> dict[str, Any]:
        """What is sent before the files' bytes."""
        sizes = [(name, len(content)) for name, content in self.files.items()]
        return {"sizes": sizes, "given": asdict(self.given), "source": self.source}


class Pool:
    """Reads recordings, each in a process of its own.

    Parameters
    ----------
    most : how many at once; the others wait in the order in which they came
    start : starts the server
    """

    def __init__(self, most: int | None = None, start: Callable[[], Server] = Server) -> None:
        self._turns = Turns(most or max(2, os.cpu_count() or 1))
        self._start = start
        self._server: Server | None = None
        self._lock = threading.Lock()
        remove_leftovers()

    def warm_up(self) -> None:
        """Start loading the readers' code, which takes a second or two, without waiting for it."""
        self._running()

    def read(
        self,
        files: Mapping[str, bytes],
        *,
        given: Given = NOTHING,
        source: str | None = None,
        limits: Limits,
    ) -> Recording:
        """Read a recording; parameters and errors as in `protoecg.isolation.read_recording`."""
        asked = _Asked(files, given, source)
        try:
            with self._turns.one(MAX_WAIT_S):
                answer, body = self._answer(asked, limits)
        except TimeoutError:
            raise ECGError(_BUSY) from None
        return _recording(asked, answer, body)

    def read_together(
        self,
        recordings: Sequence[Mapping[str, bytes]],
        *,
        given: Given = NOTHING,
        source: str | None = None,
        limits: Limits,
    ) -> Iterator[Recording | ECGError]:
        """Read recordings in one process; see `protoecg.isolation.read_together`.

        Where one ends the process, it and those after it get a process each.
        """
        asked = [_Asked(files, given, source) for files in recordings]
        answers = self._answers(asked, limits)
        for each, found in zip_longest(asked, answers):
            try:
                if found:
                    yield _recording(each, *found)
                else:
                    yield self.read(each.files, given=given, source=source, limits=limits)
            except ECGError as error:
                yield error

    def _answers(self, asked: Sequence[_Asked], limits: Limits) -> list[tuple[_Answer, bytes]]:
        """Return the answers that one process gives before anything goes wrong."""
        answers: list[tuple[_Answer, bytes]] = []
        with (
            suppress(wire.WireError, ValidationError, EOFError, OSError),
            self._turns.one(MAX_WAIT_S),
            self._running().connect(limits) as connection,
        ):
            for each in asked:
                answer, body = _exchanged(connection, each, limits)
                if answer.stopped:
                    break
                answers.append((answer, body))
        return answers

    def close(self) -> None:
        """End the server and all that it is reading."""
        with self._lock:
            if self._server:
                self._server.close()
                self._server = None

    def _running(self) -> Server:
        with self._lock:
            if self._server and not self._server.is_alive:
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = self._start()
            return self._server

    def _answer(self, asked: _Asked, limits: Limits) -> tuple[_Answer, bytes]:
        for _ in range(_ATTEMPTS):
            server = self._running()
            try:
                with server.connect(limits) as connection:
                    return _exchanged(connection, asked, limits)
            except (wire.WireError, ValidationError):
                return _Answer(stopped="crash"), b""
            # Gone, or silent for so long that it must hang.
            except (EOFError, OSError) as error:
                _log.warning("The server that reads files was ended: %s", type(error).__name__)
                server.kill()
        raise ECGError(_OUT_OF_ORDER)


def _exchanged(connection: socket.socket, asked: _Asked, limits: Limits) -> tuple[_Answer, bytes]:
    deadline = time.monotonic() + limits.clock_s + _GRACE_S
    connection.settimeout(limits.clock_s + _GRACE_S)
    # Who ended before it had all has left an answer all the same.
    with suppress(BrokenPipeError, ConnectionResetError):
        wire.send(connection, asked.fields, *asked.files.values())
    fields, body = wire.receive(connection, MAX_ANSWER, deadline)
    return _Answer.model_validate(fields), body


def _recording(asked: _Asked, answer: _Answer, body: bytes) -> Recording:
    for line in answer.log:
        _log.warning("%s", "".join(c if c.isprintable() else "?" for c in line))
    name = asked.source or next(iter(asked.files), "The file")
    asks = _given(answer.asks, name)
    if answer.error and asks:
        raise IncompleteFileError(answer.error, asks)
    if answer.error:
        raise ECGError(answer.error)
    rows = len(LEADS) + len(answer.others)
    if answer.stopped or len(body) % (4 * rows):
        raise _stopped(answer.stopped or "crash", name)
    signal = np.frombuffer(body, "<f4").reshape(rows, -1).astype(np.float32)
    others = dict(zip(answer.others, signal[len(LEADS) :], strict=True))
    twelve, notes = signal[: len(LEADS)], tuple(answer.notes)
    taken = answer.taken.kept
    return Recording(twelve, answer.rate, answer.source, notes, others, asks, taken)


def _given(asks: _Asks | None, name: str) -> Given:
    try:
        return Given(asks.rate, asks.unit, tuple(asks.leads), asks.exam) if asks else NOTHING
    except ECGError:
        raise _stopped("crash", name) from None


def _stopped(how: Literal["time", "crash"], name: str) -> ECGError:
    return ECGError(
        f"{name} {_WHY[how]}, so reading it was stopped. Export ten seconds of the ECG again, "
        "perhaps in another format."
    )
