"""Under which reviewer code somebody rates outside studies, and what opens that code.

An account has a code of its own. Elsewhere a code gets a secret when it is first used, which its
link holds from then on; where `PROTOECG_OPEN_REVIEWERS` is "yes", a code alone opens its ratings.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

import streamlit as st
from sqlalchemy import Engine

from pages.shell import words
from pages.shell.access.accounts import Account
from protoecg.settings import settings
from review_db import known_reviewer
from review_db.ratings.reviewers import CodeClosed, claim_code, is_claimed, reviewer_of

RATER, NEW = "rating as", "new secret of a code"
_PARAMETERS = ("reviewer", "secret")


@dataclass(frozen=True)
class Rater:
    """Who rates: a reviewer code, and the secret or the account that opened it, if any had to."""

    reviewer: str
    secret: str | None = None
    account: Account | None = None


def rater(engine: Engine, account: Account | None) -> Rater | None:
    """Return who rates; without one, ask for what opens a code."""
    if account is not None:
        # Nobody chooses whose ratings they see.
        _forget_address()
        return Rater(account.code, account=account)
    found = _found(engine)
    if found is None:
        _ask(engine)
        return None
    st.session_state[RATER] = found
    _into_address(found.reviewer, found.secret)
    _show_new(found)
    return found


def leave() -> None:
    """Forget who rated here."""
    for name in (RATER, NEW):
        st.session_state.pop(name, None)
    _forget_address()


def _found(engine: Engine) -> Rater | None:
    code, secret = (st.query_params.get(name) for name in _PARAMETERS)
    kept: Rater | None = st.session_state.get(RATER)
    if not code and kept:
        code, secret = kept.reviewer, kept.secret
    if not code:
        return None
    try:
        if _is_open():
            return Rater(known_reviewer(engine, code))
        if not secret and not is_claimed(engine, known_reviewer(engine, code)):
            return None
        return Rater(reviewer_of(engine, code, secret or ""), secret)
    except (ValueError, CodeClosed) as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return None


def _is_open() -> bool:
    return settings().open_reviewers


def _ask(engine: Engine) -> None:
    st.markdown("### Rate prototypes")
    st.write(
        "You see one prototype at a time and say whether it portrays its statement. Every answer "
        "is saved at once; come back with the same link, on any machine, to go on."
    )
    with st.form("who", width=420):
        code = st.text_input(
            "Your reviewer code",
            st.query_params.get("reviewer", "").strip(),
            max_chars=32,
            placeholder="R01",
            help="A code, not your name.",
        )
        secret = "" if _is_open() else _ask_secret()
        if st.form_submit_button("Start", type="primary"):
            _start(engine, code.strip(), secret.strip())


def _ask_secret() -> str:
    return st.text_input(
        "Its secret",
        max_chars=64,
        placeholder="Leave it empty at the first use",
        help="It was shown when the code was first used, and its link holds it.",
    )


def _start(engine: Engine, code: str, secret: str) -> None:
    if not secret and not _is_open():
        try:
            secret = claim_code(engine, code)
        except (ValueError, CodeClosed) as error:
            st.error(words.plain(str(error)), icon=":material/error:")
            return
        st.session_state[NEW] = True
    _into_address(code or " ", secret)
    st.rerun()


def _show_new(found: Rater) -> None:
    """Show the link that opens a code from now on; it is stored nowhere but in this session."""
    if not found.secret or not st.session_state.get(NEW):
        return
    given = urlencode({"reviewer": found.reviewer, "secret": found.secret})
    st.warning(
        f"Keep this link now: from now on it alone opens the ratings of {found.reviewer}, on any "
        "machine, and it is not shown again.",
        icon=":material/key:",
    )
    st.code(urljoin(st.context.url or "", f"rate?{given}"), language=None)
    st.button("I have kept it", on_click=st.session_state.pop, args=(NEW,))


def _into_address(reviewer: str, secret: str | None) -> None:
    st.query_params["reviewer"] = reviewer
    if secret:
        st.query_params["secret"] = secret


def _forget_address() -> None:
    for name in _PARAMETERS:
        st.query_params.pop(name, None)
