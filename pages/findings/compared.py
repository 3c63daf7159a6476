"""Which explanation a study's reviewers preferred, and what readers gained by one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.ecg import drawing
from pages.findings import estimates
from pages.findings.estimates import Results, Whose
from pages.shell import choices, frame
from protoecg import wording
from protoecg.figures.charts.readers import describe_readers, readers_figure
from review_db.findings.cases import Declared, Outcome, arms, declared, two_stages
from review_db.findings.cases import preferences as all_preferences
from review_db.findings.differentials import differentials, reliance
from review_db.findings.estimate_rows import NEW
from review_db.studies.design.declared import Protocol

OUTCOMES = {
    "correct": "first choice is true",
    "auc": "AUC of the confidence in the case's finding",
    "sensitivity": "sensitivity: the case's finding named, where it is true",
    "specificity": "specificity: not named, where it isn't",
    "brier": "Brier score of the confidence (lower is better)",
    "seconds": "seconds",
}
TWO_STAGES = {
    "correct": "leading statement named",
    "overlap": "statements named that are true, of all named or true",
    "brier": "Brier score of the confidence (lower is better)",
    "seconds": "seconds",
}


def pairs(results: Results) -> None:
    """Show which of two explanations was preferred."""
    answers, whom = results.answers, results.whom
    found = all_preferences(answers)
    names = [one.reviewer or "all reviewers" for one in found]
    estimates.forest(
        [one.preference for one in found],
        names,
        [one.preference.items for one in found],
        whom,
        axis="preference, from a (−2) to b (2)",
        limits=(-2.1, 2.1),
        key=estimates.named(answers, "preference"),
        reference=0,
    )
    columns: dict[str, Sequence[object]] = {
        "reviewer": names,
        "cases": [one.preference.items for one in found],
        "preference (95 %)": [whom.text(one.preference) for one in found],
        "p (new reviewers)": [_p(one.p) for one in found],
        "right over left (95 %)": [whom.text(one.to_the_right) for one in found],
        "prefers a": [_share(one.prefers_a) for one in found],
        "a acceptable": [_share(one.acceptable_a) for one in found],
        "prefers b": [_share(one.prefers_b) for one in found],
        "b acceptable": [_share(one.acceptable_b) for one in found],
    }
    estimates.table(columns)
    st.caption(
        "Preference from −2 for a to 2 for b; right over left from −2 to 2 too, whichever "
        "explanation stood there: what a side is preferred by."
    )


def two_stage_readings(results: Results) -> None:
    """Show what reading with the explanation changed, in studies of two looks."""
    _outcomes(results.answers, two_stages(results.answers), TWO_STAGES, results.whom)
    st.caption("The order is not varied: each ECG is read without its explanation first.")


def differential_readings(results: Results) -> None:
    """Show what each arm of a crossover changed, what was declared, and whom it helped."""
    answers, protocol = results.answers, results.protocol
    found = arms(answers)
    if judged := declared(found, protocol, results.alpha):
        _declared(judged, protocol, results.alpha)
    _outcomes(answers, found, OUTCOMES, results.whom)
    met = next((one.comparison.treatments for one in found if one.comparison), ())
    if not set(protocol.compare) <= set(met):
        return
    without, with_ = protocol.compare
    st.markdown(f"**Beside a model that is right, and one that is wrong: {without}, then {with_}**")
    shown = reliance(differentials(answers), without, with_)
    shares = ["helped", "harmed", "over_reliance", "under_reliance"]
    printed = shown.assign(**{name: shown[name].map(_share) for name in shares})
    names = {"model_right_n": "model right", "model_wrong_n": "model wrong"}
    printed = printed.rename(columns={**names, **{s: s.replace("_", "-") for s in shares}})
    st.dataframe(printed, hide_index=True)
    st.caption(
        "Helped: of the cases with a right model, a wrong first choice became right. Harmed: of "
        "those with a wrong model, a right one became wrong. Over-reliance: says what a wrong "
        "model says; under-reliance: says otherwise than a right one."
    )


def _declared(judged: Sequence[Declared], protocol: Protocol, alpha: float) -> None:
    rule = "Holm" if protocol.multiplicity == "holm" else "no correction"
    st.markdown(f"**Declared before the start** ({_spent(protocol, alpha)}, {rule})")
    estimates.table(
        {
            "outcome": [OUTCOMES[one.name] for one in judged],
            "rank": ["primary" if one.name == protocol.primary else "secondary" for one in judged],
            "compared": [" less ".join(one.difference.treatments) for one in judged],
            "p": [_p(one.p) for one in judged],
            f"p ({rule})": [_p(one.adjusted) for one in judged],
            "below alpha": ["yes" if one.is_met else "no" for one in judged],
        }
    )


def _spent(protocol: Protocol, alpha: float) -> str:
    whole = "" if alpha == protocol.alpha else f" of {protocol.alpha:g} in all"
    return f"alpha {alpha:g}{whole}"


def _outcomes(
    answers: pd.DataFrame, found: Sequence[Outcome], names: dict[str, str], whom: Whose
) -> None:
    compared = [one for one in found if one.comparison]
    if not compared:
        st.info("No reader has read ECGs in two of the ways that are compared yet.")
        return
    for pair in range(len(compared[0].pairs())):
        estimates.table(_columns(compared, names, pair, whom))
    for one in found:
        if one.why:
            st.caption(f"{names[one.name]}: {one.why}")
    _readers(answers, compared, names)


def _columns(
    compared: Sequence[Outcome], names: dict[str, str], pair: int, whom: Whose
) -> dict[str, Sequence[object]]:
    later, earlier = compared[0].pairs()[pair].treatments
    columns: dict[str, Sequence[object]] = {
        "measure": [names[one.name] for one in compared],
        "readers": [one.comparison.readers for one in compared if one.comparison],
        "cases": [one.comparison.cases for one in compared if one.comparison],
    }
    for arm in (earlier, later):
        columns[arm] = [round(one.mean(arm), 2) for one in compared]
    columns["difference (95 %)"] = [whom.text(one.estimate(pair)) for one in compared]
    columns[f"p ({whom.name})"] = [
        _p((one.pairs() if whom.name == NEW else one.pairs_of_these())[pair].p) for one in compared
    ]
    return columns


def _readers(answers: pd.DataFrame, outcomes: Sequence[Outcome], names: dict[str, str]) -> None:
    name = choices.one_of(
        "Each reader", [one.name for one in outcomes], key="reader-outcome", named=names.__getitem__
    )
    compared = next(one.comparison for one in outcomes if one.name == name)
    if compared is None:
        return
    order = list(reversed(compared.treatments))
    rows = pd.DataFrame(
        [list(reversed(reader.values)) for reader in compared.per_reader],
        index=pd.Index([reader.reader for reader in compared.per_reader], name="reader"),
        columns=order,
    )
    figure = readers_figure(rows, axis=names[name], theme=frame.theme())
    key = estimates.named(answers, f"{name} of each reader")
    drawing.show_with_numbers(figure, rows, key=key, alt=describe_readers(rows, names[name]))


def _p(p: float) -> str:
    if pd.isna(p):
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _share(share: float) -> str:
    return "" if pd.isna(share) else wording.share(share)
