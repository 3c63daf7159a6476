"""What uploads may take of the server's memory."""

import pytest

from pages.server import held_uploads
from pages.server.held_uploads import HeldUploads


def put(session: str, size: int | None) -> dict:
    headers = [] if size is None else [(b"content-length", str(size).encode())]
    path = f"/_stcore/upload_file/{session}/1"
    return {"type": "http", "method": "PUT", "path": path, "headers": headers}


@pytest.fixture
def uploads(monkeypatch):
    monkeypatch.setattr(held_uploads, "MAX_OF_A_SESSION", 100)
    monkeypatch.setattr(held_uploads, "MAX_OF_ALL", 150)
    return HeldUploads(lambda: {"a": 60})


@pytest.mark.parametrize(
    ("session", "size", "problem"),
    [
        ("a", 40, ""),
        ("a", 41, "This tab has sent too many files"),
        ("a", None, "This tab has sent too many files"),
        ("b", 90, ""),
        ("b", 91, "The server holds all"),
        ("b", None, "The server holds all"),
    ],
)
def test_a_session_and_all_together_hold_so_much_and_no_more(uploads, session, size, problem):
    with uploads.room_for(put(session, size)) as refusal:
        assert refusal.startswith(problem) and bool(refusal) == bool(problem)


def test_what_is_on_its_way_counts_until_it_has_come(uploads):
    with uploads.room_for(put("b", 60)) as refusal:
        assert not refusal
        with uploads.room_for(put("b", 60)) as refused:
            assert refused
    with uploads.room_for(put("b", 60)) as refusal:
        assert not refusal


def test_what_uploads_nothing_needs_no_room(uploads):
    with uploads.room_for({**put("a", 500), "method": "DELETE"}) as refusal:
        assert not refusal
    with uploads.room_for({**put("a", 500), "path": "/explain"}) as refusal:
        assert not refusal
