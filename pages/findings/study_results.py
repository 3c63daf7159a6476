"""What a study found: scores, control items, repeats, agreement, preferences and readings."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.ecg import drawing
from pages.findings import score_bars
from pages.shell import choices, frame, models, words
from protoecg import wording
from protoecg.figures.intervals import describe_intervals, intervals_figure
from protoecg.labels import LabelSet
from review_db.findings import answers, cases, prototypes
from review_db.questions.catalogue import KINDS, STUDY_SCALES
from review_db.studies.lifecycle import studies, study_info

STATISTICS = {
    "alpha": "Krippendorff's alpha, ordinal",
    "alpha_nominal": "Krippendorff's alpha, nominal",
    "weighted_kappa": "Cohen's kappa, quadratic weights, mean of pairs",
    "kappa": "Cohen's kappa, mean of pairs",
    "fleiss_kappa": "Fleiss' kappa",
    "ac2": "Gwet's AC2, quadratic weights",
    "ac1": "Gwet's AC1",
    "icc_2_1": "ICC(2,1)",
    "percent": "Share of equal answers",
}
CONTROLS = {
    "wrong_statement": "under a wrong statement",
    "random_window": "random window",
    "noise": "noise added",
}
MEASURES = {
    "correct": "leading statement named",
    "overlap": "statements named that are true, of all named or true",
    "brier": "Brier score of the confidence (lower is better)",
    "seconds": "seconds",
}


def show(engine: Engine) -> None:
    """Ask for a started study and show what it found so far."""
    started = [info.design.name for info in studies(engine) if info.started_at]
    if not started:
        st.info(
            "No study has been started. Make and start one on Studies; what its reviewers answer "
            "appears here.",
            icon=":material/science:",
        )
        return
    name = st.selectbox("Study", started, key="study", bind="query-params", width=420)
    table = answers.answer_table(engine, name)
    if table.empty:
        st.info(
            f"Nobody has rated an item of {words.plain(name)} yet.", icon=":material/rate_review:"
        )
        return
    offered = [view for view, (kind, _) in VIEWS.items() if not prototypes.rated(table, kind).empty]
    if not offered:
        st.info("Only practice items are rated so far, or all were skipped; these do not count.")
        return
    view = choices.one_of("What it found", offered, key="found")
    VIEWS[view][1](table, _labels(engine, name))
    st.caption(
        "Practice and skipped items do not count. Intervals are 95 % and hold for these reviewers. "
        "Everything as CSV, with the methods in words: on Studies."
    )


def _labels(engine: Engine, study: str) -> LabelSet:
    """Return the label set of a study's bundle; where that is gone, codes stand for themselves."""
    info = study_info(engine, study)
    bundle = models.of_version(info.bundle, info.fingerprint)
    return bundle.labels if bundle else LabelSet(())


def _prototypes(table: pd.DataFrame, labels: LabelSet) -> None:
    _scores(table, labels, "prototype")


def _matches(table: pd.DataFrame, labels: LabelSet) -> None:
    _scores(table, labels, "match")


def _scores(table: pd.DataFrame, labels: LabelSet, kind: str) -> None:
    by = choices.one_of("Scores by", list(prototypes.GROUPS), key="by", default="branch")
    found = prototypes.item_scores(table, by, kind)
    if by == "prototype":
        found = score_bars.of_statement(found, labels)
    about = _named(table, kind)
    asked = [question for question in KINDS[kind].required if question in STUDY_SCALES]
    for question, column in zip(asked, score_bars.columns(len(asked)), strict=True):
        with column:
            score_bars.show(found, question, by, about=about)
            means = _intervals(found, by, question).head(score_bars.BARS)
            key = score_bars.key(found, f"{about} mean {question}", by)
            _forest(means, f"mean {question}", (0.8, 5.2), key=key)
    columns = {by: score_bars.names(found, by, labels), "ratings": found["n"]}
    for question in KINDS[kind].required:
        columns |= _spread(found, question)
    st.dataframe(pd.DataFrame(columns), hide_index=True)


