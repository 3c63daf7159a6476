"""The findings of an ECG in the sidebar: the likely and possible ones, and a way to all others."""

from __future__ import annotations

import streamlit as st

from pages.shell import words
from protoecg import wording
from protoecg.explanation import Explanation, Finding

PRESENT, ABSENT = "present", "absent"


def choose(explanation: Explanation, first: str) -> Finding:
    """Return the finding that the URL names, else that of the code `first`, else the first one."""
    by_code = {finding.code: finding for finding in explanation.findings}
    offered = (st.query_params.get("finding"), first, explanation.findings[0].code)
    chosen = next(code for code in offered if code in by_code)
    present = [finding for finding in explanation.findings if finding.certainty != "absent"]
    absent = [finding for finding in explanation.findings if finding.certainty == "absent"]
    # Two widgets, one choice: the URL holds it, and each shows it or nothing.
    st.session_state[PRESENT] = chosen if by_code[chosen] in present else None
    st.session_state[ABSENT] = chosen if by_code[chosen] in absent else None
    with st.sidebar:
        st.subheader(f"Findings ({len(present)})", anchor=False)
        if explanation.abstains:
            st.markdown(":red[No verdict: the model abstains.]")
        _present(present, verdicts=not explanation.abstains)
        _others("Others" if explanation.abstains else "Absent", absent)
    return by_code[chosen]


def _present(findings: list[Finding], verdicts: bool) -> None:
    if not findings:
        st.caption("No statement is likely or possible.")
        return
    st.radio(
        "Likely and possible findings",
        [finding.code for finding in findings],
        format_func=words.named,
        captions=[_caption(finding, verdicts) for finding in findings],
        key=PRESENT,
        on_change=_take,
        args=(PRESENT,),
        label_visibility="collapsed",
    )


def _others(label: str, findings: list[Finding]) -> None:
    probabilities = {finding.code: wording.probability(finding.probability) for finding in findings}
    st.selectbox(
        f"{label} ({len(findings)})",
        list(probabilities),
        index=None,
        format_func=lambda code: f"{probabilities[code]} · {words.named(code)}",
        placeholder="Look at another statement",
        key=ABSENT,
        on_change=_take,
        args=(ABSENT,),
    )


def _take(widget: str) -> None:
    st.query_params["finding"] = st.session_state[widget]
    st.query_params.pop("match", None)


def _caption(finding: Finding, verdicts: bool) -> str:
    """Return a finding's probability and, with `verdicts`, how sure it is, and what to doubt."""
    low = " · :orange[low evidence]" if finding.low_evidence else ""
    probability, _ = wording.distinct_probabilities(finding.probability, finding.threshold)
    sure = f" · {finding.certainty}" if verdicts else ""
    against = " · :orange[contradicted]" if finding.contradictions else ""
    return f"**{probability}**{sure} · {finding.branch}{low}{against}"
