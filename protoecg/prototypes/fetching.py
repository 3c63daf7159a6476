"""Files over HTTP that are checked before they exist on disk."""

from __future__ import annotations

import asyncio
import time

import httpx
from anyio.from_thread import start_blocking_portal

TIMEOUT_S = 10.0
MAX_REDIRECTS = 3
# A server that is slower on the whole holds its callers up on purpose, or might as well.
LEAST_BYTES_A_SECOND = 1_000


class FetchError(Exception):
    """A file that could not be had; `gone` tells a server's "no" from a failing connection."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class Fetcher:
    """Gets files, over connections that are kept until it is closed; one thread uses it."""

    def __init__(self) -> None:
        # In a loop of events, as only there a wait can be ended at any point of it; the loop runs
        # in a thread of its own, as the caller's may have one already.
        self._loop = start_blocking_portal()
        self._portal = self._loop.__enter__()
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S, headers={"Accept-Encoding": "identity"}, follow_redirects=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._portal.call(self._client.aclose)
        self._loop.__exit__(None, None, None)

    def fetch(self, url: str, max_bytes: int, max_s: float = 60.0) -> bytes:
        """Return what is at an address, at most `max_bytes` of it within `max_s` seconds.

        Raises
        ------
        FetchError
            With a sentence that says what went wrong. A server that sends on to another host is
            not followed: it could lead into the network that this machine is in.
        """
        try:
            return self._portal.call(self._within, url, max_bytes, max_s)
        except TimeoutError:
            raise FetchError(f"{url} takes too long.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise FetchError(f"No connection to {url} ({type(error).__name__}).") from error

    async def _within(self, url: str, max_bytes: int, max_s: float) -> bytes:
        async with asyncio.timeout(max_s):
            for _ in range(MAX_REDIRECTS + 1):
                async with self._client.stream("GET", url) as response:
                    if response.next_request is None:
                        return await _body(response, url, max_bytes)
                    url = _followed(response.url, response.next_request.url)
        raise FetchError(f"{url} sends on again and again.", gone=True)


def _followed(asked: httpx.URL, onward: httpx.URL) -> str:
    """Return where a server sends on to, if that is itself."""
    is_upgrade = (asked.scheme, onward.scheme) == ("http", "https") and onward.port is None
    same_door = (asked.scheme, asked.port) == (onward.scheme, onward.port)
    if asked.host != onward.host or not (same_door or is_upgrade):
        raise FetchError(
            f"{asked} sends on to another place, {onward.host}, which is not followed. If that is "
            "where the files are now, give its address.",
            gone=True,
        )
    return str(onward)


async def _body(response: httpx.Response, url: str, max_bytes: int) -> bytes:
    if response.status_code != 200:
        # 429 and 5xx pass; the other answers stay what they are.
        gone = response.status_code < 500 and response.status_code != 429
        raise FetchError(f"{url} answers {response.status_code}.", gone=gone)
    body, began = bytearray(), time.monotonic()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise FetchError(f"{url} is larger than the {max_bytes:,} bytes expected.", gone=True)
        lasted = time.monotonic() - began
        if lasted > TIMEOUT_S and len(body) < lasted * LEAST_BYTES_A_SECOND:
            raise FetchError(f"{url} takes too long.")
    return bytes(body)
