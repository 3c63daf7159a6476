"""The database of ratings, opened once for all sessions."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy import Engine

from protoecg.bundle import Bundle
from review_db import Item, RatingsError, open_database

COORDINATOR, ADMITTED = "PROTOECG_COORDINATOR_KEY", "coordinator"


@contextmanager
def database() -> Iterator[Engine]:
    """Give the database of ratings; where it cannot be used, say so and end the page."""
    try:
        engine = opened()
        yield engine
    except RatingsError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def coordinator() -> bool:
    """Ask for the coordinator's key where the server has one, and say whether it was given."""
    wanted = os.environ.get(COORDINATOR)
    if not wanted or st.session_state.get(ADMITTED):
        return True
    given = st.text_input("The coordinator's key", type="password", width=420)
    if given and hmac.compare_digest(given.encode(), wanted.encode()):
        st.session_state[ADMITTED] = True
        st.rerun()
    if given:
        st.error("This is not the coordinator's key.", icon=":material/key_off:")
    return False


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
