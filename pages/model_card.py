"""Model card: what a model is, what it was trained on, how good it is and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.ecg import drawing
from pages.shell import frame, models, words
from protoecg.bundle import Bundle
from protoecg.card import tables
from protoecg.card.document import CardError, Measurements, read_card
from protoecg.figures.card import describe_reliability, reliability_figure
from protoecg.labels import BRANCHES

VALIDATION = "validation"
MISSING = "not measured for this bundle"
PURPOSE = "Made to study explanations by cases. Not for diagnosis or treatment."
UNSTATED = "not stated in this bundle"
# A way of spoiling an ECG that passes more often than not.
PASSES_BELOW = 50


def main() -> None:
    """Lay out the page."""
    frame.guard("Model card")
    bundle = models.choose()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {words.plain(bundle.name)}", width="content")
        models.badge(bundle)
    card = _card(bundle)
    _purpose(bundle)
    what, data = st.columns(2, gap="large")
    with what:
        st.markdown("#### What it is")
        _facts(_identity(bundle))
    with data:
        st.markdown("#### What it was trained on")
        _facts(_data(bundle))
    figures = _choose_figures(bundle, card)
    _accuracy(bundle, figures)
    _probabilities(figures)
    _faithfulness(card)
    _abstention(bundle, card)
    _ablations(card)
    _limits(bundle, card)


def _card(bundle: Bundle) -> Measurements:
    try:
        return read_card(bundle)
    except CardError as error:
        st.warning(words.plain(str(error)), icon=":material/warning:")
        return {}


def _purpose(bundle: Bundle) -> None:
    use = tables.text(bundle.about, "intended_use")
    st.text(f"{PURPOSE} {use}".strip())


def _identity(bundle: Bundle) -> dict[str, str]:
    counts = [
        f"{sum(p.branch == branch for p in bundle.prototypes)} {branch}" for branch in BRANCHES
    ]
    files = [file for file in bundle.path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    return {
        "Written": tables.text(bundle.about, "created")[:10],
        "Statements": str(len(bundle.statements)),
        "Prototypes": f"{len(bundle.prototypes)} ({', '.join(counts)})",
        "Size": f"{size:.1f} MB",
        "Revision": bundle.revision,
        "Prototypes' fingerprint": bundle.fingerprint,
        "Made with": _versions(bundle.about),
        "Licence of the weights": tables.text(bundle.about, "licence", "weights"),
    }


def _versions(about: Mapping[str, Any]) -> str:
    tools = {
        name: tables.text(about, key) for name, key in (("Python", "python"), ("PyTorch", "torch"))
    }
    return ", ".join(f"{name} {version}" for name, version in tools.items() if version)


def _data(bundle: Bundle) -> dict[str, str]:
    about = bundle.about
    return {
        "Data set": tables.text(about, "data"),
        "Kind": "simulated ECGs" if bundle.simulated else "recorded ECGs",
        "Trained on": _ecgs(about, "training_ecgs", "train_folds"),
        "Validated on": _ecgs(about, "validation_ecgs", "validation_folds"),
        "Checksum of records and labels": tables.text(about, "data_sha256")[:16],
        "Random seed": tables.text(about, "config", "seed"),
        "Licence of the data": tables.text(about, "licence", "data"),
    }


def _ecgs(about: Mapping[str, Any], count: str, folds: str) -> str:
    ecgs = tables.number(about, count)
    if ecgs is None:
        return ""
    numbered = [f"{fold:.0f}" for fold in tables.numbers(about, "config", folds)]
    return f"{ecgs:,.0f} ECGs (fold{'s' if len(numbered) > 1 else ''} {', '.join(numbered)})"


def _facts(facts: Mapping[str, str]) -> None:
    st.markdown(
        "\n".join(
            f"- {name}: **{words.plain(value)}**" if value else f"- {name}: *{UNSTATED}*"
            for name, value in facts.items()
        )
    )


def _choose_figures(bundle: Bundle, card: Measurements) -> Mapping[str, Any]:
    offered = {VALIDATION: tables.section(bundle.about, "validation")}
    folds = [fold for fold in tables.section(card, "evaluations") if fold.isdecimal()]
    for fold in sorted(folds, key=int):
        offered[f"fold {fold}"] = tables.section(card, "evaluations", fold)
    st.markdown("#### How well it tells statements apart")
    held_out = [name for name, told in offered.items() if told.get("held_out") is True]
    chosen = default = [VALIDATION, *held_out][-1]
    if len(offered) > 1:
        chosen = st.segmented_control(
            "Measured on",
            list(offered),
            default=default,
            required=True,
            key="figures",
            bind="query-params",
        )
    figures = offered.get(chosen, offered[VALIDATION])
    _say_of_what(figures, own=chosen not in held_out)
    return figures


def _say_of_what(figures: Mapping[str, Any], *, own: bool) -> None:
    ecgs, patients = tables.number(figures, "n"), tables.number(figures, "patients")
    of = [f"{ecgs:,.0f} ECGs"] if ecgs else []
    of += [f"{patients:,.0f} patients"] if patients else []
    part = (
        "that also chose settings of the model, so its figures are a little kind"
        if own
        else "that had no part in the model"
    )
    st.caption(
        f"Measured on {' of '.join(of) or 'an unknown number of ECGs'} {part}. In brackets: 95 % "
        "interval."
    )


def _accuracy(bundle: Bundle, figures: Mapping[str, Any]) -> None:
    if not tables.section(figures, "per_statement"):
        _missing("Accuracy")
        return
    st.dataframe(tables.overall(figures), hide_index=True)
    _certainty(figures)
    table = tables.per_statement(figures, bundle)
    low = sum(decision.low_evidence for decision in bundle.decisions.values())
    st.markdown("**Each statement**")
    st.caption(
        "Click a column to sort by it. Threshold: the probability from which a statement is "
        "likely; sensitivity, specificity and PPV are of likely calls. "
        f"{low} of {len(table)} statements have too few positives in validation to trust "
        "figures of their own: their evidence is marked “low”."
    )
    st.dataframe(table, hide_index=True, height=420, column_config=_formats(table))


def _certainty(figures: Mapping[str, Any]) -> None:
    table = tables.certainty(figures)
    if table.empty:
        return
    st.markdown("**Likely and possible findings**")
    wrong = tables.sure(tables.section(figures, "certainty"), "ecgs_with_wrong_likely")
    apart = tables.part(figures, "calibration", "cross_fitted")
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


def _probabilities(figures: Mapping[str, Any]) -> None:
    st.markdown("#### How far its probabilities hold")
    curve = tables.reliability(figures)
    if curve.empty:
        _missing("Calibration")
        return
    plot, told = st.columns([3, 2], gap="large")
    with plot:
        drawing.show(
            reliability_figure(curve, theme=frame.theme()),
            key="reliability",
            alt=describe_reliability(curve),
        )
    with told:
        _calibration(figures)


def _calibration(figures: Mapping[str, Any]) -> None:
    labels = {
        "pooled_ece": "Expected calibration error, all cases",
        "macro_ece": "Expected calibration error, mean of statements",
        "macro_brier": "Brier score, mean of statements",
        "macro_brier_skill": "Brier skill, mean of statements",
    }
    found = {label: tables.number(figures, "calibration", name) for name, label in labels.items()}
    _facts({label: "" if value is None else f"{value:.4f}" for label, value in found.items()})
    if tables.part(figures, "calibration", "cross_fitted") is True:
        st.caption("No ECG had a part in the calibration that it is judged by (cross-fitted).")


def _faithfulness(card: Measurements) -> None:
    st.markdown("#### Whether its explanations are true")
    told, baseline = (
        tables.section(card, name) for name in ("faithfulness", "baseline_faithfulness")
    )
    table = tables.faithfulness(told, baseline)
    if table.empty:
        _missing("Faithfulness")
        return
    ecgs, fold = tables.number(told, "n"), tables.text(told, "fold", default="unknown")
    beside = "" if baseline else " The published rule beside it is not measured."
    st.caption(f"Fold {words.plain(fold)}, {ecgs or 0:,.0f} ECGs, each branch by itself.{beside}")
    # As wide as its headers alone, a column cuts the words in it.
    widths = {branch: st.column_config.TextColumn(width="small") for branch in BRANCHES}
    st.dataframe(table, hide_index=True, height="content", column_config=widths)
    with st.expander("How each is measured"):
        definitions = [
            [name, tables.text(own, "definition")]
            for name, own in tables.section(told, "measures").items()
        ]
        for name, definition in definitions:
            st.text(f"{name.capitalize()}: {definition}")


def _abstention(bundle: Bundle, card: Measurements) -> None:
    st.markdown("#### When it abstains")
    if bundle.familiarity is None:
        st.info(
            "This bundle never abstains: it was written before models could.",
            icon=":material/info:",
        )
    told = tables.section(card, "abstention")
    table = tables.abstention(told)
    if table.empty:
        _missing("Abstention")
        return
    ecgs, fold = tables.number(told, "n"), tables.text(told, "fold", default="unknown")
    by = tables.text(told, "fitted_on", default="an unknown part of the data")
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


def _ablations(card: Measurements) -> None:
    st.markdown("#### What each rule costs or gains")
    told = tables.section(card, "ablations")
    table = tables.ablations(told)
    if table.empty:
        _missing("The ablation")
        return
    branch, fold = (
        words.plain(tables.text(told, key, default="unknown")) for key in ("branch", "fold")
    )
    st.caption(f"A small {branch} branch, each row changed by what its name says, on fold {fold}.")
    st.dataframe(table, hide_index=True, height="content")


def _limits(bundle: Bundle, card: Measurements) -> None:
    st.markdown("#### Limits")
    for limit in _known_limits(bundle, card):
        st.text(f"•  {limit}")


def _known_limits(bundle: Bundle, card: Measurements) -> list[str]:
    data = tables.text(bundle.about, "data", default="an unknown data set")
    limits = [f"Trained on {data} only: other devices, hospitals and patients may differ."]
    if bundle.simulated:
        limits = ["Trained on simulated ECGs: nothing is known of what it says about real ones."]
    if low := [code for code, decision in bundle.decisions.items() if decision.low_evidence]:
        limits.append(f"Low evidence, as too few were seen in validation: {', '.join(low)}.")
    table = tables.abstention(tables.section(card, "abstention"))
    passing = table[table["abstains, %"] < PASSES_BELOW].iloc[1:]
    if len(passing):
        named = [f"{row[0]} ({row[1]:.0f} %)" for row in passing.itertuples(index=False)]
        limits.append(
            "It mostly takes for ordinary, with the share that it abstains from: "
            f"{', '.join(named)}."
        )
    own = tables.part(bundle.about, "limits")
    return limits + [tables.text(limit) for limit in (own if isinstance(own, list) else [])]


def _missing(what: str) -> None:
    st.info(f"{what}: {MISSING}.", icon=":material/info:")


main()
