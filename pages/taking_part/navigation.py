"""Where a reviewer is in a study: the bar at the top, the list of items, and the end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell import words
from protoecg.labels import LabelSet
from review_db.questions.catalogue import KINDS
from review_db.sessions.progress import SessionProgress
from review_db.sessions.sessions import OpenItem
from review_db.studies.design import Design
from review_db.studies.seats import Seat

STATES = {"done": "rated", "skipped": "skipped", "open": "open"}
Go = Callable[[int], None]
"""What opens the item at a position."""
Place = TypeVar("Place", bound=Hashable)


def row() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the row at the top of a page, and in it the place of `progress`."""
    whole = st.container(horizontal=True, vertical_alignment="center")
    return whole, whole.container()


def progress(place: DeltaGenerator, done: int, total: int, text: str) -> None:
    """Show how far a reviewer is."""
    place.progress(done / max(total, 1), text)


def choose(
    label: str, places: Mapping[Place, str], *, here: Place | None, go: Callable[[Place], None]
) -> None:
    """Ask where to go, of places with their words."""
    st.session_state["go to"] = here
    st.selectbox(
        label,
        list(places),
        index=None,
        format_func=lambda place: places[place],
        key="go to",
        on_change=_go_to,
        args=(go,),
        placeholder="Choose one",
    )


def top(
    seat: Seat,
    design: Design,
    now: SessionProgress,
    item: OpenItem | None,
    labels: LabelSet,
    go: Go,
    leave: Callable[[], None],
) -> None:
    """Show how far a reviewer is, all items, the study's instructions, and the way out."""
    title = words.plain(design.title or design.name)
    whole, place = row()
    text = f"{title} · {seat.reviewer}: {now.done} of {now.total} items rated"
    progress(place, now.done, now.total, text)
    with whole:
        with st.popover("All items", icon=":material/list:"):
            _list(now, item, labels, go)
        if design.instructions:
            with st.popover("Instructions", icon=":material/help:"):
                st.text(design.instructions)
        st.button("Leave", type="tertiary", on_click=leave)


def finished(now: SessionProgress, go: Go) -> None:
    """Say that all is rated, or when the next session opens."""
    if until := now.waits_until:
        st.info(
            f"Session {now.visit.number} of {now.visit.of} is done and saved. The next one opens "
            f"on {until:%Y-%m-%d at %H:%M} UTC: you will read the same cases again, and some time "
            "should lie between. Come back with the same key.",
            icon=":material/event:",
        )
        return
    if at := now.first_skipped:
        skipped = list(now.states.values()).count("skipped")
        st.success(
            "All else is rated and saved. Thank you. "
            + ("One item stays" if skipped == 1 else f"{skipped} items stay")
            + " skipped, and will not count.",
            icon=":material/check_circle:",
        )
        st.button("Take up what was skipped", type="primary", on_click=go, args=(at,))
    else:
        st.success("Everything is rated and saved. Thank you.", icon=":material/check_circle:")
    if now.flagged:
        st.write(f"You flagged {len(now.flagged)} items; your coordinator sees which.")
    st.write("You can still reopen items by “All items” and change your answers.")


def _list(now: SessionProgress, item: OpenItem | None, labels: LabelSet, go: Go) -> None:
    choose(
        "Go to item",
        {position: _in_the_list(now, position) for position in now.reachable},
        here=item.at.position if item else None,
        go=go,
    )
    for name, (done, total) in now.groups.items():
        st.caption(f"{_group(name, labels)}: {done} of {total} rated")


def _in_the_list(now: SessionProgress, position: int) -> str:
    flagged = ", flagged" if position in now.flagged else ""
    return f"{position}: {STATES[now.states[position]]}{flagged}"


def _group(name: str, labels: LabelSet) -> str:
    return words.capitalised(KINDS[name].words) if name in KINDS else labels.named(name)


def _go_to(go: Callable[[Place], None]) -> None:
    if (place := st.session_state["go to"]) is not None:
        go(place)
