"""What a model finds in an ECG, in the order of a reading; one statement is chosen to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st
from scipy.special import logit

from pages.shell import words
from protoecg import wording
from protoecg.explanation import Explanation, Finding
from protoecg.labels import Statement
from protoecg.summary import HeaderValue, Summary, summarised

LIKELY, RHYTHM, POSSIBLE, OTHER = "likely", "rhythm", "possible", "other"
PRESSING = "possible, critical"
NAMED = 4
# A likely rhythm stands beside it, and none need be likely of an ECG that has one.
NONE = {"Likely": "nothing but what is said of the rhythm", "Rhythm": "none is likely"}
MEASURED = (
    "Computed from the samples, and far beyond what is ordinary. It is the measurement's word: the "
    "model finds no statement likely or possible that speaks of it. A measurement can be wrong: "
    "look at the tracing."
)
ABSTAINS = "Nothing is said: the model abstains. What it would say of an ordinary ECG"


def chosen(explanation: Explanation, first: str = "") -> Finding | None:
    """Return the finding that the URL names, else that of the code `first`, else the foremost.

    None where nothing is likely or possible, or the model abstains, and nothing is asked for.
    """
    by_code = {finding.code: finding for finding in explanation.findings}
    for code in (st.query_params.get("finding"), first):
        if code in by_code:
            return by_code[code]
    return None if explanation.abstains else summarised(explanation).foremost


def show(
    explanation: Explanation, finding: Finding | None, measured: Iterable[HeaderValue] = ()
) -> None:
    """Show all statements, those that matter first; each can be chosen.

    Parameters
    ----------
    finding : the one that is looked at
    measured : the header line, of which an ordinary ECG may have something out of its limits
    """
    summary, code = summarised(explanation), finding.code if finding else None
    absent = [one for one in explanation.findings if one.certainty == "absent"]
    if explanation.abstains:
        _folded(f"{ABSTAINS} ({len(summary.in_order)})", summary.in_order, code)
        _others("Others", absent, code)
        return
    _unnamed(explanation)
    if summary.ordinary:
        flagged = ", ".join(value.words for value in measured if value.flag)
        out = f" Measured out of limits: **{flagged}**." if flagged else ""
        # No sign of all being well above what a measurement says.
        sign = "gray[:material/info:]" if explanation.unnamed else "green[:material/check_circle:]"
        st.markdown(f":{sign} {summary.ordinary}{out}")
    if summary.possible_critical:
        _group("Critical, only possible", summary.possible_critical, PRESSING, code)
    left, right = st.columns([3, 2])
    with left:
        _group("Likely", (*summary.critical, *summary.likely), LIKELY, code)
    with right:
        _group("Rhythm", summary.rhythm, RHYTHM, code)
    _contradictions(summary)
    left, right = st.columns([3, 2])
    with left:
        _folded(_possible(summary.possible), summary.possible, code)
    with right:
        _others("Other statements", absent, code)


def _group(label: str, findings: Sequence[Finding], key: str, code: str | None) -> None:
    if not findings:
        st.markdown(f"**{label}:** {NONE.get(label, 'none')}")
        return
    by_code = {finding.code: finding.statement for finding in findings}
    # Several widgets, one choice: the URL holds it, and each shows it or nothing.
    st.session_state[key] = code if code in by_code else None
    st.radio(
        f"**{label}**",
        list(by_code),
        format_func=lambda one: _named(by_code[one]),
        captions=[_caption(finding) for finding in findings],
        key=key,
        on_change=_take,
        args=(key,),
        horizontal=True,
    )


def _folded(label: str, findings: Sequence[Finding], code: str | None) -> None:
    if not findings:
        st.markdown(f"{label}")
        return
    is_inside = any(finding.code == code for finding in findings)
    with st.expander(label, expanded=is_inside, icon=":material/help:"):
        _group("Look at", findings, POSSIBLE, code)


def _possible(findings: Sequence[Finding]) -> str:
    if not findings:
        return "**Possible:** nothing else"
    named = [words.plain(finding.statement.description) for finding in findings[:NAMED]]
    more = ", …" if len(findings) > NAMED else ""
    return f"**Possible ({len(findings)}):** {', '.join(named)}{more}"


def _others(label: str, findings: Sequence[Finding], code: str | None) -> None:
    nearest = sorted(findings, key=_missed_by)
    options = {
        one.code: f"{one.statement.named} · {wording.probability(one.probability)}"
        for one in nearest
    }
    st.session_state[OTHER] = code if code in options else None
    st.selectbox(
        label,
        list(options),
        index=None,
        format_func=lambda one: options[one],
        placeholder=f"{label} ({len(options)}), the nearest first",
        key=OTHER,
        on_change=_take,
        args=(OTHER,),
        label_visibility="collapsed",
    )


def _missed_by(finding: Finding) -> float:
    """Return by how much a statement missed being possible, in logits."""
    return float(logit(finding.possible_from or finding.threshold)) - finding.logit


def _take(widget: str) -> None:
    st.query_params["finding"] = st.session_state[widget]
    for name in ("match", "evidence"):
        st.query_params.pop(name, None)


def _named(statement: Statement) -> str:
    name = words.capitalised(statement.description)
    return f":red[**{name}**]" if statement.critical else f"**{name}**"


def _caption(finding: Finding) -> str:
    probability, _ = wording.distinct_probabilities(finding.probability, finding.threshold)
    marks = [
        "**critical**" if finding.statement.critical else "",
        "**low evidence**" if finding.low_evidence else "",
        "**contradicted**" if finding.contradictions else "",
    ]
    return " · ".join([f"{words.plain(finding.code)} {probability}", *filter(None, marks)])


def _contradictions(summary: Summary) -> None:
    for finding in summary.in_order:
        if finding.contradictions:
            withheld = ", so not likely" if finding.withheld else ""
            st.markdown(
                f":orange[:material/rule: **{words.capitalised(finding.statement.description)}** "
                f"({finding.certainty}) is contradicted{withheld}:] "
                f"{' '.join(map(words.plain, finding.contradictions))}"
            )


def _unnamed(explanation: Explanation) -> None:
    for one in explanation.unnamed:
        st.markdown(
            f":orange[:material/straighten:] **{words.plain(one.sentence)}**", help=MEASURED
        )
