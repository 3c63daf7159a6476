"""The database of ratings, opened once for all sessions."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Engine

from protoecg.bundle import Bundle
from review_db import Item, RatingsError, open_database


def database() -> Engine:
    """Return the database of ratings; where it cannot be opened, say so and stop the page."""
    try:
        return _engine()
    except RatingsError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


@st.cache_resource(show_spinner=False)
def _engine() -> Engine:
    return open_database()


def items(bundle: Bundle) -> list[Item]:
    """Return the prototypes of a bundle as they are rated."""
    return [
        Item(bundle.name, bundle.fingerprint, p.name, p.branch, p.statement)
        for p in bundle.prototypes
    ]