def _intervals(found: pd.DataFrame, by: str, question: str) -> pd.DataFrame:
    columns = {"value": "mean", "low": "low", "high": "high", "n": "n"}
    rows = {name: found[f"{question}_{column}"] for name, column in columns.items()}
    return pd.DataFrame(rows).set_axis(found[by], axis=0)


def _spread(found: pd.DataFrame, question: str) -> dict[str, list[str]]:
    """Return the columns that a question has in the printed table."""
    rows = found[[f"{question}_{part}" for part in ("mean", "low", "high", "sd", "median")]]
    parts = list(rows.itertuples(index=False, name=None))
    if question not in STUDY_SCALES:
        return {f"{question}: yes (95 %)": [_share(*part[:3]) for part in parts]}
    return {
        f"{question}: mean (95 %)": [_value(*part[:3]) for part in parts],
        f"{question}: SD": ["" if pd.isna(part[3]) else f"{part[3]:.2f}" for part in parts],
        f"{question}: median": ["" if pd.isna(part[4]) else f"{part[4]:g}" for part in parts],
    }


def _controls(table: pd.DataFrame, _: LabelSet) -> None:
    st.markdown("#### Rated prototypes against control items")
    found = prototypes.controls(table)
    found = found[found["control_n"] > 0]
    if found.empty:
        st.info("No control item is rated, or the study has none.")
    else:
        labels = [f"{CONTROLS[row.control]}: {row.question}" for row in found.itertuples()]
        rows = found.rename(columns={"difference": "value", "control_n": "n"})
        axis = "rated less control (points; shares for accurate)"
        rows = rows.set_axis(pd.Index(labels, name="control: question"), axis=0)
        _forest(rows, axis, (-4, 4), key=_named(table, "controls"), reference=0)
        printed = {
            "control": found["control"].map(CONTROLS),
            "question": found["question"],
            "rated items": found["rated_n"],
            "control items": found["control_n"],
            "rated: mean": found["rated_mean"].round(2),
            "control: mean": found["control_mean"].round(2),
            "difference (95 %)": _values(found, "difference"),
            "rated above control": [f"{100 * share:.0f} %" for share in found["above"]],
        }
        st.dataframe(pd.DataFrame(printed), hide_index=True)
    st.markdown("#### First look against repeat")
    again = prototypes.repeats(table)
    if again.empty:
        st.info("No repeated item is rated twice, or the study has none.")
        return
    printed = {
        "question": again["question"],
        "reviewer": again["reviewer"].replace("", "all"),
        "pairs": again["n"],
        "the same": [f"{100 * share:.0f} %" for share in again["same"]],
        "second less first": again["difference"].round(2),
        "statistic": again["statistic"].map(STATISTICS),
        "value (95 %)": _values(again, "value"),
    }
    st.dataframe(pd.DataFrame(printed), hide_index=True)


def _agreement(table: pd.DataFrame, labels: LabelSet) -> None:
    asked = [
        question
        for kind in ("prototype", "match")
        if not prototypes.rated(table, kind).empty
        for question in KINDS[kind].required
    ]
    question = choices.one_of("Question", asked, key="question")
    found = pd.DataFrame(_agreements(table, question))
    printed = {
        "statistic": found["statistic"].map(STATISTICS),
        "value (95 %)": _values(found, "value"),
        "items": found["items"],
        "reviewers": found["raters"],
        "ratings": found["ratings"],
        "prevalence of the answers in order": [
            ", ".join(f"{100 * share:.0f} %" for share in shares) for shares in found["prevalence"]
        ],
    }
    st.dataframe(pd.DataFrame(printed), hide_index=True)
    st.caption("Items are those with two ratings or more. No value: the ratings do not define it.")
    statistic = found["statistic"][0]
    rows = _by_statement(table, question, statistic)
    st.markdown("**By statement**")
    if rows.empty:
        st.info("No statement has two items that two reviewers or more have rated.")
        return
    labelled = rows.set_axis(rows["statement"].map(labels.named), axis=0)
    key = _named(table, f"agreement on {question} by statement")
    _forest(labelled, STATISTICS[statistic], (-1.05, 1.05), key=key, reference=0)
    st.caption("Statements with a single such item are left out.")


