"""The database of ratings, opened once for all sessions, and fields that lose no answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from sqlalchemy import Engine

from pages.shell import words
from protoecg.bundle import Bundle
from review_db import Item, RatingsError, open_database


@contextmanager
def database() -> Iterator[Engine]:
    """Give the database of ratings; where it cannot be used, say so and end the page."""
    try:
        engine = opened()
        yield engine
    except RatingsError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        st.stop()


def state() -> dict[str, Any]:
    """Return the session's state, for the callback of an answer.

    Reading it by key, a callback may be ended there by the next key that is pressed, and one that
    is ended before it has saved is not called again.
    """
    return st.session_state.to_dict()


def put(key: str, stands: Any) -> None:
    """Have a field that holds something else hold what stands.

    What it holds already, set again, would wipe out what is being typed. A field that is drawn
    anew is to have what stands as its default too: after steps in quick succession the server may
    know a field's answer that the browser has forgotten.
    """
    if st.session_state.get(key, stands) != stands:
        st.session_state[key] = stands


@st.cache_resource(show_spinner=False)
def opened() -> Engine:
    """Return the database of ratings, or raise its `RatingsError`."""
    return open_database()


def items(bundle: Bundle) -> list[Item]:
    """Return the prototypes of a bundle as they are rated."""
    return [
        Item(bundle.name, bundle.fingerprint, p.name, p.branch, p.statement)
        for p in bundle.prototypes
    ]
