"""What else was measured of a model: its explanations, when it abstains, its rules."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.card import facts
from pages.shell import words
from protoecg.bundle import Bundle
from protoecg.card import changes, practice, tables
from protoecg.card.document import CardResults
from protoecg.labels import BRANCHES


def show_practice(bundle: Bundle, card: CardResults) -> None:
    """Show which statements reports leave out, where it was measured: few data sets tell."""
    measured = tables.section(card, "practice")
    unused = practice.unused(measured, bundle.labels)
    if unused.empty:
        return
    st.markdown("#### What its labels leave out")
    st.caption(
        "Reports on the ECGs of one make of recorder hardly ever use these statements: a call of "
        "one is not labelled there, however right it is. Shares are of the training ECGs."
    )
    st.dataframe(unused, hide_index=True, height="content", column_config=_rounded(unused, 1))
    fold = tables.text(measured, "fold", default="unknown")
    st.caption(
        f"Likely findings but sinus rhythm and a normal ECG on fold {words.plain(fold)}, by "
        "thresholds of other patients: by all reports, by those on a make whose reports use the "
        "statement, and by all if the model knew the make, which it does not. In brackets: 95 % "
        "interval."
    )
    st.dataframe(practice.worth(measured), hide_index=True, height="content")


def show_faithfulness(card: CardResults) -> None:
    """Show what was measured of the explanations."""
    st.markdown("#### Whether its explanations are true")
    measured, baseline = (
        tables.section(card, name) for name in ("faithfulness", "baseline_faithfulness")
    )
    table = tables.faithfulness(measured, baseline)
    if table.empty:
        facts.missing("Faithfulness")
        return
    ecgs, fold = tables.number(measured, "n"), tables.text(measured, "fold", default="unknown")
    beside = "" if baseline else " The published rule beside it is not measured."
    st.caption(f"Fold {words.plain(fold)}, {ecgs or 0:,.0f} ECGs, each branch by itself.{beside}")
    # As wide as its headers alone, a column cuts the words in it.
    widths = {branch: st.column_config.TextColumn(width="small") for branch in BRANCHES}
    st.dataframe(table, hide_index=True, height="content", column_config=widths)
    with st.expander("How each is measured"):
        definitions = [
            [name, tables.text(own, "definition")]
            for name, own in tables.section(measured, "measures").items()
        ]
        for name, definition in definitions:
            st.text(f"{name.capitalize()}: {definition}")


def show_abstention(bundle: Bundle, card: CardResults) -> None:
    """Show from which ECGs the model abstains."""
    st.markdown("#### When it abstains")
    if bundle.familiarity is None:
        st.info(
            "This bundle never abstains: it was written before models could.",
            icon=":material/info:",
        )
    measured = tables.section(card, "abstention")
    table = tables.abstention(measured)
    if table.empty:
        facts.missing("Abstention")
        return
    ecgs, fold = tables.number(measured, "n"), tables.text(measured, "fold", default="unknown")
    by = tables.text(measured, "fitted_on", default="an unknown part of the data")
    st.caption(
        f"Of the {ecgs or 0:,.0f} ECGs of fold {words.plain(fold)}, as they are and spoiled on "
        f"purpose; its limits come from {words.plain(by)}. It should abstain from few of the first "
        "row and from most of the others."
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            "abstains, %": st.column_config.ProgressColumn(
                format="%.1f", min_value=0, max_value=100
            ),
        },
    )


def show_known_changes(card: CardResults) -> None:
    """Show what the model says of known changes, and where it points to real early beats."""
    st.markdown("#### Whether it names a known change")
    measured = tables.section(card, "known_changes")
    table = changes.known_changes(measured)
    if table.empty:
        facts.missing("Known changes")
        return
    ecgs, fold = tables.number(measured, "n"), tables.text(measured, "fold", default="unknown")
    st.caption(
        f"Put into the waveforms of {ecgs or 0:,.0f} normal ECGs of fold {words.plain(fold)}, "
        "where there is room for it and it measures as asked. A computed change is purer than "
        "disease: what is named here may be missed in patients, and the other way round."
    )
    st.dataframe(table, hide_index=True, height=420, column_config=_rounded(table))
    early = changes.premature(measured)
    if early.empty:
        return
    st.caption(
        "Real ECGs with early beats, which are found by measurements alone: whether the window "
        "that leads the finding holds half of the QRS complex of one."
    )
    st.dataframe(early, hide_index=True, height="content", column_config=_rounded(early))


def _rounded(table: pd.DataFrame, digits: int = 0) -> dict[str, Any]:
    return {
        column: st.column_config.NumberColumn(format=f"%.{digits}f")
        for column in table.select_dtypes("number")
    }


def show_ablations(card: CardResults) -> None:
    """Show what each rule of the method costs or gains."""
    st.markdown("#### What each rule costs or gains")
    measured = tables.section(card, "ablations")
    table = tables.ablations(measured)
    if table.empty:
        facts.missing("The ablation")
        return
    branch, fold = (
        words.plain(tables.text(measured, key, default="unknown")) for key in ("branch", "fold")
    )
    st.caption(f"A small {branch} branch, each row changed by what its name says, on fold {fold}.")
    st.dataframe(table, hide_index=True, height="content")
