"""How well a model tells statements apart, and how far its probabilities hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.card import facts
from pages.ecg import drawing
from pages.shell import frame
from protoecg.bundle import Bundle
from protoecg.card import tables
from protoecg.card.document import SITE, CardResults
from protoecg.figures.charts.card import describe_reliability, reliability_figure

VALIDATION = "validation"
HERE, BEFORE = "where calibrated", "there, before"
STATES = {HERE: "after", BEFORE: "before"}
OWN = "that also chose settings of the model, so its figures are a little kind"
HELD_OUT = "that had no part in the model"
OF_SITE = {
    HERE: "that calibrated the model, each by what other patients' ECGs set (cross-fitted)",
    BEFORE: "that calibrated the model, by the scales and thresholds that it had before",
}


def choose_results(bundle: Bundle, card: CardResults) -> Mapping[str, Any]:
    """Ask on which part of the data the accuracy is shown, and return its results."""
    offered = {VALIDATION: tables.section(bundle.about, "validation")}
    folds = [fold for fold in tables.section(card, "evaluations") if fold.isdecimal()]
    for fold in sorted(folds, key=int):
        offered[f"fold {fold}"] = tables.section(card, "evaluations", fold)
    st.markdown("#### How well it tells statements apart")
    held_out = [name for name, measured in offered.items() if measured.get("held_out") is True]
    site = _of_site(card)
    offered |= site
    chosen = default = [VALIDATION, *held_out, *list(site)[:1]][-1]
    if len(offered) > 1:
        chosen = st.segmented_control(
            "Measured on",
            list(offered),
            default=default,
            required=True,
            key="figures",
            bind="query-params",
        )
    results = offered.get(chosen, offered[VALIDATION])
    _say_of_what(results, HELD_OUT if chosen in held_out else OF_SITE.get(chosen, OWN))
    return results


def _of_site(card: CardResults) -> dict[str, Mapping[str, Any]]:
    """Return the results of a recalibrated model where it was calibrated, the latest first."""
    site = tables.section(card, SITE)
    found = {words: tables.section(site, state) for words, state in STATES.items()}
    return {words: results for words, results in found.items() if results}


def _say_of_what(results: Mapping[str, Any], part: str) -> None:
    ecgs, patients = tables.number(results, "n"), tables.number(results, "patients")
    of = [f"{ecgs:,.0f} ECGs"] if ecgs else []
    of += [f"{patients:,.0f} patients"] if patients else []
    st.caption(
        f"Measured on {' of '.join(of) or 'an unknown number of ECGs'} {part}. In brackets: 95 % "
        "interval."
    )


def show_accuracy(bundle: Bundle, results: Mapping[str, Any]) -> None:
    """Show results of all statements together and of each."""
    if not tables.section(results, "per_statement"):
        facts.missing("Accuracy")
        return
    st.dataframe(tables.overall(results), hide_index=True)
    _certainty(results)
    table = tables.per_statement(results, bundle)
    low = sum(decision.low_evidence for decision in bundle.decisions.values())
    st.markdown("**Each statement**")
    st.caption(
        "Click a column to sort by it. Threshold: the probability from which a statement is "
        "likely; sensitivity, specificity and PPV are of likely calls. "
        f"{low} of {len(table)} statements have too few positives in validation to trust "
        "figures of their own: their evidence is marked “low”."
    )
    st.dataframe(table, hide_index=True, height=420, column_config=_formats(table))


def _certainty(results: Mapping[str, Any]) -> None:
    table = tables.certainty(results)
    if table.empty:
        return
    st.markdown("**Likely and possible findings**")
    wrong = tables.sure(tables.section(results, "certainty"), "ecgs_with_wrong_likely")
    apart = tables.part(results, "calibration", "cross_fitted")
    judged = "thresholds of other patients" if apart else "the bundle's thresholds"
    st.caption(
        f"All findings but sinus rhythm and a normal ECG, by {judged}. ECGs with a likely finding "
        f"that they are not labelled with: {wrong}."
    )
    st.dataframe(table, hide_index=True)


def _formats(table: pd.DataFrame) -> dict[str, Any]:
    names = {"auroc": "AUROC", "auprc": "AUPRC", "ppv": "PPV", "brier": "Brier", "ece": "ECE"}
    formats: dict[str, Any] = {
        column: st.column_config.NumberColumn(names.get(column, column), format="%.3f")
        for column in table.select_dtypes("number")
    }
    formats["positives"] = st.column_config.NumberColumn(format="%d")
    for column in table:
        if column.endswith(" 95 %"):
            name = column.removesuffix(" 95 %")
            formats[column] = st.column_config.TextColumn(f"{names.get(name, name)} 95 %")
    return formats


def show_calibration(results: Mapping[str, Any]) -> None:
    """Show how often findings are true beside their predicted probability."""
    st.markdown("#### How far its probabilities hold")
    curve = tables.reliability(results)
    if curve.empty:
        facts.missing("Calibration")
        return
    plot, numbers = st.columns([3, 2], gap="large")
    with plot:
        drawing.show(
            reliability_figure(curve, theme=frame.theme()),
            key="reliability",
            alt=describe_reliability(curve),
        )
    with numbers:
        _errors(results)


def _errors(results: Mapping[str, Any]) -> None:
    labels = {
        "pooled_ece": "Expected calibration error, all cases",
        "macro_ece": "Expected calibration error, mean of statements",
        "macro_brier": "Brier score, mean of statements",
        "macro_brier_skill": "Brier skill, mean of statements",
    }
    found = {label: tables.number(results, "calibration", name) for name, label in labels.items()}
    facts.show({label: "" if value is None else f"{value:.4f}" for label, value in found.items()})
    if tables.part(results, "calibration", "cross_fitted") is True:
        st.caption("No ECG had a part in the calibration that it is judged by (cross-fitted).")
