"""What curation changed of a model: which prototypes, by which rule and whose ratings, and why."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd
import streamlit as st

from pages.shell import reviews, words
from pages.shell.access import coordinators
from protoecg.bundle import Bundle
from protoecg.card import tables
from protoecg.card.document import CardResults
from protoecg.prototypes.curation import Curation, curations, rule_in_words
from review_db import RatingsError
from review_db.curation.rise import rise
from review_db.findings.opinions import opinions

MEASURED = (
    "Exact: the network finds the newcomer in its own ECG, in the window that is shown. Purity: "
    "how many of the ten validation ECGs most similar to a prototype carry its statement."
)
SELECTION = (
    "Selection alone raises the mean rating: what was rated lowest was replaced, and low ratings "
    "are low by chance as well. So the ratings of those who decided are left out here."
)
NOT_MEASURED = (
    "Nothing was measured, as the data set was not there: thresholds are those of the model before."
)


def show(bundle: Bundle, card: CardResults) -> None:
    """Show each curation that a model went through, the last one with what it did."""
    done = curations(bundle.about)
    if not done:
        return
    st.markdown("#### What reviewers changed")
    may_see_ratings = coordinators.is_here()
    *earlier, last = done
    for curation in earlier:
        _curation(curation, {}, may_see_ratings)
    measured = tables.section(card, "curation")
    _curation(last, measured, may_see_ratings)
    _what_it_did(measured)
    if may_see_ratings:
        _rise(bundle, done[-1])


def _curation(curation: Curation, measured: Mapping[str, Any], may_see_ratings: bool) -> None:
    changes = curation.changes
    new = sum(change.new is not None for change in changes)
    reviewers = sorted({code for change in changes for code in change.reviewers})
    codes = f" ({words.plain(', '.join(reviewers))})" if may_see_ratings and reviewers else ""
    st.markdown(
        f"{curation.date[:10]}, from revision {curation.parent}: **prototypes retired: "
        f"{len(changes)}, new: {new}, statements fitted anew: {len(curation.refitted)}, reviewers "
        f"whose ratings decided: {len(reviewers)}**{codes}."
    )
    st.caption(f"Rule, stated beforehand: {words.plain(rule_in_words(curation.rule))}.")
    st.dataframe(_changes(curation, measured, may_see_ratings), hide_index=True, height="content")


def _what_it_did(measured: Mapping[str, Any]) -> None:
    compared = _compared(measured)
    if compared.empty:
        st.caption(NOT_MEASURED)
        return
    st.caption(MEASURED)
    fold = ", ".join(f"{one:.0f}" for one in tables.numbers(measured, "fold"))
    st.caption(
        f"Before and after on fold {fold or 'unknown'}, which also set the calibration, so that it "
        "flatters both."
    )
    st.dataframe(compared, hide_index=True, height="content")
    if by_chance := _by_chance(measured):
        st.caption(by_chance)


def _rise(bundle: Bundle, last: Curation) -> None:
    """Say what those who did not decide think of the newcomers."""
    try:
        engine = reviews.opened()
        reviews.show_left_out(engine)
        found = rise(last, bundle.prototypes, opinions(engine))
    except RatingsError as error:
        st.warning(words.plain(str(error)), icon=":material/warning:")
        return
    if found is None:
        st.caption(f"Nobody who did not decide has rated a newcomer yet. {SELECTION}")
        return
    rows = [
        (what, mean.value, mean.items, mean.ratings)
        for what, mean in (
            ("retired", found.retired),
            ("newcomers", found.newcomers),
            ("that stayed", found.stayed),
        )
        if mean.ratings
    ]
    differences = [
        f"newcomers less {what}: {one.value:+.2f}{_ends(one.these)}"
        for what, one in (("retired", found.over_retired), ("stayed", found.over_stayed))
        if not isnan(one.value)
    ]
    st.markdown(
        f"Representativeness for {len(found.reviewers)} reviewers who did not decide "
        f"({words.plain(', '.join(found.reviewers))}): "
        f"{'; '.join(differences) or 'not comparable'}."
    )
    st.caption(SELECTION)
    columns = ["Prototypes", "Mean, 1 to 5", "Rated", "Ratings"]
    st.dataframe(pd.DataFrame(rows, columns=columns).round(2), hide_index=True)


def _ends(interval: tuple[float, float]) -> str:
    low, high = interval
    return "" if isnan(low) else f" ({low:+.2f} to {high:+.2f}, 95 % for these reviewers)"


def _changes(
    curation: Curation, measured: Mapping[str, Any], may_see_ratings: bool
) -> pd.DataFrame:
    listed = tables.part(measured, "changed")
    measured_of = {
        tables.text(one, "retired"): one for one in (listed if isinstance(listed, list) else [])
    }
    rows = []
    for change in curation.changes:
        own = measured_of.get(change.retired)
        row = {"Retired": change.retired, "In its place": change.new or "nothing"}
        if may_see_ratings:
            points = change.representativeness
            row["Mean representativeness"] = f"{points:.1f}" if points else ""
        if own is not None:
            row |= {
                "Exact": _yes(own, "exact", "same_window"),
                "Speaks for it": _yes(own, "speaks"),
                "Purity before": _share(own, "purity_before"),
                "Purity after": _share(own, "purity_after"),
            }
        if may_see_ratings:
            row["Why"] = change.why
        rows.append(row)
    return pd.DataFrame(rows)


def _yes(own: Any, *names: str) -> str:
    found = [tables.part(own, name) for name in names]
    return "" if None in found else ("yes" if all(one is True for one in found) else "no")


def _share(own: Any, name: str) -> str:
    value = tables.number(own, name)
    return "" if value is None else f"{100 * value:.0f} %"


def _compared(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return what was measured before and after: AUROC by part, calibration, calls, purity."""
    rows: list[tuple[str, float | None, float | None, str]] = []
    for name, metrics in tables.section(measured, "per_part").items():
        before, after = (tables.number(metrics, side) for side in ("before", "after"))
        ends = tables.numbers(metrics, "interval")
        change = f"{ends[0]:+.4f} to {ends[1]:+.4f}" if len(ends) == 2 else ""
        label = "all branches" if name == "fused" else f"{name} alone"
        rows.append((f"macro AUROC, {label}", before, after, change))
    for label, path in (
        ("expected calibration error", ("calibration", "pooled_ece")),
        ("Brier score", ("calibration", "macro_brier")),
        ("likely: precision", ("certainty", "likely", "ppv")),
        ("likely: sensitivity", ("certainty", "likely", "sensitivity")),
        ("likely or possible: precision", ("certainty", "called", "ppv")),
        ("likely or possible: sensitivity", ("certainty", "called", "sensitivity")),
        ("purity of all prototypes", ("purity",)),
    ):
        before, after = (tables.number(measured, side, *path) for side in ("before", "after"))
        if (before, after) != (None, None):
            rows.append((label, before, after, ""))
    columns = ["", "Before", "After", "Difference, 95 %"]
    return pd.DataFrame(rows, columns=columns).round(4)


def _by_chance(measured: Mapping[str, Any]) -> str:
    draws = tables.numbers(measured, "random", "refitted")
    retired = tables.number(measured, "random", "retired")
    if not draws or retired is None:
        return ""
    return (
        f"{retired:.0f} others retired at random and fitted anew, {len(draws)} times: macro AUROC "
        f"changed by {sum(draws) / len(draws):+.4f} ({min(draws):+.4f} to {max(draws):+.4f})."
    )
