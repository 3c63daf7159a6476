"""The database of ratings, opened once for all sessions, and fields that lose no answer."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from sqlalchemy import Engine

from pages.shell import accounts
from pages.shell.accounts import Account
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


def coordinator() -> bool:
    """Say whether a coordinator is at the screen; else ask for one, as the server is set up.

    Where people sign in, it is their account that says so. Elsewhere it is the coordinator's key,
    or anybody where the server has none.
    """
    account = accounts.required()
    if account is not None:
        return _is_coordinator(account)
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


def _is_coordinator(account: Account) -> bool:
    if not account.coordinator:
        st.error(
            "This page is for the coordinators of studies. Your account is none of theirs, or your "
            "provider has not verified its e-mail address.",
            icon=":material/lock:",
        )
    return account.coordinator


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
