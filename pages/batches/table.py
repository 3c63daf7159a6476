"""The table of a batch on the page: filtered, in order, with rhythm strips to click on."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.batches import findings_table, strips, triage
from pages.batches.archives import Batch
from pages.shell import choices, frame
from protoecg.labels import LabelSet

NAMES, PICKED = "names of files are shown", "row that was picked"
LIKELY, POSSIBLE = "likely", "likely or possible"
TRIAGE, ARCHIVE = "triage", "archive"
ABOUT_TRIAGE = (
    "By what is urgent: a critical finding that is likely, then one that is possible, others that "
    "are likely, ECGs that could not be judged, findings that are possible, the rest. "
    "Critical are injury, second and third degree block, supraventricular tachycardia, long QT."
)
# More pictures would make the page heavy.
MOST_STRIPS = 500
# While a batch goes on, its table is sent every second: all of a large one would hold up others.
SO_FAR = 20


def filtered(rows: pd.DataFrame, labels: LabelSet) -> pd.DataFrame:
    """Ask which ECGs are looked at, and in which order."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        codes = st.multiselect(
            "Only ECGs with",
            triage.found(rows, labels),
            format_func=labels.named,
            placeholder="Any finding",
            key="statements",
            width=420,
        )
        sure = choices.one_of("How sure", [LIKELY, POSSIBLE], key="sure")
        order = choices.one_of("Order", [TRIAGE, ARCHIVE], key="triage", help=ABOUT_TRIAGE)
        _ask_for_names()
    shown = triage.having(rows, codes, possible=sure == POSSIBLE)
    if len(shown) < len(rows):
        st.caption(f"{len(shown)} of {len(rows)} ECGs.")
    return triage.in_order(shown, labels) if order == TRIAGE and not shown.empty else shown


def _ask_for_names() -> None:
    # Asked once: what a widget holds is gone when the reader looks at another page.
    def keep() -> None:
        st.session_state[NAMES] = st.session_state["names"]

    st.toggle(
        "Show the files' names",
        st.session_state.get(NAMES, False),
        key="names",
        on_change=keep,
        help="They may tell who the patients are. The tables that you download hold them.",
    )


def names_are_shown() -> bool:
    """Whether the reader asked to see the files' names."""
    return bool(st.session_state.get(NAMES, False))


def show_so_far(rows: pd.DataFrame, labels: LabelSet) -> None:
    """Show the ECGs that were explained last, while others still are."""
    if rows.empty:
        return
    st.markdown(findings_table.summary(rows))
    last = rows.iloc[: -SO_FAR - 1 : -1]
    table = findings_table.on_screen(last, labels, names=names_are_shown())
    st.dataframe(table, hide_index=True, column_config=_columns(last, labels), placeholder="")
    if len(rows) > SO_FAR:
        st.caption(f"The last {SO_FAR} of {len(rows)} ECGs; all stand here at the end.")


def show(batch: Batch, rows: pd.DataFrame) -> None:
    """Show ECGs with their rhythm strips; the one that is clicked is `picked`."""
    if rows.empty:
        st.info("No ECG has that. Name fewer findings, or count possible ones.")
        return
    drawn = _pictures(batch, rows) if len(rows) <= MOST_STRIPS else []
    labels = batch.bundle.labels
    table = findings_table.on_screen(rows, labels, names=names_are_shown(), strips=drawn)
    # What is picked stands for a place in the table, so another table must not inherit it.
    key = f"findings {hash(tuple(rows.index))}"

    def pick() -> None:
        for place, _ in st.session_state[key].selection.cells:
            st.session_state[PICKED] = int(table["ECG"].iloc[place]) - 1

    st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select=pick,
        selection_mode="single-cell",
        row_height=44 if drawn else None,
        column_config=_columns(rows, labels),
        placeholder="",
        alt=f"Findings of {len(rows)} ECGs, a row each.",
    )
    st.caption(":material/touch_app: A click on an ECG's row opens it on Explain.")


def picked() -> int | None:
    """Return the row that was clicked, once."""
    return st.session_state.pop(PICKED, None)


def _pictures(batch: Batch, rows: pd.DataFrame) -> list[str]:
    kept = batch.strips(rows.index)
    return ["" if one is None else strips.picture(one, frame.theme()) for one in kept]


def _columns(rows: pd.DataFrame, labels: LabelSet) -> dict[str, Any]:
    return {
        "ECG": st.column_config.NumberColumn(width=48, pinned=True),
        "Triage": st.column_config.TextColumn(width=120, help=ABOUT_TRIAGE),
        "Lead II": st.column_config.ImageColumn(width=210, help="Ten seconds."),
        "Likely": st.column_config.TextColumn(width="large", help="The most urgent first."),
        "Possible": st.column_config.TextColumn(
            width="medium",
            help="Below what is likely, each from a probability of its own, on the model card.",
        ),
        **{
            name: st.column_config.TextColumn(width="medium")
            for name in ("Abstains", "Quality", "Error")
        },
        **{
            # A whole number would say 0 or 100 % of what is neither.
            code: st.column_config.NumberColumn(labels.named(code), format="%.1f %%")
            for code in findings_table.called_anywhere(rows)
        },
    }
