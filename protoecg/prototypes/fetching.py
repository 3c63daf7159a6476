"""Files over HTTP that are checked before they exist on disk."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import requests

TIMEOUT_S = 10.0
_CHUNK = 1 << 16


class FetchError(Exception):
    """A file that could not be had; `gone` tells a server's "no" from a failing connection."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


def fetch(session: requests.Session, url: str, max_bytes: int, max_s: float = 60.0) -> bytes:
    """Return what is at an address, at most `max_bytes` of it within `max_s` seconds.

    Raises
    ------
    FetchError
        With a sentence that says what went wrong.
    """
    try:
        with session.get(url, stream=True, timeout=TIMEOUT_S) as response:
            if response.status_code != 200:
                # 429 and 5xx pass; the other answers stay what they are.
                gone = response.status_code < 500 and response.status_code != 429
                raise FetchError(f"{url} answers {response.status_code}.", gone=gone)
            return _body(response, url, max_bytes, time.monotonic() + max_s)
    except (requests.RequestException, OSError) as error:
        raise FetchError(f"No connection to {url} ({type(error).__name__}).") from error


def _body(response: requests.Response, url: str, max_bytes: int, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise FetchError(f"{url} is larger than the {max_bytes:,} bytes expected.", gone=True)
        if time.monotonic() > deadline:
            raise FetchError(f"{url} takes too long.")
    return bytes(body)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that at no time, a kill included, a part of it stands under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
