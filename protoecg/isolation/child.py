"""The process that reads the files of one recording, or of some of a batch, and is gone."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np

from protoecg.ecg import ECGError
from protoecg.isolation import wire
from protoecg.readers import MAX_BYTES, read_recording
from protoecg.readers.given import IncompleteFileError

MAX_LOG = 20


class _Kept(logging.Handler):
    """Keeps what the project's own code logs; what libraries log may quote the patient."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines = [*self.lines, record.getMessage()][-MAX_LOG:]


def answer(connection: socket.socket) -> None:
    """Read each recording that is sent, and send back what it holds or why it cannot be read."""
    kept = _Kept()
    logging.getLogger().handlers = []
    ours = logging.getLogger("protoecg")
    ours.handlers, ours.propagate = [kept], False
    # Until who asks is gone.
    with suppress(EOFError):
        while True:
            fields, body = wire.receive(connection, 2 * MAX_BYTES)
            reply, signal = _reply(fields, body)
            wire.send(connection, {**reply, "log": kept.lines}, signal)
            kept.lines = []


def _reply(fields: Mapping[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        files = dict(_files(fields["sizes"], body))
        recording = read_recording(files, source=fields["source"], **fields["given"])
    except IncompleteFileError as error:
        return {"error": str(error), "asks": asdict(error.asks)}, b""
    except ECGError as error:
        return {"error": str(error)}, b""
    rows = np.stack([*recording.signal, *recording.others.values()])
    about = {
        "rate": recording.rate,
        "source": recording.source,
        "notes": recording.notes,
        "others": list(recording.others),
        "asks": asdict(recording.asks),
        "taken": recording.taken.to_json(),
    }
    return about, np.ascontiguousarray(rows, dtype="<f4").tobytes()


def _files(sizes: Sequence[tuple[str, int]], body: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    for name, size in sizes:
        yield name, body[at : at + size]
        at += size
