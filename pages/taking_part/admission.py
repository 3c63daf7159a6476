"""The seat of a study that a browser has: by a reviewer's key, or by the account signed in."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Engine

from pages.shell import words
from pages.shell.access import blinding
from pages.shell.access.accounts import Account
from review_db.studies.accounts import claim_seat, seat_by_key, seats_of
from review_db.studies.lifecycle import study_info
from review_db.studies.seats import NotAdmitted, Seat, sign_in

REFUSED = "seat refused"


def seat(engine: Engine, account: Account | None) -> Seat | None:
    """Return the seat that is open to this browser; without one ask for what opens it.

    Asked anew each time: a key may be replaced.
    """
    try:
        found = _by_key(engine) if account is None else _by_account(engine, account)
    except NotAdmitted as error:
        st.error(words.plain(str(error)), icon=":material/key_off:")
        found = None
    if found is None:
        _ask(engine, account)
    else:
        blinding.remember(found)
    return found


def leave() -> None:
    """Forget which seat was open."""
    for name in ("key", "study"):
        st.query_params.pop(name, None)


def _by_key(engine: Engine) -> Seat | None:
    key = st.query_params.get("key")
    return sign_in(engine, key) if key else None


def _by_account(engine: Engine, account: Account) -> Seat | None:
    if key := st.query_params.get("key"):
        return seat_by_key(engine, key, account.digest)
    mine = {found.study: found for found in seats_of(engine, account.digest)}
    return mine.get(st.query_params.get("study", ""))


def _ask(engine: Engine, account: Account | None) -> None:
    st.markdown("### Take part in a study")
    if account is None:
        _ask_for_key()
    else:
        _offer(engine, account)
        _ask_to_claim(engine, account)


def _ask_for_key() -> None:
    st.write(
        "Your coordinator has given you a key. Every change is kept at once; come back with the "
        "same key, on any machine, and you go on where you were."
    )
    with st.form("key", width=420):
        key = _key_field()
        if st.form_submit_button("Start", type="primary"):
            st.query_params["key"] = key.strip() or " "
            st.rerun()


def _offer(engine: Engine, account: Account) -> None:
    for found in seats_of(engine, account.digest):
        title = study_info(engine, found.study).design.title or found.study
        st.button(
            f"Go on with {words.plain(title)}",
            key=f"go on {found.study}",
            icon=":material/arrow_forward:",
            on_click=_open,
            args=(found,),
        )


def _ask_to_claim(engine: Engine, account: Account) -> None:
    st.write(
        "Your coordinator has given you a key. Give it once: from then on your account opens your "
        "place in the study, on any machine, and nobody else's does. Every change is kept at once."
    )
    if problem := st.session_state.pop(REFUSED, None):
        st.error(problem, icon=":material/key_off:")
    with st.form("key", width=420):
        key = _key_field(st.query_params.get("key", "").strip())
        if st.form_submit_button("Tie it to my account, and start", type="primary"):
            _claim(engine, account, key)
            st.rerun()


def _key_field(given: str = "") -> str:
    return st.text_input("Your key", given, max_chars=64, placeholder="ABCD-EFGH-JKMN-PQRS")


def _claim(engine: Engine, account: Account, key: str) -> None:
    try:
        _open(claim_seat(engine, key, account.digest))
    except NotAdmitted as error:
        st.query_params.pop("key", None)
        st.session_state[REFUSED] = str(error)


def _open(found: Seat) -> None:
    leave()
    st.query_params["study"] = found.study
