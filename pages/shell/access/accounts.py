"""Who is signed in, where the server asks people to sign in.

What the provider says of somebody is shown to themselves, and neither logged nor stored: the
database knows an account by its digest alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from pages.shell import words
from pages.shell.access.oidc import Settings, SettingsError, comparable, settings
from review_db import RatingsError

# The cookie would last for a month, on machines that many people use.
LONGEST_S = 12 * 3600
# A sign-in of the future would last for ever; a provider's clock is not quite the server's.
_CLOCKS_APART_S = 300
_MOST_ENDED = 10_000
_CODE_LENGTH = 8
# The provider sends everybody to the start page, whichever page they had wanted.
_REMEMBER = "<script>sessionStorage.setItem('wanted', location.href)</script>"
_GO_BACK = """
<script>{
  const wanted = sessionStorage.getItem('wanted');
  sessionStorage.removeItem('wanted');
  if (wanted && wanted !== location.href) location.replace(wanted);
}</script>
"""


class SignedOut(RatingsError):
    """The account that a page was opened with is not signed in any more."""


@dataclass(frozen=True)
class Account:
    """Somebody who is signed in: the digest that stands for them, and what they may do."""

    digest: str
    coordinator: bool
    shown: str = field(repr=False)

    @property
    def code(self) -> str:
        """The reviewer code under which this account rates outside of any study."""
        drawn = hashlib.sha256(f"rater {self.digest}".encode()).digest()
        return f"A{base64.b32encode(drawn).decode()[:_CODE_LENGTH]}"


def required() -> Account | None:
    """Return who is signed in, None where nobody has to; else ask for it and end the page."""
    try:
        wanted = settings()
    except SettingsError as error:
        st.error(
            f"Nobody can sign in here. {words.plain(str(error))} Tell whoever runs the server.",
            icon=":material/key_off:",
        )
        st.stop()
    if wanted is None:
        return None
    account = account_of(st.user.to_dict(), wanted)
    if account is None:
        _ask(wanted)
        st.stop()
    return account


def is_asked_for() -> bool:
    """Say whether this server asks people to sign in, even where nobody can."""
    try:
        return settings() is not None
    except SettingsError:
        return True


def current() -> Account | None:
    """Return who is signed in now, and ask nobody; None where nobody is, or has to be."""
    try:
        wanted = settings()
    except SettingsError:
        # Pages that need no sign-in work without; the others say what is wrong.
        return None
    return account_of(st.user.to_dict(), wanted) if wanted else None


def confirm(account: Account | None) -> None:
    """Ask anew for who opened a page: what an answer is saved by runs before the page does.

    Raises
    ------
    SignedOut
        If that account is not signed in any more.
    """
    if current() != account:
        raise SignedOut("Your sign-in has ended. Load this page anew, and sign in.")


def show() -> None:
    """Show in a corner who is signed in, with the way out; nothing where nobody is."""
    account = current()
    if account is None:
        return
    with corner(account.shown):
        st.html(_GO_BACK, unsafe_allow_javascript=True, width="content")
        st.button("Sign out", type="tertiary", on_click=_sign_out, help=words.plain(account.shown))


@contextmanager
def corner(who: str) -> Iterator[None]:
    """Say in the page's corner who is at the screen, with what is put there besides."""
    with st.container(key="account", horizontal=True, vertical_alignment="center"):
        st.text(who, width="content")
        yield


def account_of(claims: Mapping[str, Any], wanted: Settings) -> Account | None:
    """Return whose claims these are; None where they are nobody's, not for here, or not for now."""
    issuer, subject, issued = (claims.get(name) for name in ("iss", "sub", "iat"))
    if claims.get("is_logged_in") is not True or not issuer or not subject:
        return None
    if not _is_for(claims.get("aud"), wanted) or _sign_in(claims) in _ended():
        return None
    # Written so that what is no number, in any way, lies outside.
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return None
    if not -_CLOCKS_APART_S <= time.time() - issued <= LONGEST_S:
        return None
    who = json.dumps([issuer, subject]).encode()
    return Account(
        hmac.digest(wanted.account_secret, who, "sha256").hex(),
        _is_coordinator(claims, wanted),
        str(claims.get("email") or claims.get("name") or "Signed in"),
    )


def _is_for(audience: object, wanted: Settings) -> bool:
    named = audience if isinstance(audience, list) else [audience]
    return any(one in wanted.clients for one in named if isinstance(one, str))


def _sign_out() -> None:
    """End this sign-in in all tabs, and for whoever has a copy of its cookie."""
    ended = _ended()
    ended[_sign_in(st.user.to_dict())] = None
    while len(ended) > _MOST_ENDED:
        ended.popitem(last=False)
    st.logout()


def _sign_in(claims: Mapping[str, Any]) -> str:
    identity = json.dumps([str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce")])
    return hashlib.sha256(identity.encode()).hexdigest()


@st.cache_resource(show_spinner=False)
def _ended() -> OrderedDict[str, None]:
    """Return the sign-ins that were signed out of; the cookies themselves know nothing of it."""
    return OrderedDict()


def _is_coordinator(claims: Mapping[str, Any], wanted: Settings) -> bool:
    # Some providers verify every address and say nothing; some say it as a text.
    verified = claims.get("email_verified", True) in (True, "true")
    email = claims.get("email")
    return verified and isinstance(email, str) and comparable(email) in wanted.coordinators


def _ask(wanted: Settings) -> None:
    st.html(_REMEMBER, unsafe_allow_javascript=True)
    st.markdown("### Sign in")
    here = urlsplit(st.context.url or "")
    if here.netloc and f"{here.scheme}://{here.netloc}" != wanted.origin:
        # The provider would bring them back there, where this browser has begun nothing.
        st.error(f"Open this page at {wanted.origin}, where signing in is possible.")
        return
    st.write("This page is for the reviewers and coordinators of studies.")
    if st.user.to_dict().get("is_logged_in") is True:
        hours = LONGEST_S // 3600
        st.info(
            f"Your sign-in has ended: you signed out in another tab, or {hours} hours are over. "
            "What you answered after that was not saved."
        )
    for provider in wanted.providers:
        st.button(
            f"Sign in with {words.plain(provider)}" if provider else "Sign in",
            key=f"sign in {provider}",
            type="primary",
            on_click=st.login,
            args=(provider,),
        )
