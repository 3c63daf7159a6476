"""The database of ratings, opened once for all sessions, and fields that lose no answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from sqlalchemy import Engine

from pages.shell import models, words
from protoecg.prototypes.sets import PrototypeSet
from review_db import Item, RatingsError, open_database
from review_db.findings.opinions import left_out
from review_db.ratings.windows import register


@contextmanager
def database() -> Iterator[Engine]:
    """Give the database of ratings; where it cannot be used, say so and end the page."""
    try:
        engine = opened()
        yield engine
    except RatingsError as error:
        st.error(words.of_server(error), icon=":material/error:")
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


def opened() -> Engine:
    """Return the database of ratings, or raise its `RatingsError`.

    It knows which windows the prototypes of all bundles here are, so that ratings follow them.
    """
    engine = _engine()
    for prototypes in models.known_prototypes():
        _register(str(engine.url), prototypes.fingerprint, prototypes)
    return engine


@st.cache_resource(show_spinner=False)
def _engine() -> Engine:
    return open_database()


@st.cache_resource(show_spinner=False)
def _register(url: str, fingerprint: str, _prototypes: models.KnownPrototypes) -> None:
    register(_engine(), fingerprint, _prototypes.load())


def show_left_out(engine: Engine) -> None:
    """Show in a line whose answers are not among the ratings yet."""
    if sentence := left_out(engine):
        st.caption(f":material/lock_clock: {sentence}")


def items(bundle: PrototypeSet) -> list[Item]:
    """Return the prototypes of a bundle as they are rated."""
    return [
        Item(bundle.name, bundle.fingerprint, p.name, p.branch, p.statement)
        for p in bundle.prototypes
    ]
