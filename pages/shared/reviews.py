"""The database of ratings, opened once for all sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy import Engine

from protoecg.bundle import Bundle
from review_db import Item, RatingsError, open_database


@contextmanager
def database() -> Iterator[Engine]:
    """Give the database of ratings; where it cannot be used, say so and end the page."""
    try:
        engine = opened()
        yield engine
    except RatingsError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


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