@st.cache_data(max_entries=64, show_spinner="Computing agreement")
def _agreements(table: pd.DataFrame, question: str) -> list[prototypes.Agreement]:
    return prototypes.agreements(table, question)


@st.cache_data(max_entries=64, show_spinner="Computing agreement by statement")
def _by_statement(table: pd.DataFrame, question: str, statistic: str) -> pd.DataFrame:
    return prototypes.agreement_by_statement(table, question, statistic)


def _pairs(table: pd.DataFrame, _: LabelSet) -> None:
    found = cases.preferences(table)
    names = found["reviewer"].replace("", "all reviewers")
    rows = found.rename(columns={"preference": "value"}).set_axis(names, axis=0)
    axis = "preference, from a (−2) to b (2)"
    _forest(rows, axis, (-2.1, 2.1), key=_named(table, "preference"), reference=0)
    printed = {
        "reviewer": names,
        "cases": found["cases"],
        "preference (95 %)": _values(found, "preference"),
        "p (Wilcoxon)": found["p"].map("{:.3f}".format),
    }
    for side in ("a", "b"):
        printed[f"prefers {side}"] = [f"{100 * share:.0f} %" for share in found[f"prefers_{side}"]]
        accepted = found[f"acceptable_{side}"]
        printed[f"{side} acceptable"] = [
            "" if pd.isna(share) else f"{100 * share:.0f} %" for share in accepted
        ]
    st.dataframe(pd.DataFrame(printed), hide_index=True)


def _readings(table: pd.DataFrame, _: LabelSet) -> None:
    found = cases.readings(table)
    if not found["n"].any():
        st.info("No ECG has been read both without and with its explanation yet.")
        return
    printed = {
        "measure": found["measure"].map(MEASURES),
        "readings": found["n"],
        "readers": found["readers"],
        "cases": found["cases"],
        "without": found["without"].round(2),
        "with the explanation": found["with"].round(2),
        "difference (95 %)": _values(found, "difference"),
        "p (Wilcoxon)": found["p"].map("{:.3f}".format),
    }
    st.dataframe(pd.DataFrame(printed), hide_index=True)
    st.caption("The order is not varied: each ECG is read without its explanation first.")


def _forest(
    rows: pd.DataFrame,
    axis: str,
    limits: tuple[float, float],
    *,
    key: str,
    reference: float | None = None,
) -> None:
    figure = intervals_figure(
        rows, axis=axis, limits=limits, reference=reference, theme=frame.theme()
    )
    numbers = rows[["value", "low", "high", "n"]].rename(columns={"value": axis})
    drawing.show_with_numbers(figure, numbers, key=key, alt=describe_intervals(rows, axis))


def _named(table: pd.DataFrame, what: str) -> str:
    return f"{table['study'].iat[0]} {what}"


def _values(found: pd.DataFrame, value: str) -> list[str]:
    return [_value(*row) for row in found[[value, "low", "high"]].itertuples(index=False)]


def _value(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} ({wording.between((low, high))})"


def _share(share: float, low: float, high: float) -> str:
    if pd.isna(share):
        return ""
    if pd.isna(low):
        return f"{100 * share:.0f} %"
    return f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


# Of each view: the kind of item that it is about, and what shows it.
VIEWS: dict[str, tuple[str, Callable[[pd.DataFrame, LabelSet], None]]] = {
    "Prototypes": ("prototype", _prototypes),
    "Controls and repeats": ("prototype", _controls),
    "Agreement": ("prototype", _agreement),
    "Matches": ("match", _matches),
    "Two explanations": ("pair", _pairs),
    "Readings": ("reading", _readings),
}
