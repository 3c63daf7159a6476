"""Servers that are slow, endless or send on elsewhere: a fetch ends in time, and stays outside."""

import socket
import threading
import time
from contextlib import closing, suppress

import pytest

from protoecg.prototypes import fetching
from protoecg.prototypes.fetching import Fetcher, FetchError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture
def serve(monkeypatch):
    """Starts servers that answer each connection with pieces, a pause between them."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    sockets, over = [], threading.Event()

    def started(*pieces, pause_s=0.0):
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)
        threading.Thread(target=answer, args=(listening, pieces, pause_s), daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/ecg.dat"

    def answer(listening, pieces, pause_s):
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=send, args=(connection, pieces, pause_s)).start()

    def send(connection, pieces, pause_s):
        with suppress(OSError), connection:
            connection.recv(10_000)
            for piece in pieces:
                connection.sendall(piece)
                if over.wait(pause_s):
                    return

    yield started
    over.set()
    for listening in sockets:
        listening.close()


@pytest.fixture
def fetch():
    with closing(Fetcher()) as fetcher:
        yield fetcher.fetch


def redirect(to):
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def whole(content):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content


def test_a_file_is_fetched(serve, fetch):
    assert fetch(serve(whole(b"samples")), 7) == b"samples"


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD, *[b"x"] * 1000),
        tuple(HEAD[i : i + 1] for i in range(len(HEAD))),
        (b"HTTP/1.1 200 OK\r\n", *[b"a: b\r\n"] * 1000),
        (b"",),
    ],
    ids=["body", "head", "endless head", "nothing"],
)
def test_a_server_that_drips_is_given_up_at_the_deadline(serve, fetch, pieces):
    url, began = serve(*pieces, pause_s=0.3), time.monotonic()
    with pytest.raises(FetchError, match="takes too long|No connection"):
        fetch(url, 100_000, max_s=1.5)
    assert time.monotonic() - began < 3


def test_a_server_that_is_too_slow_on_the_whole_is_given_up_before_the_deadline(
    serve, fetch, monkeypatch
):
    monkeypatch.setattr(fetching, "TIMEOUT_S", 1.0)
    url, began = serve(HEAD, *[b"x"] * 1000, pause_s=0.2), time.monotonic()
    with pytest.raises(FetchError, match="takes too long"):
        fetch(url, 100_000, max_s=60)
    assert time.monotonic() - began < 5


def test_more_than_expected_is_not_taken(serve, fetch):
    with pytest.raises(FetchError, match="larger than the 10 bytes") as refused:
        fetch(serve(whole(bytes(11))), 10)
    assert refused.value.gone


def test_nobody_is_led_to_another_host_or_port(serve, fetch):
    inside = serve(whole(b"secret"))
    other = inside.replace("127.0.0.1", "localhost")
    for to in (inside, other, "http://169.254.169.254/latest", "file:///etc/hostname", "//[::1]/x"):
        with pytest.raises(FetchError) as refused:
            fetch(serve(redirect(to)), 100)
        assert "not followed" in str(refused.value) or "No connection" in str(refused.value)


def test_on_the_same_server_a_file_may_have_moved_but_not_in_a_circle(serve, fetch):
    with pytest.raises(FetchError, match="again and again"):
        fetch(serve(redirect("/elsewhere")), 100)
