"""A study that is running: who is how far, reminders, keys, reviewers, its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.shell import words
from pages.shell.access.actions import act, hand_out
from review_db.findings.export import study_files
from review_db.findings.opening import opening
from review_db.sessions.activity import Activity, activity
from review_db.sessions.progress import SessionProgress, session_progress
from review_db.store.files import as_zip
from review_db.studies.accounts import tied_reviewers
from review_db.studies.lifecycle import StudyInfo
from review_db.studies.running import (
    add_reviewer,
    close_study,
    remove_test,
    reopen_study,
    withdraw,
)
from review_db.studies.seats import new_key, seat_of
from review_db.studies.trail import trail


@dataclass(frozen=True)
class _Reviewer:
    code: str
    progress: SessionProgress
    activity: Activity
    withdrawn: bool

    @property
    def minutes_left(self) -> int | None:
        """How long the rest takes at their own pace; None as long as that is unknown."""
        now = self.progress
        if not now.done or not self.activity.seconds:
            return None
        return max(1, round(self.activity.seconds / now.done * (now.total - now.done) / 60))


def show(engine: Engine, info: StudyInfo) -> None:
    """Show how far everybody is, and what can be done."""
    reviewers = _reviewers(engine, info)
    _table(engine, info, reviewers)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _export(engine, info.design.name)
    left, right = st.columns(2, gap="large")
    with left, st.expander("Reminders to copy", icon=":material/mail:"):
        _reminders(info, reviewers)
    with left, st.expander("What was done, by whom and why", icon=":material/history:"):
        _trail(engine, info.design.name)
    with right, st.expander("Keys and reviewers", icon=":material/group:"):
        _people(engine, info)
    with right, st.expander("End of the study", icon=":material/flag:"):
        _end(engine, info)


def _reviewers(engine: Engine, info: StudyInfo) -> list[_Reviewer]:
    found = []
    for code in info.reviewers:
        seat = seat_of(engine, info.design.name, code)
        gone = code in info.standing.withdrawn
        now = session_progress(engine, seat), activity(engine, seat)
        found.append(_Reviewer(code, *now, withdrawn=gone))
    return found


def _table(engine: Engine, info: StudyInfo, reviewers: list[_Reviewer]) -> None:
    rows = []
    for one in reviewers:
        now, profile = one.progress, info.standing.profiles.get(one.code, {})
        rows.append(
            {
                "Reviewer": one.code + (" (withdrawn)" if one.withdrawn else ""),
                "Rated": now.done,
                "Of": now.total,
                "Session": f"{now.visit.number} of {now.visit.of}",
                "Skipped": list(now.states.values()).count("skipped"),
                "Last activity": _when(one.activity.last_at),
                "Minutes of work": round(one.activity.seconds / 60),
                "Minutes left": "" if one.minutes_left is None else str(one.minutes_left),
                "Specialty": profile.get("specialty", ""),
                "Years": profile.get("years", ""),
                "Flagged positions": ", ".join(map(str, now.flagged)),
            }
        )
    table = pd.DataFrame(rows)
    if len({one.progress.visit.of for one in reviewers} - {1}) == 0:
        table = table.drop(columns="Session")
    if not info.standing.profiles:
        table = table.drop(columns=["Specialty", "Years"])
    if tied := tied_reviewers(engine, info.design.name):
        table["Tied to an account"] = [one.code in tied for one in reviewers]
    st.dataframe(table, hide_index=True)
    if withdrawn := info.standing.withdrawn:
        st.caption(
            f"{len(info.reviewers) - len(withdrawn)} reviewers count, {len(withdrawn)} withdrawn: "
            "their answers are kept and count in no analysis."
        )


def _when(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _export(engine: Engine, name: str) -> None:
    seen = opening(engine, name)
    st.download_button(
        "Everything as CSV, with codebook",
        lambda: as_zip(study_files(engine, name)),
        file_name=f"protoecg_study_{name}.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/download:",
    )
    if not seen.is_final:
        st.caption(
            f"{seen.words} The files hold the answers that may be seen by that, and no others: all "
            "once the study is closed, those so far after a look, on Results. "
            "`python -m review_db backup` keeps everything safe meanwhile."
        )


def _reminders(info: StudyInfo, reviewers: list[_Reviewer]) -> None:
    behind = [one for one in reviewers if one.progress.done < one.progress.total]
    behind = [one for one in behind if not one.withdrawn]
    if not behind or info.standing.closed_at is not None:
        st.write("Nobody has to be reminded.")
        return
    one = st.selectbox("To", behind, format_func=lambda reviewer: reviewer.code)
    st.code(_reminder(info, one), language=None, wrap_lines=True)


def _reminder(info: StudyInfo, one: _Reviewer) -> str:
    now = one.progress
    title = info.design.title or info.design.name
    link = urljoin(st.context.url or "", "take_part")
    waits = now.waits_until
    if waits is not None and waits > datetime.now(UTC):
        state = f"Session {now.visit.number + 1} opens for you on {waits:%Y-%m-%d at %H:%M} UTC."
    else:
        minutes = one.minutes_left
        about = f" At your pace the rest takes about {minutes} minutes." if minutes else ""
        state = f"You have rated {now.done} of {now.total} items.{about}"
    return (
        f"Dear reviewer {one.code},\n\n{state} You go on where you were at {link} with the key "
        f"that you have for the study “{title}”; ask me for another one if it is lost.\n\n"
        "Thank you for your help."
    )


def _trail(engine: Engine, name: str) -> None:
    rows = [
        (entry.at, entry.actor, entry.action, entry.reviewer, entry.reason)
        for entry in reversed(trail(engine, name))
    ]
    columns = ["At (UTC)", "By", "What", "Reviewer", "Reason"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)


def _people(engine: Engine, info: StudyInfo) -> None:
    name = info.design.name
    here = [code for code in info.reviewers if code not in info.standing.withdrawn]
    with st.form("lost key", border=False):
        lost = st.selectbox("A key was lost by", here)
        if st.form_submit_button(
            "Make another key",
            help="The old key opens nothing any more, nor does the account that it is tied to.",
        ):
            _do(lambda by: hand_out(name, {lost: new_key(engine, name, lost, actor=by)}))
    with st.form("late reviewer", border=False):
        code = st.text_input("Code of one more reviewer", placeholder="R04")
        why = st.text_input("Why they come late")
        if st.form_submit_button("Add the reviewer"):
            _do(lambda by: _add(engine, name, code, by, why))
    with st.form("withdrawal", border=False):
        gone = st.selectbox("Withdraw", here, index=None)
        why_gone = st.text_input("Why they leave")
        if st.form_submit_button(
            "Withdraw the reviewer", help="Their answers are kept, and count in no analysis."
        ):
            _do(lambda by: withdraw(engine, name, gone or "", actor=by, reason=why_gone))


def _add(engine: Engine, name: str, code: str, actor: str, reason: str) -> None:
    key = add_reviewer(engine, name, code, actor=actor, reason=reason)
    hand_out(name, {code.strip(): key})


def _end(engine: Engine, info: StudyInfo) -> None:
    name = info.design.name
    if info.standing.closed_at is None:
        st.write("Once the study is closed nobody answers any more. Reopening it needs a reason.")
        if st.button("Close the study"):
            _do(lambda by: close_study(engine, name, actor=by))
    else:
        with st.form("reopen", border=False):
            why = st.text_input("Why it is reopened")
            if st.form_submit_button("Reopen the study"):
                _do(lambda by: reopen_study(engine, name, actor=by, reason=why))
    if info.design.test:
        st.write("This is a test run: it can be deleted with all its answers.")
        sure = st.checkbox(f"Delete {words.plain(name)} and its answers for ever")
        if st.button("Delete the test run", disabled=not sure):
            _do(lambda _: _delete(engine, name))


def _delete(engine: Engine, name: str) -> None:
    remove_test(engine, name)
    st.query_params.pop("study", None)


def _do(what: Callable[[str], None]) -> None:
    act(what)
    st.rerun()
