"""What Rate and Take part look like: pictures, beside them the questions, and the way on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.ecg import calipers, header, tracing
from pages.shell import models
from pages.taking_part import keys, prefetch, questions, work
from pages.taking_part.answers import ItemSession
from protoecg.prototypes.sets import PrototypeSet
from protoecg.sheet.view import View

Step = Callable[[ItemSession], None]
"""What opens another item once all that was answered is stored."""


@dataclass(frozen=True)
class Shown:
    """What a page shows of an item beside its questions.

    Parameters
    ----------
    title, facts : of the item, as Markdown
    pictures : names its pictures
    load : returns what draws them; None, after an error message, where they cannot be had
    draw_next : draws what comes next, where nobody sees it yet, and names it
    steps : draws the buttons that lead to other items
    below : shows what stands under the questions
    """

    title: str
    facts: Sequence[str]
    pictures: str
    load: Callable[[View], Callable[[], None] | None]
    draw_next: Callable[[View], str]
    steps: Callable[[ItemSession], None]
    below: Callable[[ItemSession], None] | None = None


def show(session: ItemSession, bundle: PrototypeSet, shown: Shown) -> None:
    """Lay out an item."""
    left, right = st.columns([5, 2], gap="medium")
    with left:
        view = _heading(shown.title, bundle)
        for fact in shown.facts:
            st.caption(fact)
        here, open_next = prefetch.containers(shown.pictures)
    with here:
        draw = shown.load(view)
    # What is asked doesn't wait for all of a long explanation to be drawn, nor for pictures to be
    # made anew that were prefetched. What is asked never moves the steps, whose keys then hold.
    with right, st.container(key="answers"):
        asking, going_on = st.container(), st.container()
    with asking:
        if draw:
            questions.show(session, bundle.labels, shown.below)
        else:
            questions.only_steps(session)
    with going_on:
        shown.steps(session)
        work.watch(session)
    with here:
        if draw:
            draw()
    with open_next():
        prefetch.prefetched(shown.draw_next(view))


def _heading(title: str, bundle: PrototypeSet) -> View:
    """Say what is asked about, and ask how its ECGs are printed and measured."""
    st.markdown(f"#### {title}")
    with st.container(horizontal=True, vertical_alignment="center"):
        models.badge(bundle)
        view = tracing.choose()
        header.toggle()
        calipers.toggle()
    return view


def steps(
    session: ItemSession, *, on: str, go_on: Step, back: Step | None, skip: Step | None
) -> None:
    """Draw the buttons that lead to other items.

    Parameters
    ----------
    on : the words of the button that goes on
    back, skip : None where there is nothing before, or nothing to be skipped
    """
    st.button(
        on,
        key=session.key(keys.STEPS["n"]),
        type="primary",
        icon=":material/arrow_forward:",
        shortcut="N",
        width="stretch",
        on_click=go_on,
        args=(session,),
    )
    with st.container(horizontal=True):
        st.button(
            "Previous",
            key=session.key(keys.STEPS["p"]),
            icon=":material/arrow_back:",
            shortcut="P",
            disabled=back is None,
            on_click=back,
            args=(session,),
        )
        if skip:
            st.button(
                "Skip",
                key=session.key(keys.STEPS["s"]),
                shortcut="S",
                on_click=skip,
                args=(session,),
            )
