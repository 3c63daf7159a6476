"""Messages between processes: a few fields as JSON, then plain bytes; nothing that runs code."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

MAX_FIELDS = 1_000_000

_LENGTHS = struct.Struct(">II")


class WireError(Exception):
    """The other side sent something other than a message."""


def send(connection: socket.socket, fields: dict[str, Any], *bodies: bytes | memoryview) -> None:
    """Send a message.

    Raises
    ------
    OSError
        If the other side is gone, or the socket's own time is over.
    """
    head = json.dumps(fields).encode()
    connection.sendall(_LENGTHS.pack(len(head), sum(map(len, bodies))) + head)
    for body in bodies:
        connection.sendall(body)


def receive(
    connection: socket.socket, max_body: int, deadline: float | None = None
) -> tuple[dict[str, Any], bytes]:
    """Return a message's fields and bytes, which may be as hostile as the sender.

    Parameters
    ----------
    max_body : of the bytes; of the fields it is `MAX_FIELDS`
    deadline : by the monotonic clock, or None to wait for ever

    Raises
    ------
    EOFError
        If the other side is gone and has sent nothing.
    WireError
        If it is no message, too long, or cut short.
    TimeoutError
        If it is not all there at the deadline.
    """
    lengths = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size, deadline))
    if lengths[0] > MAX_FIELDS or lengths[1] > max_body:
        raise WireError(f"a message of {lengths[0]} and {lengths[1]} bytes")
    try:
        head = _exactly(connection, lengths[0], deadline)
        body = _exactly(connection, lengths[1], deadline)
        fields = json.loads(head)
    except EOFError:
        raise WireError("cut short") from None
    except (ValueError, RecursionError) as error:
        raise WireError("no JSON") from error
    if not isinstance(fields, dict):
        raise WireError("no JSON object")
    return fields, body


def _exactly(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    content = bytearray(size)
    left = memoryview(content)
    while left:
        connection.settimeout(None if deadline is None else _until(deadline))
        if not (count := connection.recv_into(left)):
            raise EOFError
        left = left[count:]
    return bytes(content)


def _until(deadline: float) -> float:
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left
