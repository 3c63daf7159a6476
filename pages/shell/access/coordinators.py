"""Who may see and do what is for coordinators: studies, results, everybody's ratings.

Where people sign in, it is their account that says so. Elsewhere it is the coordinator's key,
given once in a browser, or anybody where the server has none. The right is the browser's, known by
a cookie that no script can read: the id of a session alone gives nobody anything.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.shell import words
from pages.shell.access import accounts
from pages.shell.access.accounts import LONGEST_S, Account
from protoecg.settings import settings, variable
from review_db import RatingsError

KEY_VARIABLE = variable("coordinator_key")
SHORTEST_KEY = 16
MOST_DOUBLINGS = 6
MOST_REMEMBERED = 1000


class Refused(RatingsError):
    """Not a coordinator, or one who has to wait; the message says what to do."""


class Door:
    """Which browsers gave the coordinator's key, and which addresses gave wrong ones.

    After a wrong key from an address the next one is not looked at for a second, and for twice as
    long after each further one, `MOST_DOUBLINGS` times. Nothing outlasts the server.

    Parameters
    ----------
    clock : seconds, never set back
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._admitted: OrderedDict[str, float] = OrderedDict()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def is_open_to(self, browser: str | None) -> bool:
        """Say whether a browser gave the key, not too long ago."""
        since = self._admitted.get(browser or "")
        return since is not None and self._clock() - since <= LONGEST_S

    def close(self, browser: str) -> None:
        """Forget that a browser gave the key."""
        with self._lock:
            self._admitted.pop(browser, None)

    def admit(self, browser: str, address: str, given: str, wanted: str) -> None:
        """Admit a browser that gives the right key.

        Raises
        ------
        Refused
            If the key is wrong, or was given too soon after a wrong one.
        """
        with self._lock:
            count, until = self._wrong.get(address, (0, 0.0))
            if (left := until - self._clock()) > 0:
                raise Refused(
                    f"A wrong key was given before. Wait {left:.0f} s; this one was not looked at."
                )
            if not _same(given, wanted):
                wait = 2.0 ** min(count, MOST_DOUBLINGS)
                _remember(self._wrong, address, (count + 1, self._clock() + wait))
                raise Refused(f"This is not the coordinator's key. Wait {wait:.0f} s.")
            self._wrong.pop(address, None)
            _remember(self._admitted, browser, self._clock())


def _same(given: str, wanted: str) -> bool:
    # Of equal length, so that not even the length of the key shows in how long it takes.
    one, other = (hashlib.sha256(key.encode()).digest() for key in (given, wanted))
    return hmac.compare_digest(one, other)


def _remember(kept: OrderedDict[str, Any], name: str, what: Any) -> None:
    kept[name] = what
    kept.move_to_end(name)
    while len(kept) > MOST_REMEMBERED:
        kept.popitem(last=False)


def refuse_short_key() -> None:
    """End a server whose coordinator's key can be guessed, before it starts."""
    try:
        _key()
    except Refused as error:
        raise SystemExit(str(error)) from error


def admitted() -> bool:
    """Say whether a coordinator is at the screen; else ask for one, as the server is set up."""
    account = accounts.required()
    if account is not None:
        return _is_coordinator(account)
    if is_here():
        return True
    _ask()
    return False


def is_here() -> bool:
    """Say whether a coordinator is at the screen, or anybody may be one; ask nobody."""
    try:
        confirm()
    except Refused:
        return False
    return True


def confirm() -> None:
    """Ask anew who is at the screen: what a button does runs before the page does.

    Raises
    ------
    Refused
        If it is no coordinator, or not any more.
    """
    account = accounts.current()
    if account is not None and account.coordinator:
        return
    if accounts.is_asked_for() or (_key() and not door().is_open_to(_browser())):
        raise Refused("You are not signed in as a coordinator any more. Load this page anew.")


def show() -> None:
    """Show in a corner that the coordinator's key was given here, with the way out."""
    browser = _browser()
    if browser is None or accounts.is_asked_for() or not door().is_open_to(browser):
        return
    with accounts.corner("Coordinator"):
        st.button("Sign out", type="tertiary", on_click=door().close, args=(browser,))


@st.cache_resource(show_spinner=False)
def door() -> Door:
    """Return the door that all sessions share."""
    return Door()


def _browser() -> str | None:
    browser = st.user.to_dict().get("browser")
    return browser if isinstance(browser, str) else None


def _key() -> str | None:
    secret = settings().coordinator_key
    key = secret.get_secret_value() if secret else None
    if key and len(key) < SHORTEST_KEY:
        raise Refused(
            f"The coordinator's key in {KEY_VARIABLE} has {len(key)} characters, expected "
            f"{SHORTEST_KEY} or more. Draw one: "
            'python -c "import secrets; print(secrets.token_urlsafe(24))"'
        )
    return key or None


def _ask() -> None:
    try:
        wanted = _key()
    except Refused as error:
        st.error(words.plain(str(error)), icon=":material/key_off:")
        return
    with st.form("coordinator", width=420, clear_on_submit=True):
        given = st.text_input("The coordinator's key", type="password")
        asked = st.form_submit_button("Open", type="primary")
    if not asked or not given or wanted is None:
        return
    browser = _browser()
    if browser is None:
        st.error("Allow this page a cookie, and load it anew: without one it can't know you.")
        return
    try:
        door().admit(browser, st.context.ip_address or "", given, wanted)
    except Refused as error:
        st.error(words.plain(str(error)), icon=":material/key_off:")
        return
    st.rerun()


def _is_coordinator(account: Account) -> bool:
    if not account.coordinator:
        st.error(
            "This page is for the coordinators of studies. Your account is none of theirs, or your "
            "provider has not verified its e-mail address.",
            icon=":material/lock:",
        )
    return account.coordinator
